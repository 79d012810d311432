/**
 * A fixed number of model workers, each with a session of its own. A batch goes to the ready one with
 * the fewest rows in flight, at most two to each, so that no thread waits for its next batch and none
 * has many to lose; further ones wait here for the first that has room.
 *
 * A thread that dies loses its batches (`inference.worker`) and is followed by another. A run that is
 * stuck (`RUN_STUCK_MS`, and many times what was predicted) is given up: its batches are rejected the
 * same way, a new thread takes the seat, and the old one, which cannot be stopped inside ONNX Runtime
 * without ending the process, is closed when it comes back. At most a few may be out at a time; then
 * the seat stays empty, and with no seat left batches fail with `inference.run`.
 */
import { CodedError } from '../../core/errors.ts';
import { extendSamples, fitCost, predictedMs } from './model-cost.ts';
import type { CostSample, ModelBatch, ModelRun } from './model-runtime.ts';
import type { ModelWorker, PendingBatch, StartModelWorker } from './model-worker.ts';
import {
  createModelWorkerSeat,
  type ModelWorkerSeat,
  type SeatClock,
} from './model-worker-seat.ts';

/** One runs, one waits in the thread. */
export const WORKER_BATCHES_MAX = 2;
/** Threads given up and not come back: each holds the model in memory and a core busy. */
const ABANDONED_MAX = 2;
const STUCK_PREDICTED_FACTOR = 20;
/** Looks at the runs within the time after which one is stuck. */
const STUCK_LOOKS = 10;

export interface ModelWorkerPoolOptions {
  readonly start: StartModelWorker;
  readonly workerCount: number;
  readonly clock: SeatClock;
  readonly stuckMs: number;
  /** Of smaller batches, measured before. */
  readonly costSamples: readonly CostSample[];
}

export interface ModelWorkerPool {
  /** Those given, and of larger batches those of a worker's warm-up. */
  readonly costSamples: readonly CostSample[];
  run(batch: ModelBatch, isOwned: boolean): Promise<ModelRun>;
  /** Not answered. */
  batchesInFlight(): number;
  /**
   * Ends every thread; batches in flight fail with `inference.run`. Idempotent. Threads that were
   * given up are not waited for.
   */
  close(): Promise<void>;
}

function closedError(): CodedError {
  return new CodedError('inference.run', 'the model was closed');
}

/** Resolves when every worker is ready; rejects, with all threads ended, when one does not start. */
export async function startModelWorkerPool(
  options: ModelWorkerPoolOptions,
): Promise<ModelWorkerPool> {
  const { clock, stuckMs } = options;
  const seats: ModelWorkerSeat[] = [];
  const waiting: PendingBatch[] = [];
  /** The run of each seat that was too long at the last look. */
  const suspects = new Map<ModelWorkerSeat, number>();
  const watchEnd = new AbortController();
  let { costSamples } = options;
  let closing: Promise<void> | null = null;
  let isWatching = false;
  let abandonedCount = 0;

  function seatWorker(): Promise<void> {
    return new Promise((resolve, reject) => {
      const seat = createModelWorkerSeat(options.start, clock, {
        onReady(samples) {
          costSamples = extendSamples(costSamples, samples);
          resolve();
          dispatch();
        },
        onAnswered: dispatch,
        onFailed(error) {
          reject(error);
          if (seats.every(({ state }) => state() === 'waiting' || state() === 'empty')) {
            rejectWaiting(error);
          }
        },
        onReturned() {
          abandonedCount -= 1;
          for (const { state, fill } of seats) if (state() === 'empty') fill();
        },
      });
      seats.push(seat);
      seat.fill();
    });
  }

  function rejectWaiting(error: CodedError): void {
    for (const batch of waiting.splice(0)) batch.reject(error);
  }

  function leastLoaded(): ModelWorker | null {
    let least: ModelWorker | null = null;
    for (const seat of seats) {
      const worker = seat.ready();
      if (worker === null || worker.batchesInFlight() >= WORKER_BATCHES_MAX) continue;
      if (least === null || worker.rowsInFlight() < least.rowsInFlight()) least = worker;
    }
    return least;
  }

  function dispatch(): void {
    while (waiting.length > 0) {
      const worker = leastLoaded();
      if (worker === null) break;
      worker.send(waiting.shift()!);
    }
    if (waiting.length > 0 && seats.every(({ state }) => state() === 'empty')) {
      rejectWaiting(new CodedError('inference.run', 'every thread of the model is stuck'));
    }
    if (!isWatching) void watch();
  }

  async function watch(): Promise<void> {
    isWatching = true;
    while (closing === null && seats.some((seat) => seat.ready()?.running() != null)) {
      await clock.sleep(stuckMs / STUCK_LOOKS, watchEnd.signal);
      for (const seat of seats) look(seat);
    }
    isWatching = false;
  }

  /** Twice too long: after a pause of this thread the answer may be here, only not yet read. */
  function look(seat: ModelWorkerSeat): void {
    const running = seat.ready()?.running() ?? null;
    const suspect = suspects.get(seat);
    suspects.delete(seat);
    if (running === null) return;
    const { id, rowCount, sinceMs } = running;
    const durationMs = clock.monotonicMs() - sinceMs;
    const predicted = predictedMs(fitCost(costSamples), rowCount);
    if (durationMs <= Math.max(stuckMs, STUCK_PREDICTED_FACTOR * predicted)) return;
    if (suspect !== id) {
      suspects.set(seat, id);
      return;
    }
    const spent = `a run of ${rowCount} rows is not over after ${Math.round(durationMs)} ms`;
    abandonedCount += 1;
    const isReplaced = abandonedCount <= ABANDONED_MAX;
    seat.abandon(new CodedError(isReplaced ? 'inference.worker' : 'inference.run', spent));
    if (isReplaced) seat.fill();
    dispatch();
  }

  async function close(): Promise<void> {
    closing ??= Promise.all(seats.map((seat) => seat.close())).then(() => undefined);
    watchEnd.abort();
    rejectWaiting(closedError());
    await closing;
  }

  const starts = Array.from({ length: options.workerCount }, seatWorker);
  try {
    await Promise.all(starts);
  } catch (error) {
    // The other starts end too and reject; only the first reason is told.
    await close();
    throw error;
  }

  return {
    get costSamples() {
      return costSamples;
    },
    run(batch, isOwned) {
      if (closing !== null) return Promise.reject(closedError());
      return new Promise((resolve, reject) => {
        waiting.push({ batch, isOwned, resolve, reject });
        dispatch();
      });
    },
    batchesInFlight: () =>
      seats.reduce((sum, seat) => sum + (seat.ready()?.batchesInFlight() ?? 0), waiting.length),
    close,
  };
}
