/** How many rows a batch takes: up to the knee of the model, and on to another knee when it moves. */
import { describe, expect, it } from 'vitest';
import { BatchCost } from '../../../../services/core/batch/batch-cost.ts';
import { BatchSize } from '../../../../services/core/batch/batch-size.ts';
import { createDraw } from '../../../support/draw.ts';

type RunMs = (rows: number) => number;
const LIMITS = { rowsMax: 1_024, overheadMs: 0.02 };
/** 9 µs and 0.14 µs a row, and past the knee a row costs half as much again. */
const withKnee =
  (knee: number): RunMs =>
  (rows) =>
    0.009 + 0.000_14 * rows * (rows > knee ? 1.5 : 1);

function learner(runMs: RunMs, rowCounts: readonly number[] = [1, 4, 16, 64, 256]) {
  const samples = rowCounts.map((rowCount) => ({ rowCount, durationMs: runMs(rowCount) }));
  const cost = new BatchCost(samples);
  return { cost, size: new BatchSize(cost) };
}

/** Batches until `ms` of runs are over; rows a millisecond. */
function load({ cost, size }: ReturnType<typeof learner>, runMs: RunMs, ms: number): number {
  const draw = createDraw(3);
  let rows = 0;
  let atMs = 0;
  while (atMs < ms) {
    const rowCount = size.next(size.preferred(LIMITS), LIMITS);
    const durationMs = (runMs(rowCount) * draw(95, 105)) / 100;
    cost.observe(rowCount, durationMs);
    rows += rowCount;
    atMs += durationMs + LIMITS.overheadMs;
  }
  return rows / atMs;
}

const rate = (rows: number, runMs: RunMs) => rows / (runMs(rows) + LIMITS.overheadMs);
const bestRate = (runMs: RunMs) =>
  Math.max(...Array.from({ length: 1_024 }, (_, index) => rate(index + 1, runMs)));

describe('BatchSize', () => {
  it('is the fewest rows within 3 % of the cheapest size', () => {
    const runMs = (rows: number) => 0.03 + 0.01 * rows;
    const { size } = learner(runMs, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024]);
    const preferred = size.preferred({ rowsMax: 1_024, overheadMs: 0 });
    const perRow = (rows: number) => runMs(rows) / rows;
    expect(perRow(preferred)).toBeLessThanOrEqual(1.03 * perRow(1_024));
    expect(perRow(preferred / 2)).toBeGreaterThan(1.03 * perRow(1_024));
  });

  it('never exceeds its limit, and uses all of a limit that is no power of two', () => {
    for (const rowsMax of [1, 3, 100, 1_000]) {
      const { size } = learner((rows) => 1 + 0.001 * rows);
      expect(size.preferred({ rowsMax, overheadMs: 0 })).toBe(rowsMax);
      for (let batch = 0; batch < 200; batch += 1) {
        const rows = size.next(rowsMax, { rowsMax, overheadMs: 0 });
        expect(rows).toBeGreaterThanOrEqual(1);
        expect(rows).toBeLessThanOrEqual(rowsMax);
      }
    }
  });

  it.each([64, 128, 256, 512])('finds a knee at %i rows within a second of load', (knee) => {
    const runMs = withKnee(knee);
    const learned = learner(runMs);
    load(learned, runMs, 1_000);
    expect(load(learned, runMs, 1_000)).toBeGreaterThan(0.9 * bestRate(runMs));
  });

  it.each([
    [512, 64],
    [64, 512],
  ])('a knee that moves from %i to %i rows is found within five seconds', (from, to) => {
    const learned = learner(withKnee(from));
    load(learned, withKnee(from), 5_000);
    load(learned, withKnee(to), 4_000);
    expect(load(learned, withKnee(to), 1_000)).toBeGreaterThan(0.9 * bestRate(withKnee(to)));
  });

  it('is the same for the same batches', () => {
    const runMs = withKnee(128);
    expect(load(learner(runMs), runMs, 200)).toBe(load(learner(runMs), runMs, 200));
  });
});
