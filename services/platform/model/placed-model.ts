/**
 * A loaded model that runs inline or on workers, and changes between the two while it is used.
 *
 * The inline session stays open all the time. Workers are started when they are first asked for, and
 * the old placement goes on until they are ready; they are kept for a while after they were left, as
 * what made a model heavy may be back soon, and then closed for the memory they hold.
 */
import { CodedError } from '../../core/errors.ts';
import type { CheckModelBatch } from './check-model-batch.ts';
import { runError } from './model-error.ts';
import type { LoadedModel, ModelDescription, Placement } from './model-runtime.ts';
import { type ModelWorkerPool, WORKER_BATCHES_MAX } from './model-worker-pool.ts';
import type { SeatClock } from './model-worker-seat.ts';
import type { RunBatch } from './onnx-session.ts';

/** Workers nobody runs on are closed after this long. */
const POOL_KEPT_MS = 60_000;

export interface PlacedModelParts {
  readonly description: ModelDescription;
  readonly check: CheckModelBatch;
  readonly inline: { readonly run: RunBatch; close(): Promise<void> };
  readonly workerCount: number;
  readonly clock: SeatClock;
  /** Rejects with `inference.worker` where a worker cannot be started. */
  startPool(): Promise<ModelWorkerPool>;
}

function closedError(): CodedError {
  return new CodedError('inference.run', 'the model was closed');
}

/** Placed inline. */
export function createPlacedModel(parts: PlacedModelParts): LoadedModel {
  const { check, inline, clock } = parts;
  let { description } = parts;
  let placement: Placement = 'inline';
  /** What was asked for last: a placement that takes time may be overtaken. */
  let wanted: Placement = 'inline';
  let starting: Promise<ModelWorkerPool> | null = null;
  let pool: ModelWorkerPool | null = null;
  let keeping: AbortController | null = null;
  let closing: Promise<void> | null = null;

  async function startPool(): Promise<void> {
    if (pool !== null) return;
    starting ??= parts.startPool();
    try {
      const started = await starting;
      pool = started;
      description = { ...description, costSamples: started.costSamples };
    } finally {
      starting = null;
    }
  }

  function keepPool(): void {
    keeping?.abort();
    keeping = null;
  }

  async function closePoolLater(): Promise<void> {
    if (pool === null || keeping !== null) return;
    keeping = new AbortController();
    const { signal } = keeping;
    do await clock.sleep(POOL_KEPT_MS, signal);
    while (!signal.aborted && pool.batchesInFlight() > 0);
    if (signal.aborted) return;
    const unused = pool;
    pool = null;
    keeping = null;
    await unused.close();
  }

  async function place(next: Placement): Promise<void> {
    if (closing !== null) throw closedError();
    wanted = next;
    if (next === 'workers') {
      keepPool();
      try {
        await startPool();
      } catch (error) {
        if (wanted === next) wanted = placement;
        throw error;
      }
      if (closing !== null) throw closedError();
    }
    if (wanted === next) placement = next;
    if (placement === 'inline') void closePoolLater();
  }

  async function close(): Promise<void> {
    keepPool();
    // A pool that is still being started ends as soon as it is there.
    const unfinished = starting?.catch(() => null);
    await inline.close();
    const started = (await unfinished) ?? pool;
    await started?.close();
  }

  return {
    get description() {
      return description;
    },
    get placement() {
      return placement;
    },
    get batchesInFlightMax() {
      return placement === 'inline' ? 1 : WORKER_BATCHES_MAX * parts.workerCount;
    },
    place,
    run(batch, options) {
      const isOwned = options?.owned === true;
      try {
        check(batch, isOwned);
        if (closing !== null) throw closedError();
        if (placement === 'workers') return pool!.run(batch, isOwned);
        return inline.run(batch);
      } catch (error) {
        return Promise.reject(runError(error));
      }
    },
    async close() {
      closing ??= close();
      await closing;
    },
  };
}
