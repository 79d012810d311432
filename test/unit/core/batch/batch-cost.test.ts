/** What a run costs, learned from runs: from the samples, through outliers, after a change of pace. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchCost } from '../../../../services/core/batch/batch-cost.ts';
import { BATCH_ROWS_MAX } from '../../../../services/core/limits.ts';
import { createDraw } from '../../../support/draw.ts';

const SIZES = [1, 4, 16, 64, 256];
const linear = (fixedMs: number, perRowMs: number) => (rows: number) => fixedMs + rows * perRowMs;
const costOf = (runMs: (rows: number) => number) =>
  new BatchCost(SIZES.map((rowCount) => ({ rowCount, durationMs: runMs(rowCount) })));

const pace = fc.record({
  fixedMs: fc.double({ min: 0.001, max: 5, noNaN: true }),
  perRowMs: fc.double({ min: 1e-4, max: 0.5, noNaN: true }),
});

/** Between the points that predictMs has at powers of two, none more than four times the one before. */
function boundedByDoubling(cost: BatchCost): (rows: number) => number {
  const last = Math.log2(BATCH_ROWS_MAX);
  const points = Array.from({ length: last + 1 }, (_, k) => cost.predictMs(1 << k));
  for (let k = 1; k <= last; k += 1) points[k] = Math.min(points[k]!, 4 * points[k - 1]!);
  return (rows) => {
    const k = Math.min(last - 1, Math.floor(Math.log2(rows)));
    return points[k]! + (rows / 2 ** k - 1) * (points[k + 1]! - points[k]!);
  };
}

describe('BatchCost', () => {
  it('starts with what was timed at load', () => {
    fc.assert(
      fc.property(pace, fc.integer({ min: 1, max: 256 }), ({ fixedMs, perRowMs }, rows) => {
        const runMs = linear(fixedMs, perRowMs);
        expect(costOf(runMs).predictMs(rows) / runMs(rows)).toBeCloseTo(1, 6);
      }),
    );
  });

  it('has an answer for a model that was never timed, and for runs no clock could time', () => {
    const cost = new BatchCost([]);
    expect(cost.predictMs(10)).toBeGreaterThan(0);
    for (let run = 0; run < 100; run += 1) cost.observe(10, 0);
    expect(cost.predictMs(10)).toBeGreaterThan(0);
    expect(cost.rowsWithin(1)).toBeGreaterThan(0);
  });

  it('rowsWithin is the most that predictMs allows, with four times as long for twice the rows at most', () => {
    const runs = fc.array(
      fc.tuple(fc.integer({ min: 1, max: 1_024 }), fc.double({ min: 0.01, max: 9, noNaN: true })),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(pace, runs, fc.double({ min: 0, max: 50, noNaN: true }), (of, seen, limitMs) => {
        const cost = costOf(linear(of.fixedMs, of.perRowMs));
        for (const [rows, durationMs] of seen) cost.observe(rows, durationMs);
        const within = cost.rowsWithin(limitMs);
        const boundedMs = boundedByDoubling(cost);
        for (let rows = 1; rows <= within; rows += 1) {
          if (boundedMs(rows) > limitMs * (1 + 1e-9)) expect.fail(`${rows} take longer`);
        }
        if (within < BATCH_ROWS_MAX) {
          expect(boundedMs(within + 1)).toBeGreaterThan(limitMs * (1 - 1e-9));
          expect(cost.predictMs(within + 1)).toBeGreaterThan(limitMs * (1 - 1e-9));
        }
      }),
    );
  });

  it('a model ten times slower is known at every size after ten runs of one size', () => {
    fc.assert(
      fc.property(
        pace,
        fc.integer({ min: 1, max: 1_024 }),
        fc.constantFrom(10, 0.1),
        ({ fixedMs, perRowMs }, rows, factor) => {
          const firstMs = linear(fixedMs, perRowMs);
          const cost = costOf(firstMs);
          for (const size of [1, 7, 64, 200, 1_000]) {
            for (let run = 0; run < 20; run += 1) cost.observe(size, firstMs(size));
          }
          const known = cost.predictMs(rows);
          for (let run = 0; run < 10; run += 1) cost.observe(rows, factor * known);
          for (const size of [1, 16, 100, 256]) {
            const ratio = cost.predictMs(size) / (factor * firstMs(size));
            expect(ratio).toBeGreaterThan(0.75);
            expect(ratio).toBeLessThan(1.35);
          }
        },
      ),
    );
  });

  it('one run that the machine paused changes nothing', () => {
    const runMs = linear(0.05, 0.002);
    const cost = costOf(runMs);
    for (let run = 0; run < 50; run += 1) {
      cost.observe(64, run % 10 === 5 ? 100 * runMs(64) : runMs(64));
      expect(cost.predictMs(64)).toBeCloseTo(runMs(64), 9);
    }
  });

  it('averages noise', () => {
    const draw = createDraw(7);
    const runMs = linear(0.05, 0.002);
    const cost = costOf(runMs);
    for (let run = 0; run < 1_000; run += 1) {
      const rows = draw(1, 256);
      cost.observe(rows, (runMs(rows) * draw(80, 120)) / 100);
      if (run < 100) continue;
      expect(cost.predictMs(64) / runMs(64)).toBeGreaterThan(0.88);
      expect(cost.predictMs(64) / runMs(64)).toBeLessThan(1.12);
    }
  });

  it('a size that is dear for its own reasons stays dear when another one is measured', () => {
    const runMs = linear(0.05, 0.002);
    const cost = costOf(runMs);
    for (let run = 0; run < 40; run += 1) {
      cost.observe(256, 3 * runMs(256));
      cost.observe(64, runMs(64));
    }
    expect(cost.predictMs(256) / (3 * runMs(256))).toBeCloseTo(1, 1);
    expect(cost.predictMs(64) / runMs(64)).toBeCloseTo(1, 1);
    for (let run = 0; run < 200; run += 1) cost.observe(64, 2 * runMs(64));
    expect(cost.predictMs(256) / (2 * 3 * runMs(256))).toBeCloseTo(1, 1);
  });

  it('the line is the model where it is a straight one', () => {
    fc.assert(
      fc.property(pace, ({ fixedMs, perRowMs }) => {
        const samples = [1, 256, 512, 1_024].map((rowCount) => ({
          rowCount,
          durationMs: linear(fixedMs, perRowMs)(rowCount),
        }));
        const line = new BatchCost(samples).line();
        expect(line.fixedMs + line.perRowMs).toBeCloseTo(fixedMs + perRowMs, 4);
        expect(line.fixedMs + 1_024 * line.perRowMs).toBeCloseTo(fixedMs + 1_024 * perRowMs, 4);
      }),
    );
  });
});
