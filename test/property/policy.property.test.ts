/** Policies against a naive interpreter of the same rules, over random policies, events and outputs. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Policy } from '../../services/core/monitor/monitor.ts';
import { compilePolicies } from '../../services/core/policy/policies.ts';

const OUTPUTS = ['a', 'b', 'c'];
const LISTS = new Map([['deny', ['x', 'y']]]);

type Outputs = Record<string, number>;
interface Row {
  readonly event: { readonly level: number | null; readonly id: string };
  readonly output: Outputs;
  readonly raw: Outputs;
}
/** An expression and what it means; `null`: undecided or without a value. */
interface Meaning<T> {
  readonly text: string;
  readonly of: (row: Row) => T | null;
}

const output = fc.constantFrom(...OUTPUTS);
/** Few values, so that comparisons meet. */
const value = fc.integer({ min: -2, max: 3 });
const level = fc.option(value);

const reading: fc.Arbitrary<Meaning<number>> = fc.oneof(
  output.map((name) => ({ text: `output.${name}`, of: (row: Row) => row.output[name]! })),
  output.map((name) => ({ text: `raw.${name}`, of: (row: Row) => row.raw[name]! })),
  fc.constant({ text: 'event.level', of: (row: Row) => row.event.level }),
);

const number: fc.Arbitrary<Meaning<number>> = fc.oneof(
  value.map((n) => ({ text: `${n}`, of: () => n })),
  fc.tuple(reading, value, fc.constantFrom('+', '*', '/')).map(([read, n, operator]) => ({
    text: `${read.text} ${operator} ${n}`,
    of: (row: Row) => {
      const left = read.of(row);
      if (left === null) return null;
      if (operator === '+') return left + n;
      return operator === '*' ? left * n : left / n;
    },
  })),
);

const condition: fc.Arbitrary<Meaning<boolean>> = fc.oneof(
  fc.tuple(reading, value).map(([read, n]) => ({
    text: `${read.text} > ${n}`,
    of: (row: Row) => {
      const left = read.of(row);
      return left === null ? null : left > n;
    },
  })),
  fc.constant({
    text: 'event.id in lists.deny',
    of: (row: Row) => LISTS.get('deny')!.includes(row.event.id),
  }),
);

interface Rule {
  readonly policy: Policy;
  /** The outputs after it; `failed`: as before. */
  readonly apply: (row: Row) => Outputs | 'left' | 'failed' | 'suppressed';
}

const action = fc.oneof(
  fc
    .uniqueArray(fc.tuple(output, number), { minLength: 1, selector: ([name]) => name })
    .map((entries): Omit<Rule, 'policy'> & { action: Policy['action'] } => ({
      action: { kind: 'set', outputs: new Map(entries.map(([name, { text }]) => [name, text])) },
      apply: (row) => {
        const after = { ...row.output };
        for (const [name, { of }] of entries) {
          const result = of(row);
          if (result === null || !Number.isFinite(result)) return 'failed';
          after[name] = result;
        }
        return after;
      },
    })),
  fc
    .tuple(output, value, value)
    .map(([name, one, other]): Omit<Rule, 'policy'> & { action: Policy['action'] } => {
      const [lowest, highest] = [Math.min(one, other), Math.max(one, other)];
      return {
        action: { kind: 'bounds', bounds: new Map([[name, [lowest, highest]]]) },
        apply: ({ output: before }) => {
          const after = Math.min(highest, Math.max(lowest, before[name]!));
          return after === before[name] ? 'left' : { ...before, [name]: after };
        },
      };
    }),
  fc.constant({ action: { kind: 'suppress' } as const, apply: () => 'suppressed' as const }),
);

const rules = fc.array(fc.tuple(fc.option(condition), action), { maxLength: 5 }).map((drafts) =>
  drafts.map(
    ([when, { action: does, apply }], index): Rule => ({
      policy: { name: `p${index}`, when: when?.text ?? null, action: does },
      apply: (row) => (when === null || when.of(row) === true ? apply(row) : 'left'),
    }),
  ),
);

function naive(all: readonly Rule[], event: Row['event'], raw: Outputs) {
  let now = raw;
  let suppressed = false;
  const applied: string[] = [];
  const failed: string[] = [];
  for (const { policy, apply } of all) {
    const result = apply({ event, output: now, raw });
    if (result === 'left') continue;
    (result === 'failed' ? failed : applied).push(policy.name);
    if (result === 'suppressed') suppressed = true;
    if (typeof result === 'object') now = result;
  }
  return { outputs: OUTPUTS.map((name) => now[name]!), applied, suppressed, failed };
}

test('policies do what their rules say, row after row', () => {
  const row = fc.record({
    event: fc.record({ level, id: fc.constantFrom('x', 'z') }),
    raw: fc.tuple(value, value, value),
  });
  fc.assert(
    fc.property(rules, fc.array(row, { minLength: 1, maxLength: 4 }), (all, rows) => {
      const policies = all.map(({ policy }) => policy);
      const apply = compilePolicies(policies, { outputs: OUTPUTS, lists: LISTS });
      for (const { event, raw } of rows) {
        const byName = Object.fromEntries(OUTPUTS.map((name, i) => [name, raw[i]!]));
        const found = apply(event, Object.freeze([...raw]));
        const failed = found.failed.map((message) => /^policy (p\d+): /.exec(message)?.[1]);
        // 0 and -0 are one value to a policy.
        const outputs = found.outputs.map((each) => each + 0);
        const expected = naive(all, event, byName);
        expect({ ...found, outputs, failed }).toEqual({
          ...expected,
          outputs: expected.outputs.map((each) => each + 0),
        });
      }
    }),
    { numRuns: 1_000 },
  );
});
