/** Cutting batches from a queue: order, limits, deadlines, and that nothing is lost on the way. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchCost } from '../../../../services/core/batch/batch-cost.ts';
import { BatchQueue, type Part } from '../../../../services/core/batch/batch-queue.ts';

interface Request {
  readonly id: number;
  readonly rowCount: number;
  readonly byteCount: number;
  readonly deadlineMs: number;
}

const runMs = (rows: number) => 0.125 + rows * 0.125;
const cost = new BatchCost(
  [1, 1_024].map((rowCount) => ({ rowCount, durationMs: runMs(rowCount) })),
);
const rowsOf = (parts: readonly Part<Request>[]) =>
  parts.flatMap(({ request, fromRow, toRow }) =>
    Array.from({ length: toRow - fromRow }, (_, index) => `${request.id}:${fromRow + index}`),
  );

function queueOf(...requests: readonly Partial<Request>[]): BatchQueue<Request> {
  const queue = new BatchQueue<Request>();
  for (const [id, request] of requests.entries()) {
    queue.push({ id, rowCount: 1, byteCount: 8, deadlineMs: Number.POSITIVE_INFINITY, ...request });
  }
  return queue;
}

describe('BatchQueue', () => {
  it('gives every row once, in order, within the limits, or as late', () => {
    const requests = fc.array(
      fc.record({
        rowCount: fc.integer({ min: 1, max: 40 }),
        rowBytes: fc.integer({ min: 0, max: 30 }),
        deadlineMs: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.nat(40)),
      }),
      { minLength: 1, maxLength: 30 },
    );
    const limits = fc.record({
      rows: fc.integer({ min: 1, max: 64 }),
      bytesMax: fc.integer({ min: 1, max: 400 }),
    });
    fc.assert(
      fc.property(requests, limits, (wanted, { rows, bytesMax }) => {
        const queue = new BatchQueue<Request>();
        const expected: string[] = [];
        for (const [id, { rowCount, rowBytes, deadlineMs }] of wanted.entries()) {
          queue.push({ id, rowCount, byteCount: rowBytes * rowCount, deadlineMs });
          for (let row = 0; row < rowCount; row += 1) expected.push(`${id}:${row}`);
        }
        const cut: string[] = [];
        const late: string[] = [];
        for (let nowMs = 0; queue.rowCount > 0; nowMs += 1) {
          late.push(...rowsOf(queue.expire(nowMs)));
          if (queue.rowCount === 0) break;
          expect(queue.deadlineMs).toBeGreaterThan(nowMs);
          const batch = queue.cut(nowMs, { rows, rowsTrigger: 'rows', bytesMax }, cost);
          const taken = rowsOf(batch.parts);
          expect(batch.rowCount).toBe(taken.length);
          expect(batch.rowCount).toBeGreaterThan(0);
          expect(batch.rowCount).toBeLessThanOrEqual(rows);
          const bytes = batch.parts.reduce((sum, { request, fromRow, toRow }) => {
            return sum + ((toRow - fromRow) * request.byteCount) / request.rowCount;
          }, 0);
          if (batch.rowCount > 1) expect(bytes).toBeLessThanOrEqual(bytesMax + 1e-9);
          if (batch.trigger === 'idle') expect(queue.rowCount).toBe(0);
          cut.push(...taken);
        }
        expect(queue.byteCount).toBe(0);
        const isLate = new Set(late);
        expect(cut).toEqual(expected.filter((row) => !isLate.has(row)));
        expect(cut.length + late.length).toBe(expected.length);
      }),
    );
  });

  const limits = { rows: 64, rowsTrigger: 'rows', bytesMax: 1_000 } as const;

  it('a row larger than all bytes allowed still runs, alone', () => {
    const queue = queueOf({ rowCount: 2, byteCount: 4_000 }, {});
    const sizes = [];
    while (queue.rowCount > 0) sizes.push(queue.cut(0, limits, cost).parts);
    expect(sizes.map(rowsOf)).toEqual([['0:0'], ['0:1'], ['1:0']]);
  });

  it('is cut so that the earliest deadline holds', () => {
    const queue = queueOf({ rowCount: 20, deadlineMs: 6 }, { rowCount: 20, deadlineMs: 4 });
    // 31 rows take 4 ms.
    const { rowCount, trigger } = queue.cut(0, limits, cost);
    expect([rowCount, trigger]).toEqual([31, 'deadline']);
  });

  it('a deadline that cannot be met any more cuts nothing', () => {
    const queue = queueOf({ rowCount: 20 }, { rowCount: 20, deadlineMs: 2 });
    expect(queue.cut(0, limits, cost).rowCount).toBe(40);
  });

  it('a deadline does not cut batches to a size that costs the throughput', () => {
    const dear = new BatchCost(
      [1, 1_024].map((rowCount) => ({ rowCount, durationMs: 1 + rowCount * 0.1 })),
    );
    const queue = queueOf({ rowCount: 64, deadlineMs: 1.3 });
    const { rowCount } = queue.cut(0, limits, dear);
    // 2 rows would be in time, at a third of the throughput of 40.
    expect(rowCount).toBeGreaterThanOrEqual(32);
  });
});
