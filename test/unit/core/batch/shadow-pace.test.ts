/** How much of the time a shadow that always has work takes, beside versions that are busy for a share of it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ShadowPace } from '../../../../services/core/batch/shadow-pace.ts';

/** The shadow's share of a time in which the others run for `busyShare` of it. */
function shadowShare(busyShare: number, runMs: number): number {
  const pace = new ShadowPace();
  const endMs = 20_000 * runMs;
  let nowMs = 0;
  let shadowMs = 0;
  let lastMs = 0;
  while (nowMs < endMs) {
    pace.othersRan((nowMs - lastMs) * busyShare, nowMs);
    lastMs = nowMs;
    nowMs += runMs;
    shadowMs += runMs;
    pace.shadowRan(runMs, nowMs);
    nowMs = Math.max(nowMs, pace.restUntilMs);
  }
  return shadowMs / endMs;
}

describe('ShadowPace', () => {
  it.each([
    [0, 0.4, 0.51],
    [0.1, 0.07, 0.12],
    [0.3, 0.025, 0.04],
    [0.6, 0.012, 0.02],
    [1, 0.007, 0.012],
  ])('beside versions busy for %d of the time it takes from %d to %d of it', (busy, low, high) => {
    expect(shadowShare(busy, 0.5)).toBeGreaterThan(low);
    expect(shadowShare(busy, 0.5)).toBeLessThan(high);
  });

  it('takes no more the busier the others are, and never stops for good', () => {
    const share = fc.double({ min: 0, max: 2, noNaN: true });
    fc.assert(
      fc.property(share, share, fc.double({ min: 0.01, max: 10, noNaN: true }), (a, b, runMs) => {
        const [less, more] = [Math.min(a, b), Math.max(a, b)];
        expect(shadowShare(more, runMs)).toBeLessThanOrEqual(1.05 * shadowShare(less, runMs));
        expect(shadowShare(more, runMs)).toBeGreaterThan(0.005);
      }),
      { numRuns: 20 },
    );
  });
});
