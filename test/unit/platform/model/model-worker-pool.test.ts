/** The pool on threads that the test plays: what is sent where, and what becomes of lost batches. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../../services/core/errors.ts';
import { createVirtualClock } from '../../../../services/platform/clock/virtual-clock.ts';
import {
  type ModelWorkerPool,
  startModelWorkerPool,
} from '../../../../services/platform/model/model-worker-pool.ts';
import { createStandInWorkers, rowsOf } from './stand-in-workers.ts';

const STUCK_MS = 1_000;

async function createPool(workerCount: number, costSamples = [{ rowCount: 1, durationMs: 1 }]) {
  const clock = createVirtualClock();
  const threads = createStandInWorkers(() => clock.monotonicMs());
  const { start } = threads;
  const options = { start, workerCount, clock, stuckMs: STUCK_MS, costSamples };
  const starting = startModelWorkerPool(options);
  for (const worker of threads.workers) worker.becomeReady();
  const pool = await starting;
  return { clock, pool, ...threads };
}

/** The code a batch was rejected with, `done`, or `pending`. */
function follow(pool: ModelWorkerPool, rowCount: number) {
  const outcome = { rowCount, says: 'pending', settledCount: 0 };
  const settle = (says: string) => {
    outcome.says = says;
    outcome.settledCount += 1;
  };
  pool.run(rowsOf(rowCount), false).then(
    () => settle('done'),
    (error: unknown) => settle(error instanceof CodedError ? error.code : String(error)),
  );
  return outcome;
}

describe('a pool', () => {
  it('sends to the ready thread with the fewest rows, two batches each, and keeps the rest', async () => {
    const { pool, workers } = await createPool(2);
    const outcomes = [9, 1, 2, 3, 5].map((rows) => follow(pool, rows));
    const sent = () => workers.map(({ batches }) => batches.map(({ batch }) => batch.rowCount));
    expect(sent()).toEqual([
      [9, 3],
      [1, 2],
    ]);
    expect(pool.batchesInFlight()).toBe(5);
    workers[1]!.answer();
    expect(sent()).toEqual([
      [9, 3],
      [2, 5],
    ]);
    for (const worker of workers) while (worker.batches.length > 0) worker.answer();
    await pool.close();
    expect(outcomes.map(({ says }) => says)).toEqual(Array(5).fill('done'));
  });

  it('has no thread twice at once: what died is followed by one, at once', async () => {
    const { pool, workers } = await createPool(1);
    const [lost, kept] = [follow(pool, 1), follow(pool, 1)];
    const waiting = follow(pool, 1);
    workers[0]!.answer();
    workers[0]!.end();
    expect(workers).toHaveLength(2);
    await pool.close();
    expect([lost, kept, waiting].map(({ says }) => says)).toEqual([
      'done',
      'inference.worker',
      // Went to the first thread when there was room, and with it.
      'inference.worker',
    ]);
  });

  it('waits longer and longer for a thread that never gets ready, and starts again at once after', async () => {
    const { clock, pool, workers } = await createPool(1);
    const startsMs: number[] = [];
    workers[0]!.end();
    for (let count = 1; count < 9; ) {
      if (workers.length === count) await clock.advance(1);
      else {
        startsMs.push(clock.monotonicMs());
        count = workers.length;
        workers[count - 1]!.end();
      }
    }
    const waitsMs = startsMs.slice(1).map((ms, index) => ms - startsMs[index]!);
    expect(waitsMs).toEqual([200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    await clock.advance(5_000);
    workers.at(-1)!.becomeReady();
    follow(pool, 1);
    workers.at(-1)!.answer();
    const count = workers.length;
    workers.at(-1)!.end();
    expect(workers).toHaveLength(count + 1);
    await pool.close();
  });

  it('keeps a batch for the next attempt, and rejects it when that fails and no other is left', async () => {
    const { clock, pool, refuse, workers } = await createPool(1);
    refuse(true);
    workers[0]!.end();
    const outcome = follow(pool, 1);
    await clock.advance(99);
    expect(outcome.says).toBe('pending');
    await clock.advance(200);
    expect(outcome.says).toBe('inference.worker');
    refuse(false);
    const later = follow(pool, 1);
    await clock.advance(5_000);
    workers.at(-1)!.becomeReady();
    workers.at(-1)!.answer();
    await clock.advance(0);
    expect(later.says).toBe('done');
    await pool.close();
  });

  it('gives up a run that is stuck, once it is long in itself and of what was predicted', async () => {
    const { clock, pool, workers, living } = await createPool(1, [{ rowCount: 1, durationMs: 1 }]);
    const long = follow(pool, 100);
    await clock.advance(19 * 100);
    expect(long.says).toBe('pending');
    await clock.advance(400);
    expect(long.says).toBe('inference.worker');
    expect(workers[0]!.isAbandoned).toBe(true);
    living()[0]!.becomeReady();
    const short = follow(pool, 1);
    await clock.advance(STUCK_MS - 1);
    expect(short.says).toBe('pending');
    await clock.advance(300);
    expect(short.says).toBe('inference.worker');
    await pool.close();
  });

  it('does not take a queue for a stuck run', async () => {
    const { clock, pool, workers } = await createPool(1);
    const outcomes = [1, 1, 1, 1].map((rows) => follow(pool, rows));
    for (let count = 0; count < 4; count++) {
      await clock.advance(STUCK_MS - 1);
      workers[0]!.answer();
    }
    await clock.advance(0);
    expect(outcomes.map(({ says }) => says)).toEqual(['done', 'done', 'done', 'done']);
    await pool.close();
  });

  it('looks twice: an answer may be here and only not yet read', async () => {
    const { clock, pool, workers } = await createPool(1);
    const first = follow(pool, 1);
    const second = follow(pool, 1);
    await clock.advance(STUCK_MS + STUCK_MS / 10);
    workers[0]!.answer();
    await clock.advance(STUCK_MS / 2);
    expect([first.says, second.says]).toEqual(['done', 'pending']);
    expect(workers[0]!.isAbandoned).toBe(false);
    await pool.close();
  });

  it('gives up a few threads and no more, until one of them is back', async () => {
    const { clock, pool, workers, living } = await createPool(1);
    for (const code of ['inference.worker', 'inference.worker', 'inference.run']) {
      living()[0]!.becomeReady();
      const outcome = follow(pool, 1);
      await clock.advance(2 * STUCK_MS);
      expect(outcome.says).toBe(code);
    }
    expect(living()).toEqual([]);
    const hopeless = follow(pool, 1);
    await clock.advance(0);
    expect(hopeless.says).toBe('inference.run');
    workers[1]!.end();
    living()[0]!.becomeReady();
    const after = follow(pool, 1);
    living()[0]!.answer();
    await clock.advance(0);
    expect(after.says).toBe('done');
    await pool.close();
  });

  it('that cannot be started ends the threads that could', async () => {
    const clock = createVirtualClock();
    const { start, workers } = createStandInWorkers(() => clock.monotonicMs());
    const options = { start, workerCount: 3, clock, stuckMs: STUCK_MS, costSamples: [] };
    const starting = startModelWorkerPool(options);
    workers[0]!.becomeReady();
    workers[1]!.end();
    await expect(starting).rejects.toMatchObject({ code: 'inference.worker' });
    expect(workers.every(({ hasEnded }) => hasEnded)).toBe(true);
    await clock.advance(60_000);
    expect(workers).toHaveLength(3);
  });

  const command = fc.record({
    kind: fc.constantFrom('send', 'send', 'answer', 'answer', 'ready', 'end', 'pass', 'return'),
    at: fc.nat(4),
    rows: fc.integer({ min: 1, max: 30 }),
  });

  it('answers every batch once, whatever happens to its threads', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 3 }),
        fc.array(command, { maxLength: 60 }),
        async (workerCount, commands) => {
          const { clock, pool, workers, living } = await createPool(workerCount);
          const outcomes: ReturnType<typeof follow>[] = [];
          for (const { kind, at, rows } of commands) {
            const alive = living();
            const worker = alive[at % alive.length];
            if (kind === 'send') outcomes.push(follow(pool, rows));
            else if (kind === 'pass') await clock.advance(rows * 50);
            else if (kind === 'answer') worker?.answer();
            else if (kind === 'end') worker?.end();
            else if (kind === 'ready' && worker?.isReady === false) worker.becomeReady();
            else if (kind === 'return') workers.find(({ isAbandoned }) => isAbandoned)?.end();
            expect(living().length).toBeLessThanOrEqual(workerCount);
            expect(Math.max(0, ...workers.map(({ batches }) => batches.length))).toBeLessThan(3);
            const isIdle = living().some((each) => each.isReady && each.batches.length === 0);
            const inThreads = workers.reduce((sum, { batches }) => sum + batches.length, 0);
            if (isIdle) expect(pool.batchesInFlight()).toBe(inThreads);
          }
          // Everything that is started gets ready and answers: nothing is left behind.
          for (let round = 0; round < 20; round++) {
            for (const each of workers) if (each.isAbandoned) each.end();
            for (const each of living()) {
              if (!each.isReady) each.becomeReady();
              while (each.batches.length > 0) each.answer();
            }
            await clock.advance(500);
          }
          for (const { says, settledCount } of outcomes) {
            expect(['done', 'inference.worker', 'inference.run']).toContain(says);
            expect(settledCount).toBe(1);
          }
          expect(living()).toHaveLength(workerCount);
          await pool.close();
          expect(living()).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });
});
