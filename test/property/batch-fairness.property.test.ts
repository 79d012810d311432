/**
 * Versions that share this thread get equal shares of its time while all of them have work, whatever
 * their rows cost and however far a prediction was off; one that comes back has no credit.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchScheduler } from '../../services/core/batch/batch-scheduler.ts';
import { INLINE_RUN_MS_MAX } from '../../services/core/limits.ts';
import { createDraw } from '../support/draw.ts';

interface Pace {
  readonly fixedMs: number;
  readonly perRowMs: number;
  readonly noisePercent: number;
}

const paces = fc.array(
  fc.record({
    fixedMs: fc.constantFrom(0.005, 0.05, 0.5),
    perRowMs: fc.constantFrom(0.0005, 0.005, 0.05, 0.4),
    noisePercent: fc.constantFrom(0, 20),
  }),
  { minLength: 2, maxLength: 4 },
);

const LIMITS = { rowsMax: 256, bytesMax: 1 << 20, runMsMax: 50, workerCount: 1, coreCount: 2 };
const REQUEST = { rowCount: 64, byteCount: 0, deadlineMs: Number.POSITIVE_INFINITY };
/** The quantum, or the cheapest batch where that is dearer, and a batch of either of two versions. */
const BOUND_MS = 4 * INLINE_RUN_MS_MAX * 1.2;

function createThread(of: readonly Pace[]) {
  const draw = createDraw(11);
  const scheduler = new BatchScheduler<typeof REQUEST>(LIMITS);
  const usedMs = of.map(() => 0);
  let nowMs = 0;
  for (const [index, { fixedMs, perRowMs }] of of.entries()) {
    const costSamples = [1, 16, 256].map((rowCount) => ({
      rowCount,
      durationMs: fixedMs + perRowMs * rowCount,
    }));
    const terms = {
      isShadow: false,
      place: 'inline',
      batchesInFlightMax: 1,
      rowsMax: null,
    } as const;
    scheduler.serve(`${index}`, { ...terms, costSamples }, 0);
  }
  return {
    usedMs,
    /** One batch while the versions named have work. */
    step(busy: readonly number[]) {
      for (const index of busy) {
        const version = scheduler.version(`${index}`);
        while (version.hasRoom(8_000, 0)) version.push(REQUEST);
      }
      const batch = scheduler.next(nowMs)!;
      expect(scheduler.next(nowMs)).toBeNull();
      const index = Number(batch.version);
      const { fixedMs, perRowMs, noisePercent } = of[index]!;
      const noise = draw(100 - noisePercent, 100 + noisePercent) / 100;
      const runMs = (fixedMs + perRowMs * batch.rowCount) * noise;
      usedMs[index]! += runMs;
      nowMs += runMs;
      scheduler.end(batch, runMs, nowMs);
    },
  };
}

describe('the round robin', () => {
  it('shares time within a bound that does not grow', () => {
    fc.assert(
      fc.property(paces, (of) => {
        const { usedMs, step } = createThread(of);
        const busy = of.map((_, index) => index);
        for (let batch = 0; batch < 1_500; batch += 1) {
          step(busy);
          const spread = Math.max(...usedMs) - Math.min(...usedMs);
          if (spread > BOUND_MS) expect(spread, `batch ${batch}`).toBeLessThanOrEqual(BOUND_MS);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('one that was idle neither has credit nor debt', () => {
    fc.assert(
      fc.property(paces, (of) => {
        const { usedMs, step } = createThread(of);
        for (let batch = 0; batch < 300; batch += 1) step([0]);
        const before = [...usedMs];
        // What was queued for the first stays; from now on all have work.
        for (let batch = 0; batch < 300; batch += 1) {
          step(of.map((_, index) => index));
          const since = usedMs.map((ms, index) => ms - before[index]!);
          const spread = Math.max(...since) - Math.min(...since);
          if (spread > BOUND_MS) expect(spread, `batch ${batch}`).toBeLessThanOrEqual(BOUND_MS);
        }
      }),
      { numRuns: 60 },
    );
  });
});
