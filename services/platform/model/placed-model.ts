/**
 * A loaded model that runs inline or on workers, and changes between the two while it is used.
 *
 * The inline session and the workers are started when they are first asked for, and the old placement
 * goes on until they are ready. The session stays open from then on. Workers are kept for a while after
 * they were left, as what made a model heavy may be back soon, and then closed for the memory they hold.
 */
import { CodedError } from '../../core/errors.ts';
import type { CheckModelBatch } from './check-model-batch.ts';
import { extendSamples } from './model-cost.ts';
import { runError } from './model-error.ts';
import type { CostSample, LoadedModel, ModelDescription, Placement } from './model-runtime.ts';
import { type ModelWorkerPool, WORKER_BATCHES_MAX } from './model-worker-pool.ts';
import type { SeatClock } from './model-worker-seat.ts';
import type { RunBatch } from './onnx-session.ts';
import { Startable } from './startable.ts';

/** Workers nobody runs on are closed after this long. */
const POOL_KEPT_MS = 60_000;

export interface InlineModel {
  readonly costSamples: readonly CostSample[];
  readonly run: RunBatch;
  close(): Promise<void>;
}

export interface PlacedModelParts {
  readonly description: ModelDescription;
  readonly check: CheckModelBatch;
  readonly isInlineable: boolean;
  readonly workerCount: number;
  readonly clock: SeatClock;
  startInline(): Promise<InlineModel>;
  /** Rejects with `inference.worker` where a worker cannot be started. */
  startPool(): Promise<ModelWorkerPool>;
}

function closedError(): CodedError {
  return new CodedError('inference.run', 'the model was closed');
}

/** Resolves when it runs at `first`; nothing is left behind where it rejects. */
export async function createPlacedModel(
  parts: PlacedModelParts,
  first: Placement,
): Promise<LoadedModel> {
  const { check, clock } = parts;
  const inline = new Startable(parts.startInline);
  const pool = new Startable(parts.startPool);
  let { description } = parts;
  let placement = first;
  /** What was asked for last: a placement that takes time may be overtaken. */
  let wanted = first;
  let keeping: AbortController | null = null;
  let closing: Promise<void> | null = null;

  async function start(next: Placement): Promise<void> {
    const { costSamples } = await (next === 'inline' ? inline : pool).ready();
    description = {
      ...description,
      costSamples: extendSamples(description.costSamples, costSamples),
    };
  }

  function keepPool(): void {
    keeping?.abort();
    keeping = null;
  }

  async function closePoolLater(): Promise<void> {
    if (pool.started === null || keeping !== null) return;
    keeping = new AbortController();
    const { signal } = keeping;
    do await clock.sleep(POOL_KEPT_MS, signal);
    while (!signal.aborted && pool.started.batchesInFlight() > 0);
    if (signal.aborted) return;
    keeping = null;
    await (await pool.take())?.close();
  }

  async function place(next: Placement): Promise<void> {
    if (closing !== null) throw closedError();
    wanted = next;
    if (next === 'workers') keepPool();
    try {
      await start(next);
    } catch (error) {
      if (wanted === next) wanted = placement;
      throw error;
    }
    if (closing !== null) throw closedError();
    if (wanted === next) placement = next;
    if (placement === 'inline') void closePoolLater();
  }

  async function close(): Promise<void> {
    keepPool();
    // What is still being started ends as soon as it is there.
    await Promise.all([inline.take(), pool.take()].map(async (taken) => (await taken)?.close()));
  }

  await start(first);
  return {
    get description() {
      return description;
    },
    get placement() {
      return placement;
    },
    isInlineable: parts.isInlineable,
    get batchesInFlightMax() {
      return placement === 'inline' ? 1 : WORKER_BATCHES_MAX * parts.workerCount;
    },
    place,
    run(batch, options) {
      const isOwned = options?.owned === true;
      try {
        check(batch, isOwned);
        if (closing !== null) throw closedError();
        if (placement === 'workers') return pool.started!.run(batch, isOwned);
        return inline.started!.run(batch);
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
