/** The validator against a slow textbook version, over random monitors and events. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Column, Monitor } from '../../services/core/monitor/monitor.ts';
import { createValidate } from '../../services/validator/validate.ts';

type Cell = number | string | null;

const bound = fc.option(fc.integer({ min: -3, max: 3 }));
const column = fc
  .record({
    type: fc.constantFrom('numeric' as const, 'categorical' as const),
    required: fc.boolean(),
    minimum: bound,
    maximum: bound,
    allowed: fc.option(fc.subarray(['a', 'b', 'c'], { minLength: 1 })),
    pattern: fc.option(fc.constantFrom('^a', 'b$', '^[ab]+$')),
  })
  .map((rules) => ({
    ...rules,
    ...(rules.type === 'numeric'
      ? { allowed: null, pattern: null }
      : { minimum: null, maximum: null }),
  }));
const numbers = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 1e308),
);
const cell = (type: Column['type']): fc.Arbitrary<Cell> =>
  type === 'numeric' ? fc.option(numbers) : fc.option(fc.constantFrom('a', 'b', 'ab', 'd', ''));

const events = fc.array(column, { maxLength: 6 }).chain((rules) =>
  fc.record({
    columns: fc.constant(rules.map((rule, i) => ({ ...rule, name: `c${i}` }) as Column)),
    cells: fc.tuple(...rules.map(({ type }) => cell(type))),
    futureSkewMs: fc.nat(3),
    eventTimeMs: fc.nat(10),
    recordTimestampMs: fc.nat(10),
  }),
);

const CHECKS: readonly (readonly [string, (column: Column, value: Cell) => boolean])[] = [
  ['invariant.required', ({ required }, value) => required && value === null],
  [
    'invariant.not-finite',
    ({ minimum, maximum }, value) =>
      (minimum !== null || maximum !== null) &&
      typeof value === 'number' &&
      !Number.isFinite(value),
  ],
  [
    'invariant.range',
    ({ minimum, maximum }, value) =>
      typeof value === 'number' &&
      ((minimum !== null && value < minimum) || (maximum !== null && value > maximum)),
  ],
  [
    'invariant.allowed',
    ({ allowed }, value) => allowed !== null && value !== null && !allowed.includes(String(value)),
  ],
  [
    'invariant.pattern',
    ({ pattern }, value) =>
      pattern !== null && value !== null && !new RegExp(pattern).test(String(value)),
  ],
];

test('agrees with the rules read one by one', () => {
  fc.assert(
    fc.property(events, ({ columns, cells, futureSkewMs, eventTimeMs, recordTimestampMs }) => {
      const monitor = { columns, relations: [], futureSkewMs } as unknown as Monitor;
      const rejection = createValidate(monitor)(
        { id: 'e', eventTimeMs, cells, root: {} },
        recordTimestampMs,
      );
      const tooEarly = futureSkewMs > 0 && eventTimeMs - recordTimestampMs > futureSkewMs;
      const broken = CHECKS.flatMap(([code, breaks]) => {
        const culprit = columns.find((each, i) => breaks(each, cells[i] ?? null));
        return culprit === undefined ? [] : [{ code, name: culprit.name }];
      });
      if (tooEarly) expect(rejection?.code).toBe('time.future');
      else if (broken.length === 0) expect(rejection).toBeNull();
      else {
        expect(rejection?.code).toBe(broken[0]?.code);
        expect(rejection?.message).toContain(`column ${broken[0]?.name} `);
      }
    }),
    { numRuns: 2_000 },
  );
});
