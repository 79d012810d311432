/** Laws of the cost line, of the warm-up that measures it, and of what is decided from it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BATCH_ROWS_MAX, INLINE_RUN_MS_MAX } from '../../../../services/core/limits.ts';
import {
  choosePlacement,
  extendSamples,
  fitCost,
  predictedMs,
  sampleCost,
  warmUpRows,
} from '../../../../services/platform/model/model-cost.ts';

const cost = fc.record({
  fixedMs: fc.double({ min: 0, max: 5, noNaN: true }),
  perRowMs: fc.double({ min: 1e-6, max: 5, noNaN: true }),
});
const rowCount = fc.integer({ min: 1, max: BATCH_ROWS_MAX });
/** A run that is made once. */
const LONG_MS = 100;

/** A model that takes exactly its cost; the first run of each size ten times that, if it is short. */
function exactModel(line: { fixedMs: number; perRowMs: number }) {
  const sizes: number[] = [];
  return {
    sizes,
    run: async (rowCount: number) => {
      const exactMs = line.fixedMs + rowCount * line.perRowMs;
      const isFirst = !sizes.includes(rowCount);
      sizes.push(rowCount);
      return { durationMs: isFirst && exactMs < LONG_MS / 10 ? exactMs * 10 : exactMs };
    },
  };
}

describe('warmUpRows', () => {
  it('is every power of two up to the largest batch, and that', () => {
    fc.assert(
      fc.property(rowCount, (rowsMax) => {
        const rows = warmUpRows(rowsMax, null);
        expect(rows.at(-1)).toBe(rowsMax);
        expect(rows).toEqual([...new Set(rows)].sort((a, b) => a - b));
        for (let size = 1; size <= rowsMax; size *= 2) expect(rows).toContain(size);
        expect(rows.filter((size) => Math.log2(size) % 1 !== 0 && size !== rowsMax)).toEqual([]);
      }),
    );
  });

  it('of a fixed batch dimension is the smallest and the largest batch it takes', () => {
    expect(warmUpRows(64, 16)).toEqual([1, 16]);
    expect(warmUpRows(8, 16)).toEqual([1, 8]);
    expect(warmUpRows(64, 1)).toEqual([1]);
  });
});

describe('sampleCost', () => {
  it('finds what each size takes, whatever its first run does', async () => {
    await fc.assert(
      fc.asyncProperty(cost, rowCount, async (line, rowsMax) => {
        const model = exactModel(line);
        const rows = warmUpRows(rowsMax, null);
        const samples = await sampleCost(model.run, rows, Number.POSITIVE_INFINITY);
        expect(samples.map((sample) => sample.rowCount)).toEqual(rows);
        for (const { rowCount, durationMs } of samples) {
          expect(durationMs).toBeCloseTo(line.fixedMs + rowCount * line.perRowMs, 9);
        }
      }),
    );
  });

  it('is not misled by a machine that pauses in every third run', async () => {
    await fc.assert(
      fc.asyncProperty(cost, fc.integer({ min: 0, max: 2 }), async (line, phase) => {
        const model = exactModel({ ...line, perRowMs: line.perRowMs / BATCH_ROWS_MAX });
        const run = async (rowCount: number) => {
          const { durationMs } = await model.run(rowCount);
          return { durationMs: durationMs + (model.sizes.length % 3 === phase ? 30 : 0) };
        };
        const samples = await sampleCost(run, [1, 2, 4], Number.POSITIVE_INFINITY);
        for (const { rowCount, durationMs } of samples) {
          const exactMs = line.fixedMs + (rowCount * line.perRowMs) / BATCH_ROWS_MAX;
          expect(durationMs).toBeCloseTo(exactMs, 9);
        }
      }),
    );
  });

  it('goes no further than the first size that takes long enough', async () => {
    await fc.assert(
      fc.asyncProperty(cost, fc.double({ min: 0, max: 500, noNaN: true }), async (line, enough) => {
        const model = exactModel(line);
        const samples = await sampleCost(model.run, warmUpRows(BATCH_ROWS_MAX, null), enough);
        const longer = samples.filter(({ durationMs }) => durationMs >= enough);
        expect(longer.length).toBeLessThanOrEqual(1);
        if (samples.length < 11) expect(samples.at(-1)!.durationMs).toBeGreaterThanOrEqual(enough);
      }),
    );
  });

  it('runs a heavy size once', async () => {
    const model = exactModel({ fixedMs: 0, perRowMs: 125 });
    await sampleCost(model.run, [1, 2, 4], Number.POSITIVE_INFINITY);
    expect(model.sizes).toEqual([1, 2, 4]);
  });
});

describe('extendSamples', () => {
  it('adds larger batches and takes nothing back', () => {
    const short = [1, 2].map((rowCount) => ({ rowCount, durationMs: rowCount }));
    const long = [1, 2, 4, 8].map((rowCount) => ({ rowCount, durationMs: 10 * rowCount }));
    expect(extendSamples(short, long)).toEqual([...short, ...long.slice(2)]);
    expect(extendSamples(long, short)).toEqual(long);
  });
});

describe('fitCost', () => {
  it('finds the line of a model that has one', () => {
    fc.assert(
      fc.property(cost, fc.uniqueArray(rowCount, { minLength: 2, maxLength: 8 }), (line, rows) => {
        const samples = rows.map((rowCount) => {
          return { rowCount, durationMs: line.fixedMs + rowCount * line.perRowMs };
        });
        const fitted = fitCost(samples);
        expect(fitted.fixedMs).toBeCloseTo(line.fixedMs, 6);
        expect(fitted.perRowMs).toBeCloseTo(line.perRowMs, 6);
      }),
    );
  });

  it('takes one sample alone to be all per row', () => {
    expect(fitCost([{ rowCount: 4, durationMs: 6 }])).toEqual({ fixedMs: 0, perRowMs: 1.5 });
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

describe('placement', () => {
  it('is inline exactly while 64 rows, or as many as ever come, fit the budget', () => {
    fc.assert(
      fc.property(cost, rowCount, (line, rowsMax) => {
        const samples = [1, 64].map((rowCount) => {
          return { rowCount, durationMs: predictedMs(line, rowCount) };
        });
        const neededMs = predictedMs(line, Math.min(64, rowsMax));
        // At the limit itself the fit's last digit decides.
        fc.pre(Math.abs(neededMs - INLINE_RUN_MS_MAX) > 1e-6);
        const isShort = neededMs < INLINE_RUN_MS_MAX;
        expect(choosePlacement(samples, rowsMax)).toBe(isShort ? 'inline' : 'workers');
      }),
    );
  });
});
