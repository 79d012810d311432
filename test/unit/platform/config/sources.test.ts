/** Durations, suggestions, and where JSON is wrong. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { suggestion } from '../../../../services/core/monitor/nearest.ts';
import { parseDuration } from '../../../../services/platform/config/duration.ts';
import { parseJson } from '../../../../services/platform/config/json-source.ts';

describe('parseDuration', () => {
  test.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['15m', 900_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['0', 0],
    ['0s', 0],
  ])('%s is %d ms', (text, expected) => {
    expect(parseDuration(text)).toBe(expected);
  });

  test.each(['', '15', '1.5h', '-1s', '15 m', '15M', '1w', 'm', '1e3s', '1234567890s', '1h30m'])(
    '%j is none',
    (text) => {
      expect(parseDuration(text)).toBeNull();
    },
  );
});

describe('suggestion', () => {
  test.each([
    ['incme', 'income'],
    ['icnome', 'income'],
    ['Income', 'income'],
    ['aeg', 'age'],
  ])('%s was probably %s', (word, expected) => {
    expect(suggestion(word, ['age', 'income'])).toBe(`; did you mean ${expected}?`);
  });

  test('lists what is known where nothing is close', () => {
    expect(suggestion('employment', ['age', 'income'])).toBe('; known are age, income');
    expect(suggestion('x', [])).toBe('');
  });
});

describe('parseJson', () => {
  test.each([
    ['{"a": 1,}', 1, 9, 'a key in double quotes'],
    ['{"a" 1}', 1, 6, '":"'],
    ["{'a': 1}", 1, 2, 'a key in double quotes'],
    ['[1 2]', 1, 4, '"," or "]"'],
    ['[1,]', 1, 4, 'a value'],
    ['{\n  "a": tru\n}', 2, 8, 'a value'],
    ['{\n  "a": [1, 2}\n', 2, 13, '"," or "]"'],
    ['{} {}', 1, 4, 'the end of the file'],
    ['', 1, 1, 'a value'],
    ['"abc', 1, 1, 'a value'],
    ['[01]', 1, 2, 'a value'],
    ['{"a": {', 1, 8, 'a key in double quotes'],
  ])('%j', (text, line, column, expected) => {
    const result = parseJson(text);
    expect(result).toMatchObject({ ok: false, line, column });
    expect(result.ok ? '' : result.message).toContain(`expected ${expected}`);
  });

  test('finds a place in every JSON that was cut off or changed', () => {
    fc.assert(
      fc.property(
        fc.json(),
        fc.nat(),
        fc.constantFrom('', '}', ',', '"', '\u0001'),
        (json, at, inserted) => {
          const cut = at % (json.length + 1);
          const text = json.slice(0, cut) + inserted + (inserted === '' ? '' : json.slice(cut));
          const result = parseJson(text);
          if (result.ok) expect(result.value).toEqual(JSON.parse(text));
          else {
            expect(result.line).toBe(1);
            expect(result.column).toBeGreaterThanOrEqual(1);
            expect(result.column).toBeLessThanOrEqual(text.length + 1);
          }
        },
      ),
    );
  });
});
