/** How much of the time a shadow that always has work takes, beside others and alone. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ShadowPace } from '../../../../services/core/batch/shadow-pace.ts';

/** The shadow's share of the time, what it takes to take in its answers included. */
function shadowShare(options: {
  runMs: number;
  settleMs: number;
  isBesideOthers: boolean;
}): number {
  const { runMs, settleMs, isBesideOthers } = options;
  const pace = new ShadowPace();
  let nowMs = 0;
  for (let run = 0; run < 1_000; run += 1) {
    if (isBesideOthers) pace.othersRan();
    nowMs = Math.max(nowMs, pace.restUntilMs) + runMs;
    pace.shadowRan(runMs, nowMs);
    nowMs += settleMs;
    pace.shadowSettled(settleMs, nowMs);
  }
  return (1_000 * (runMs + settleMs)) / Math.max(nowMs, pace.restUntilMs);
}

it('a two-thousandth beside others and half of it alone, whatever its runs and answers take', () => {
  const ms = fc.double({ min: 0.001, max: 2, noNaN: true });
  fc.assert(
    fc.property(ms, ms, (runMs, settleMs) => {
      const beside = shadowShare({ runMs, settleMs, isBesideOthers: true });
      expect(beside).toBeGreaterThan(0.000_495);
      expect(beside).toBeLessThan(0.000_505);
      const alone = shadowShare({ runMs, settleMs, isBesideOthers: false });
      expect(alone).toBeGreaterThan(0.49);
      expect(alone).toBeLessThan(0.68);
    }),
  );
});

it('one run of others makes it rest once', () => {
  const pace = new ShadowPace();
  pace.othersRan();
  pace.shadowRan(1, 100);
  expect(pace.restUntilMs).toBe(2_099);
  pace.shadowRan(1, 2_100);
  expect(pace.restUntilMs).toBe(2_101);
});

it('a pause of the machine silences it for ten seconds and not for hours', () => {
  const pace = new ShadowPace();
  pace.othersRan();
  pace.shadowRan(8_000, 10_000);
  pace.shadowSettled(500, 10_500);
  expect(pace.restUntilMs).toBe(20_500);
});
