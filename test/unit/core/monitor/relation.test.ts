/** Relations: CEL with plain numbers, three-valued where values are missing, bounded. */
import { describe, expect, test } from 'vitest';
import type { EventFields } from '../../../../services/core/expression/event-fields.ts';
import { compileRelation, relationMistake } from '../../../../services/core/monitor/relation.ts';

const evaluate = (expression: string, event: Record<string, unknown>) =>
  compileRelation({ name: 'r', expression })(event);

const EVENT = {
  age: 20,
  name: 'Ann',
  active: true,
  loan: { amount: 3.5, term: null },
  tags: ['a', 'b'],
  nothing: null,
};

describe('numbers compare and compute whatever their literals look like', () => {
  test.each([
    ['event.age >= 18', true],
    ['event.age >= 18.0', true],
    ['event.age == 20', true],
    ['event.age == 20.0', true],
    ['event.age + 1 > 21', false],
    ['20 * event.loan.amount == 70', true],
    ['20.0 * event.loan.amount == 70.0', true],
    ['20.0 * event.loan.amount == 70', true],
    ['70 == 20 * event.loan.amount', true],
    ['event.age * 2 == event.age + 20', true],
    ['event.age * 2 != 40', false],
    ['2 * 1.5 * event.age == 60', true],
    ['event.age % 2 == 0', true],
    ['-event.age == -20', true],
    ['event.age / 8 == 2.5', true],
    ['event.age - 1 <= 2 * 9', false],
    ['event.age in [18, 20]', true],
    ['event.name == "Ann" && event.active', true],
    ['event.tags.exists(tag, tag == "b")', true],
    ['event["age"] > 30', false],
    ['event.active ? event.age > 18 : true', true],
  ])('%s is %s', (expression, expected) => {
    expect(evaluate(expression, EVENT)).toBe(expected);
  });
});

describe('what is absent or null leaves a relation undecided, and undecided is not violated', () => {
  test.each([
    ['event.absent > 3', true],
    ['event.nothing > 3', true],
    ['event.nothing == "x"', true],
    ['event.loan.term < 12', true],
    ['event.nothing.deeper > 3', true],
    ['event.nothing > 3 && event.age > 99', false],
    ['event.nothing > 3 && event.age > 18', true],
    ['event.nothing > 3 || event.age > 99', true],
    ['has(event.age)', true],
    ['has(event.nothing)', false],
    ['has(event.absent)', false],
    ['has(event.nothing) || has(event.absent)', false],
    ['has(event.loan.term)', false],
    ['!has(event.loan.term) || event.loan.term < 12', true],
    ['event.tags[7] == "x"', true],
  ])('%s is %s', (expression, expected) => {
    expect(evaluate(expression, EVENT)).toBe(expected);
  });
});

test('the event is not changed, and nothing of its prototype is a field', () => {
  const event = Object.freeze({ a: null, b: Object.freeze({ c: null }) });
  expect(evaluate('has(event.b.c) || has(event.a)', event)).toBe(false);
  expect(evaluate('has(event.toString) || has(event.constructor)', { a: 1 })).toBe(false);
});

test('a value of the wrong type is a reason, not a verdict', () => {
  expect(evaluate('event.name > 3', EVENT)).toContain('no such overload: string > int');
  expect(evaluate('event.age', EVENT)).toBe('it gives neither true nor false');
});

const FIELDS: EventFields = {
  age: 'number',
  name: 'string',
  active: 'boolean',
  loan: { amount: 'number' },
  tags: 'list',
  extra: 'any',
};

describe('mistakes are found before the first event', () => {
  test.each([
    ['event.age >', 'Unexpected token'],
    ['age > 3', 'Unknown variable: age'],
    ['event.agee > 3', 'event.agee is not in the event schema'],
    ['event.loan.amont > 3', 'event.loan.amont is not in the event schema'],
    ['event.age.deeper > 3', 'event.age.deeper is not in the event schema'],
    ['event["agee"] > 3', 'event.agee is not in the event schema'],
    ['has(event.agee)', 'event.agee is not in the event schema'],
    ['abs(event.age) > 3', 'found no matching overload'],
    ['event.name > 3', 'no such overload: string > int'],
    ['event.name + 1 == 3', 'no such overload'],
    ['event.age && event.active', 'Logical operator requires bool operands'],
    ['event.age + 1', 'it gives neither true nor false'],
    ['event.age', 'it gives neither true nor false'],
    ['"a" + "b"', 'it reads no field of event'],
    ['1 < 2', 'it reads no field of event'],
    ['event.name == null', 'test with has(event.field)'],
    ['event.name.matches("(a+)+")', 'give the column a pattern'],
    ['event.tags.all(a, event.tags.all(b, a == b))', 'nests all() in another loop'],
    [`${'('.repeat(60)}event.age > 1${')'.repeat(60)}`, ''],
    [Array.from({ length: 400 }, (_, i) => `event.age > ${i}`).join(' && '), ''],
  ])('%s', (expression, reason) => {
    const mistake = relationMistake(expression, FIELDS);
    expect(mistake).not.toBeNull();
    expect(mistake).toContain(reason);
  });

  test.each([
    'event.age >= 18',
    '20 * event.loan.amount <= event.age',
    'event.extra.anything > 3',
    'event.tags[0] == "a"',
    'size(event.tags) > 0 && event.name.startsWith("A")',
    'has(event.loan) && event.active',
    '!has(event.loan) || event.loan.amount > 0',
  ])('and %s has none', (expression) => {
    expect(relationMistake(expression, FIELDS)).toBeNull();
  });
});

test('what cannot be parsed does not compile', () => {
  expect(() => compileRelation({ name: 'r', expression: 'event.a >' })).toThrow(/^relation r: /);
});
