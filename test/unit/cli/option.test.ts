/** Values of options: what they stand for, and what is said of one that cannot be read. */
import { describe, expect, test } from 'vitest';
import {
  collectSet,
  collectWindow,
  parsePositive,
  parseRunName,
} from '../../../services/cli/option.ts';

const HOUR_MS = 3_600_000;
const TUMBLING = { lengthMs: HOUR_MS, slideMs: HOUR_MS };
const SLIDING = { lengthMs: HOUR_MS, slideMs: HOUR_MS / 12 };

describe('--window', () => {
  test.each([
    ['1h', TUMBLING],
    ['1h/1h', TUMBLING],
    ['1h/5m', SLIDING],
    ['500ms', { lengthMs: 500, slideMs: 500 }],
  ])('%s', (text, plan) => {
    expect(collectWindow(text, undefined)).toEqual([plan]);
  });

  test('may be given several times', () => {
    expect(collectWindow('1h/5m', collectWindow('1h', undefined))).toEqual([TUMBLING, SLIDING]);
  });

  test.each(['', '1', '1x', 'h', '1h/', '/5m', '1h/5', '1h/5m/1m', '1h 5m', '-1h'])(
    'refuses "%s" by its text',
    (text) => {
      expect(() => collectWindow(text, undefined)).toThrow(
        `"${text}" is not a window such as 15m, or 1h/5m`,
      );
    },
  );
});

describe('--set', () => {
  test('is a name and its columns, and may be given several times', () => {
    const first = collectSet('inputs=age, income', undefined);
    expect(collectSet('all=a,b,c.d', first)).toEqual([
      { name: 'inputs', columns: ['age', 'income'] },
      { name: 'all', columns: ['a', 'b', 'c.d'] },
    ]);
  });

  test.each(['', 'inputs', 'inputs=', 'inputs=age', '=a,b', 'inputs=a,', 'in puts=a,b', 'x=a,b=c'])(
    'refuses "%s" by its text',
    (text) => {
      expect(() => collectSet(text, undefined)).toThrow(`"${text}" is not a name and 2 to 64`);
    },
  );

  test('refuses a column or a name that is given twice', () => {
    expect(() => collectSet('x=a,a', undefined)).toThrow('"x=a,a" names a column twice');
    expect(() => collectSet('x=a,c', collectSet('x=a,b', undefined))).toThrow(
      'the set x is given twice',
    );
  });
});

describe('--run', () => {
  test.each(['a', 'last-week_2', 'x'.repeat(64)])('may be %s', (text) => {
    expect(parseRunName(text)).toBe(text);
  });

  test.each(['', 'last week', 'a/b', 'a.b', 'x'.repeat(65), 'größe'])('is never "%s"', (text) => {
    expect(() => parseRunName(text)).toThrow(`"${text}" is not 1 to 64 letters`);
  });
});

describe('--speed and --rate', () => {
  test.each([
    ['1', 1],
    ['0.5', 0.5],
    ['1000', 1_000],
  ])('%s', (text, value) => {
    expect(parsePositive(text)).toBe(value);
  });

  test.each(['', '0', '0.0', '-1', '1x', 'fast', '1e3', '9'.repeat(400)])('never "%s"', (text) => {
    expect(() => parsePositive(text)).toThrow('is not a number above 0');
  });
});
