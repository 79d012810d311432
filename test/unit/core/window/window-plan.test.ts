/** Which windows hold a time: laws of plans, tumbling and sliding. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  lastWindowEndMs,
  planKey,
  tumblingPlan,
  type WindowPlan,
  windowsAt,
} from '../../../../services/core/window/window-plan.ts';

const plans: fc.Arbitrary<WindowPlan> = fc
  .tuple(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: 20 }))
  .map(([slideMs, overlap]) => ({ lengthMs: slideMs * overlap, slideMs }));
const times = fc.integer({ min: 0, max: 4_102_444_800_000 });

describe('windowsAt', () => {
  it('gives as many windows as overlap, each holding the time, one slide apart', () => {
    fc.assert(
      fc.property(times, plans, (timeMs, plan) => {
        const windows = windowsAt(timeMs, plan);
        expect(windows).toHaveLength(plan.lengthMs / plan.slideMs);
        for (const [index, { startMs, endMs }] of windows.entries()) {
          expect(startMs <= timeMs && timeMs < endMs).toBe(true);
          expect(endMs - startMs).toBe(plan.lengthMs);
          expect(startMs - windows[0]!.startMs).toBe(index * plan.slideMs);
        }
        expect(windows.at(-1)!.endMs).toBe(lastWindowEndMs(timeMs, plan));
      }),
    );
  });

  it('gives the same windows to every time between two edges', () => {
    fc.assert(
      fc.property(
        times,
        plans,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (time, plan, at) => {
          const { startMs } = windowsAt(time, plan).at(-1)!;
          const other = startMs + Math.floor(at * plan.slideMs);
          expect(windowsAt(other, plan)).toEqual(windowsAt(time, plan));
        },
      ),
    );
  });
});

describe('planKey', () => {
  it('tells every two plans apart', () => {
    fc.assert(
      fc.property(plans, plans, (left, right) => {
        const isSame = left.lengthMs === right.lengthMs && left.slideMs === right.slideMs;
        expect(planKey(left) === planKey(right)).toBe(isSame);
      }),
    );
    expect(planKey(tumblingPlan(900_000))).toBe('900000');
  });
});
