/**
 * A fixed number of model workers, each with a session of its own; a batch goes to the one with the
 * fewest rows in flight.
 *
 * A worker that dies takes its batches with it (they fail with `inference.run`, never silently) and
 * is started anew at once. If it dies again before it is ready, it stays down until the next batch
 * asks for it, so a model that cannot be opened any more costs one attempt per batch and no loop.
 */
import { CodedError } from '../../core/errors.ts';
import type { ModelBatch, ModelOutputs } from './model-runtime.ts';
import { type ModelWorker, startModelWorker } from './model-worker.ts';
import type { WorkerModel } from './model-worker-protocol.ts';

export interface ModelWorkerPool {
  run(batch: ModelBatch): Promise<ModelOutputs>;
  /** Ends every thread; batches in flight fail with `inference.run`. Idempotent. */
  close(): Promise<void>;
}

/** One place of the pool; the worker in it changes when one dies. */
interface Seat {
  worker: ModelWorker | null;
  isReady: boolean;
}

/** Resolves when every worker is ready; rejects, with all threads ended, when one does not start. */
export async function startModelWorkerPool(
  entry: URL,
  model: WorkerModel,
  workerCount: number,
): Promise<ModelWorkerPool> {
  let closing: Promise<void> | null = null;
  const seats: Seat[] = [];

  function fill(
    seat: Seat,
    onReady: () => void,
    onFailed: (error: CodedError) => void,
  ): ModelWorker {
    seat.isReady = false;
    const worker = startModelWorker(entry, model, {
      onReady() {
        seat.isReady = true;
        onReady();
      },
      onEnded(error) {
        const wasReady = seat.isReady;
        seat.worker = null;
        seat.isReady = false;
        if (!wasReady) onFailed(error);
        else if (closing === null) refill(seat);
      },
    });
    seat.worker = worker;
    return worker;
  }

  function refill(seat: Seat): ModelWorker {
    // Nothing waits for this start: its failure reaches the batches that were sent to it.
    return fill(
      seat,
      () => undefined,
      () => undefined,
    );
  }

  async function close(): Promise<void> {
    closing ??= Promise.all(seats.map((seat) => seat.worker?.close())).then(() => undefined);
    await closing;
  }

  const starts = Array.from({ length: workerCount }, () => {
    const seat: Seat = { worker: null, isReady: false };
    seats.push(seat);
    return new Promise<void>((resolve, reject) => {
      fill(seat, resolve, reject);
    });
  });
  try {
    await Promise.all(starts);
  } catch (error) {
    // The other starts end too and reject; only the first reason is told.
    await Promise.all([close(), Promise.allSettled(starts)]);
    throw error;
  }

  function rowsOf(seat: Seat): number {
    return seat.worker?.rowsInFlight() ?? 0;
  }

  return {
    run(batch) {
      if (closing !== null) {
        return Promise.reject(new CodedError('inference.run', 'the model was closed'));
      }
      const seat = seats.reduce((least, next) => (rowsOf(next) < rowsOf(least) ? next : least));
      return (seat.worker ?? refill(seat)).run(batch);
    },
    close,
  };
}
