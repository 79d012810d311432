/** Laws of the cost line and of what is decided from it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BATCH_ROWS_MAX } from '../../../../services/core/limits.ts';
import {
  choosePlacement,
  fitCost,
  INLINE_RUN_MS_MAX,
  predictedMs,
  rowsPerRunMax,
  sampleCost,
} from '../../../../services/platform/model/model-cost.ts';

const cost = fc.record({
  fixedMs: fc.double({ min: 0, max: 5, noNaN: true }),
  perRowMs: fc.double({ min: 1e-6, max: 5, noNaN: true }),
});

/** A model that takes exactly its cost, on a clock of its own. */
function exactModel({ fixedMs, perRowMs }: { fixedMs: number; perRowMs: number }) {
  let nowMs = 0;
  const sizes: number[] = [];
  return {
    sizes,
    monotonicMs: () => nowMs,
    run: async (rowCount: number) => {
      // The first run of each size is ten times slower.
      const isFirst = !sizes.includes(rowCount);
      sizes.push(rowCount);
      nowMs += (fixedMs + rowCount * perRowMs) * (isFirst ? 10 : 1);
    },
  };
}

describe('fitCost', () => {
  it('finds the line of a model that has one, whatever its first runs take', async () => {
    await fc.assert(
      fc.asyncProperty(cost, async (line) => {
        const model = exactModel(line);
        const samples = await sampleCost(model.run, model.monotonicMs);
        const fitted = fitCost(samples);
        const [first] = samples;
        // A model too slow for a second size is all per-row.
        if (samples.length === 1) {
          expect(fitted).toEqual({ fixedMs: 0, perRowMs: first!.durationMs });
          return;
        }
        expect(fitted.fixedMs).toBeCloseTo(line.fixedMs, 6);
        expect(fitted.perRowMs).toBeCloseTo(line.perRowMs, 6);
      }),
    );
  });

  it('never predicts less than nothing', () => {
    const sample = fc.record({
      rowCount: fc.integer({ min: 1, max: 256 }),
      durationMs: fc.double({ min: 1e-3, max: 100, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 6 }), (samples) => {
        const { fixedMs, perRowMs } = fitCost(samples);
        expect(fixedMs).toBeGreaterThanOrEqual(0);
        expect(perRowMs).toBeGreaterThanOrEqual(0);
        expect(fixedMs + perRowMs).toBeGreaterThan(0);
      }),
    );
  });
});

describe('sampleCost', () => {
  it('stops growing the batch once a run is long', async () => {
    const model = exactModel({ fixedMs: 0, perRowMs: 10 });
    await sampleCost(model.run, model.monotonicMs);
    expect(Math.max(...model.sizes)).toBe(4);
  });
});

describe('placement', () => {
  it('is inline exactly while 64 rows fit the budget', () => {
    fc.assert(
      fc.property(cost, (line) => {
        const isShort = predictedMs(line, 64) < INLINE_RUN_MS_MAX;
        expect(choosePlacement(line)).toBe(isShort ? 'inline' : 'workers');
      }),
    );
  });

  it('caps an inline run at the most rows that fit the budget, and workers not at all', () => {
    fc.assert(
      fc.property(cost, (line) => {
        expect(rowsPerRunMax(line, 'workers')).toBe(BATCH_ROWS_MAX);
        const rows = rowsPerRunMax(line, 'inline');
        expect(rows).toBeGreaterThanOrEqual(1);
        expect(rows).toBeLessThanOrEqual(BATCH_ROWS_MAX);
        if (rows > 1) expect(predictedMs(line, rows)).toBeLessThanOrEqual(INLINE_RUN_MS_MAX + 1e-9);
        if (rows < BATCH_ROWS_MAX) {
          expect(predictedMs(line, rows + 1)).toBeGreaterThan(INLINE_RUN_MS_MAX - 1e-9);
        }
      }),
    );
    expect(rowsPerRunMax({ fixedMs: 0.1, perRowMs: 0 }, 'inline')).toBe(BATCH_ROWS_MAX);
  });
});
