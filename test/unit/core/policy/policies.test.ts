/** Policies in their order, what they leave alone, and what they say of themselves. */
import { describe, expect, test } from 'vitest';
import type { Policy } from '../../../../services/core/monitor/monitor.ts';
import { compilePolicies } from '../../../../services/core/policy/policies.ts';

const set = (
  name: string,
  when: string | null,
  outputs: Readonly<Record<string, number | string>>,
): Policy => ({ name, when, action: { kind: 'set', outputs: new Map(Object.entries(outputs)) } });
const bounds = (
  name: string,
  within: Readonly<Record<string, readonly [number | null, number | null]>>,
): Policy => ({
  name,
  when: null,
  action: { kind: 'bounds', bounds: new Map(Object.entries(within)) },
});
const suppress = (name: string, when: string): Policy => ({
  name,
  when,
  action: { kind: 'suppress' },
});

const LISTS = new Map([
  ['deny', ['c1', 'c2']],
  ['allow', ['c2']],
]);

const apply = (policies: readonly Policy[], event: Record<string, unknown>, raw = [0.5, 1]) => ({
  ...compilePolicies(policies, { outputs: ['score', 'label'], lists: LISTS })(event, raw),
});

test('without policies the outputs are the raw ones themselves', () => {
  const raw = [0.5, 1];
  const result = compilePolicies([], { outputs: ['score', 'label'], lists: LISTS })({}, raw);
  expect(result.outputs).toBe(raw);
  expect({ ...result }).toEqual({ outputs: raw, applied: [], suppressed: false, failed: [] });
});

test('where none applies too', () => {
  const raw = [0.5, 1];
  const result = apply([set('deny', 'event.id in lists.deny', { score: 1 })], { id: 'c9' }, raw);
  expect(result.outputs).toBe(raw);
  expect(result.applied).toEqual([]);
});

test('each policy sees what the ones before have left, and raw what the model said', () => {
  const policies = [
    set('deny', 'event.id in lists.deny', { score: 1 }),
    set('allow', 'event.id in lists.allow && output.score > raw.score', { score: 'raw.score / 2' }),
    suppress('small', 'output.score < 0.3 && event.amount < 10'),
  ];
  expect(apply(policies, { id: 'c1', amount: 5 })).toMatchObject({
    ...{ outputs: [1, 1], applied: ['deny'], suppressed: false },
  });
  expect(apply(policies, { id: 'c2', amount: 5 })).toMatchObject({
    ...{ outputs: [0.25, 1], applied: ['deny', 'allow', 'small'], suppressed: true },
  });
});

test('one set reads the outputs as they were before it', () => {
  const swap = set('swap', null, { score: 'output.label', label: 'output.score' });
  expect(apply([swap], {}).outputs).toEqual([1, 0.5]);
});

test('bounds apply where they move a value', () => {
  const within = bounds('within', { score: [0.1, 0.9], label: [null, 3] });
  expect(apply([within], {}, [0.5, 3])).toMatchObject({ outputs: [0.5, 3], applied: [] });
  expect(apply([within], {}, [0.95, 2])).toMatchObject({ outputs: [0.9, 2], applied: ['within'] });
  expect(apply([within], {}, [-4, 9])).toMatchObject({ outputs: [0.1, 3], applied: ['within'] });
});

describe('what cannot be applied leaves the outputs as they were', () => {
  test('undecided: it does not apply, and nothing has failed', () => {
    const result = apply([set('rich', 'event.amount > 3', { score: 1 })], { amount: null });
    expect(result).toEqual({ outputs: [0.5, 1], applied: [], suppressed: false, failed: [] });
  });

  test.each([
    [set('p', 'event.id > 3', { score: 1 }), 'policy p: when: no such overload: string > int'],
    [set('p', null, { label: 7, score: 'event.amount' }), 'policy p: score has no value'],
    [set('p', null, { label: 7, score: 'output.score / 0' }), 'policy p: score would be Infinity'],
    [set('p', null, { label: 7, score: 'event.id' }), 'policy p: score: it gives no number'],
  ])('%j', (policy, message) => {
    const after = bounds('after', { score: [0.6, 1] });
    const result = apply([policy, after], { id: 'c1', amount: null });
    expect(result).toMatchObject({ outputs: [0.6, 1], applied: ['after'] });
    expect(result.failed).toHaveLength(1);
    expect(result.failed[0]).toContain(message);
  });
});

test('nothing of one row is left for the next, and what was given stays as it was', () => {
  const policies = [
    set('deny', 'event.id in lists.deny', { score: 1 }),
    suppress('sure', 'output.score == 1'),
    set('odd', 'event.odd', { score: 'event.none' }),
  ];
  const run = compilePolicies(policies, { outputs: ['score', 'label'], lists: LISTS });
  const raw = Object.freeze([0.5, 1]);
  const { outputs, applied, failed } = run({ id: 'c1', odd: true }, raw);
  const second = { ...run({ id: 'c3' }, raw) };
  expect(second).toEqual({ outputs: raw, applied: [], suppressed: false, failed: [] });
  expect([outputs, applied]).toEqual([
    [1, 1],
    ['deny', 'sure'],
  ]);
  expect(failed).toHaveLength(1);
});

test('what cannot be used does not compile', () => {
  const compile = (policy: Policy) =>
    compilePolicies([policy], { outputs: ['score'], lists: LISTS });
  expect(() => compile(set('p', 'event.a >', { score: 1 }))).toThrow(/^policy p, when: /);
  expect(() => compile(set('p', null, { score: '1 +' }))).toThrow(/^policy p, score: /);
  expect(() => compile(set('p', null, { other: 1 }))).toThrow('policy p: the model has no output');
  expect(() => compile(bounds('p', { other: [0, 1] }))).toThrow('the model has no output other');
});
