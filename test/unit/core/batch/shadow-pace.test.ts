/** How much of the time a shadow that always has work takes, beside others and alone. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { HOP_MS, type RunPlace } from '../../../../services/core/batch/place-runs.ts';
import { ShadowPace } from '../../../../services/core/batch/shadow-pace.ts';

const RUNS = 1_000;

interface Shadow {
  readonly place: RunPlace;
  readonly runMs: number;
  readonly settleMs: number;
  readonly isBesideOthers: boolean;
}

/** The time that so many runs take, the rest after the last included. */
function timeOf({ place, runMs, settleMs, isBesideOthers }: Shadow): number {
  const pace = new ShadowPace();
  let nowMs = 0;
  for (let run = 0; run < RUNS; run += 1) {
    if (isBesideOthers) pace.othersRan();
    nowMs = Math.max(nowMs, pace.restUntilMs) + runMs;
    pace.shadowRan(place, runMs, nowMs);
    nowMs += settleMs;
    pace.shadowSettled(settleMs, nowMs);
  }
  return Math.max(nowMs, pace.restUntilMs);
}

const ms = fc.double({ min: 0.001, max: 10, noNaN: true });

it('beside others a thousandth of this thread, whatever its runs and answers take', () => {
  fc.assert(
    fc.property(ms, ms, (runMs, settleMs) => {
      const timeMs = timeOf({ place: 'inline', runMs, settleMs, isBesideOthers: true });
      const share = (RUNS * (runMs + settleMs)) / timeMs;
      expect(share).toBeGreaterThan(0.000_99);
      expect(share).toBeLessThan(0.001_01);
    }),
  );
});

it('beside others no more of this thread from a worker, whose core it has for a hundredth', () => {
  fc.assert(
    fc.property(ms, ms, (runMs, settleMs) => {
      const timeMs = timeOf({ place: 'workers', runMs, settleMs, isBesideOthers: true });
      const threadShare = (RUNS * (HOP_MS + settleMs)) / timeMs;
      const workerShare = (RUNS * runMs) / timeMs;
      expect(threadShare).toBeLessThan(0.001_01);
      expect(workerShare).toBeLessThan(0.010_1);
      expect(threadShare / 0.001 + workerShare / 0.01).toBeGreaterThan(0.99);
    }),
  );
});

it('alone half of the time', () => {
  fc.assert(
    fc.property(ms, ms, (runMs, settleMs) => {
      const timeMs = timeOf({ place: 'inline', runMs, settleMs, isBesideOthers: false });
      const share = (RUNS * (runMs + settleMs)) / timeMs;
      expect(share).toBeGreaterThan(0.49);
      expect(share).toBeLessThan(0.68);
    }),
  );
});

it('one run of others makes it rest once', () => {
  const pace = new ShadowPace();
  pace.othersRan();
  pace.shadowRan('inline', 1, 100);
  expect(pace.restUntilMs).toBe(1_099);
  pace.shadowRan('inline', 1, 1_100);
  expect(pace.restUntilMs).toBe(1_101);
});
