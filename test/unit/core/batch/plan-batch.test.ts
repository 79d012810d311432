/** When a micro-batch runs. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planBatch } from '../../../../services/core/batch/plan-batch.ts';

const limits = { rowsMax: 64, lingerMsMax: 5 };

describe('planBatch', () => {
  it('runs a full batch at once, and never more than a full one', () => {
    expect(planBatch({ count: 200, waitedMs: 0, draining: false }, limits, 250)).toEqual({
      kind: 'run',
      rows: 64,
      trigger: 'rows',
    });
  });

  it('never waits beyond the linger of the first row, and never runs nothing', () => {
    fc.assert(
      fc.property(
        fc.nat(200),
        fc.double({ min: 0, max: 20, noNaN: true }),
        fc.boolean(),
        (count, waitedMs, draining) => {
          const plan = planBatch({ count, waitedMs, draining }, limits, 250);
          if (plan.kind === 'run') {
            expect(plan.rows).toBeGreaterThan(0);
            expect(plan.rows).toBeLessThanOrEqual(Math.min(count, limits.rowsMax));
            return;
          }
          if (count === 0) expect(plan.waitMs).toBe(250);
          else expect(plan.waitMs + waitedMs).toBeCloseTo(limits.lingerMsMax, 9);
          expect(draining && count > 0).toBe(false);
        },
      ),
    );
  });
});
