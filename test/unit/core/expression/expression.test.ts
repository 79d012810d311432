/** Expressions over event, output, raw and lists: what they give, when they are undecided, mistakes. */
import { describe, expect, test, vi } from 'vitest';
import { ALL_VARIABLES } from '../../../../services/core/expression/cel.ts';
import {
  compileExpression,
  type ExpressionScope,
  expressionMistake,
} from '../../../../services/core/expression/expression.ts';
import { createValueLists, ValueList } from '../../../../services/core/expression/value-list.ts';

const VALUES = {
  event: { age: 20, country: 'CH', code: 42, active: true, amount: null, loan: { term: null } },
  output: new Map([
    ['score', 0.25],
    ['label', 1],
  ]),
  raw: new Map([
    ['score', 0.5],
    ['label', 1],
  ]),
  lists: createValueLists(
    new Map([
      ['countries', ['CH', 'AT']],
      ['codes', ['42', 'true', '0.25']],
      ['none', []],
    ]),
  ),
};

const asBoolean = (text: string) =>
  compileExpression(text, { gives: 'boolean', variables: ALL_VARIABLES, name: 'e' })(VALUES);
const asNumber = (text: string) =>
  compileExpression(text, { gives: 'number', variables: ALL_VARIABLES, name: 'e' })(VALUES);

describe('a condition', () => {
  test.each([
    ['event.country in lists.countries', true],
    ['event.country in lists["countries"]', true],
    ['!(event.country in lists.countries)', false],
    ['"DE" in lists.countries', false],
    ['event.country in lists.none', false],
    ['event.code in lists.codes', true],
    ['42 in lists.codes', true],
    ['43 in lists.codes', false],
    ['event.active in lists.codes', true],
    ['output.score in lists.codes', true],
    ['output.score < raw.score', true],
    ['output.label == 1 && raw.label == 1.0', true],
    ['output.label in [1, 2]', true],
    ['output["score"] * 4 == event.age / 20', true],
    ['event.country in lists.none || output.score > 0', true],
  ])('%s is %s', (text, expected) => {
    expect(asBoolean(text)).toBe(expected);
  });

  test.each([
    'event.amount > 3',
    'event.absent in lists.countries',
    'event.loan.term == 12',
    'event.amount > 3 || output.score > 1',
    'event.absent.deeper + 1 > event.age',
    '(event.active ? event.amount : event.age) > 3',
  ])('%s is undecided', (text) => {
    expect(asBoolean(text)).toBeNull();
  });

  test.each([
    ['event.amount > 3 && output.score > 1', false],
    ['event.amount > 3 || event.age > 18', true],
    ['has(event.amount) && event.amount > 3', false],
    ['!has(event.loan.term)', true],
    ['(event.active ? event.age : event.amount) > 3', true],
  ])('%s is decided without the missing value: %s', (text, expected) => {
    expect(asBoolean(text)).toBe(expected);
  });

  test('of operands of the wrong type is a reason', () => {
    expect(asBoolean('event.country > 3')).toContain('no such overload: string > int');
    expect(asBoolean('event.age')).toBe('it gives neither true nor false');
  });
});

describe('a number', () => {
  test.each([
    ['0.5', 0.5],
    ['-3', -3],
    ['event.age * 2', 40],
    ['event.age > 18 ? 1 : 0.5', 1],
    ['event.age > 30 ? 1 : 0.5', 0.5],
    ['event.age > 30 ? 1.5 : -2', -2],
    // Only the branches of the choice are widened: 7 / 2 stays CEL's own.
    ['7 / 2 > 3 && event.age > 1 ? 1 : 0.5', 0.5],
    ['event.age > 30 ? 0.1 : event.age > 18 ? 2 : 0.3', 2],
    ['event.age > 18 ? output.score : 1', 0.25],
    ['raw.score - output.score', 0.25],
    ['event.age / 0', Number.POSITIVE_INFINITY],
    ['[10, 20, 30][event.active ? 1 : 0]', 20],
  ])('%s is %d', (text, expected) => {
    expect(asNumber(text)).toBe(expected);
  });

  test('without a value is undecided, of another kind a reason', () => {
    expect(asNumber('event.amount + 1')).toBeNull();
    expect(asNumber('event.active')).toBe('it gives no number');
    expect(asNumber('event.country + 1')).toContain('no such overload');
  });
});

test('a field called __proto__ is a field', () => {
  const event = JSON.parse('{"a": null, "__proto__": {"a": 7}}') as Record<string, unknown>;
  const holds = (text: string) =>
    compileExpression(text, { gives: 'boolean', variables: ['event'], name: 'e' })({ event });
  expect(holds('has(event.a)')).toBe(false);
  expect(holds('!has(event.a) && event["__proto__"].a == 7')).toBe(true);
});

test('a list is asked once, however long it is, and cannot be walked', () => {
  const list = new ValueList(Array.from({ length: 100_000 }, (_, i) => `v${i}`));
  const isIn = compileExpression('event.value in lists.long', {
    gives: 'boolean',
    variables: ['event', 'lists'],
    name: 'e',
  });
  const has = vi.spyOn(ValueList.prototype, 'has');
  const lists = new Map([['long', list]]);
  expect(isIn({ event: { value: 'v99999' }, lists })).toBe(true);
  expect(isIn({ event: { value: 'absent' }, lists })).toBe(false);
  expect(has).toHaveBeenCalledTimes(2);
  expect(Symbol.iterator in list).toBe(false);
  has.mockRestore();
});

const SCOPE: ExpressionScope = {
  event: { age: 'number', country: 'string', active: 'boolean', loan: { amount: 'number' } },
  outputs: ['score', 'label'],
  lists: ['countries'],
};

describe('mistakes of a condition', () => {
  test.each([
    ['event.agee > 3', 'event.agee is not in the event schema; did you mean age?'],
    ['event.loan.amont > 3', 'event.loan.amont is not in the event schema; did you mean amount?'],
    ['output.scor > 3', 'output.scor: there is no output scor; did you mean score?'],
    ['raw["nothing"] > 3', 'raw.nothing: there is no output nothing; known are score, label'],
    ['event.country in lists.countris', 'there is no list countris; did you mean countries?'],
    ['size(lists.countries) > 3', 'found no matching overload'],
    ['lists.countries.exists(c, c == "CH")', 'cannot be range of a comprehension'],
    ['event in lists.countries', 'no such overload'],
    ['event.loan in lists.countries', 'no such overload'],
    ['output.score && event.active', 'Logical operator requires bool operands'],
    ['output.score', 'it gives neither true nor false'],
    ['event.age + 1', 'it gives neither true nor false'],
    ['1 < 2', 'it reads no field of event, output, raw, lists'],
    ['score > 0.5', 'Unknown variable: score'],
    ['event.country.matches("(a+)+")', 'it uses matches()'],
    ['output.score == null', 'it compares with null'],
  ])('%s', (text, reason) => {
    expect(expressionMistake(text, { gives: 'boolean', scope: SCOPE })).toContain(reason);
  });

  test.each(['event.country in lists.countries', 'output.score > 0.5 && raw.label == 1'])(
    'and %s has none',
    (text) => {
      expect(expressionMistake(text, { gives: 'boolean', scope: SCOPE })).toBeNull();
    },
  );
});

describe('mistakes of a number', () => {
  test.each([
    ['event.age > 3', 'it gives bool, expected a number'],
    ['event.country', 'it gives no number'],
    ['event.active ? "a" : 1.0', 'Ternary branches must have the same type'],
    ['output', 'it gives map, expected a number'],
    ['2 *', 'Unexpected token'],
  ])('%s', (text, reason) => {
    expect(expressionMistake(text, { gives: 'number', scope: SCOPE })).toContain(reason);
  });

  test.each(['1', 'event.active ? 1 : 0.5', 'output.score * 1.1', 'raw.score'])(
    'and %s has none',
    (text) => {
      expect(expressionMistake(text, { gives: 'number', scope: SCOPE })).toBeNull();
    },
  );
});

test('what is not in the scope cannot be read', () => {
  const scope = { event: SCOPE.event };
  const mistake = (text: string) => expressionMistake(text, { gives: 'boolean', scope });
  expect(mistake('output.score > event.age')).toContain('Unknown variable: output');
  expect(mistake('event.country in lists.countries')).toContain('Unknown variable: lists');
});

test('what cannot be used does not compile, and says what it is', () => {
  const options = { gives: 'number', variables: ALL_VARIABLES, name: 'policy cap, score' } as const;
  expect(() => compileExpression('output.score >', options)).toThrow(/^policy cap, score: /);
});
