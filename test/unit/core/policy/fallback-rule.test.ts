/** A rule that stands in for the model: all of its outputs, or a reason. */
import { expect, test } from 'vitest';
import {
  compileFallbackRule,
  fallbackRuleMistake,
} from '../../../../services/core/policy/fallback-rule.ts';

test('gives a number for each output, in their order', () => {
  const rule = compileFallbackRule(['event.age > 30 ? 1 : 0.25', '0', 'event.age * 2']);
  expect(rule({ age: 40 })).toEqual([1, 0, 80]);
  expect(rule({ age: 20 })).toEqual([0.25, 0, 40]);
});

test.each([
  ['event.loan / event.income', { loan: 3 }, 'has no value, a field is missing'],
  ['event.loan / event.income', { loan: 3, income: 0 }, 'gives Infinity'],
  ['event.loan / event.income', { loan: 0, income: 0 }, 'gives NaN'],
  ['event.loan / event.income', { loan: 'x', income: 1 }, 'no such overload'],
])('%s of %j: no answer, it %s', (expression, event, reason) => {
  expect(compileFallbackRule(['1', expression])(event)).toContain(`${expression} `);
  expect(compileFallbackRule(['1', expression])(event)).toContain(reason);
});

test('mistakes', () => {
  const fields = { age: 'number', name: 'string' } as const;
  expect(fallbackRuleMistake('event.age / 100', fields)).toBeNull();
  expect(fallbackRuleMistake('0.5', fields)).toBeNull();
  expect(fallbackRuleMistake('event.aeg / 100', fields)).toContain('did you mean age?');
  expect(fallbackRuleMistake('event.name', fields)).toBe('it gives no number');
  expect(fallbackRuleMistake('event.age > 3', fields)).toContain('expected a number');
  expect(fallbackRuleMistake('output.score', fields)).toContain('Unknown variable: output');
  expect(() => compileFallbackRule(['event.age >'])).toThrow(/^fallback rule event.age >: /);
});
