/**
 * Takes requests, blocks of rows for one model version, and has them run in batches: each row gets one
 * result, a contiguous part of a request at a time. There is no promise per row or per request.
 *
 * When a batch runs, and with how many rows, is the scheduler's decision (core/batch); the loop carries
 * it out (batch-loop.ts).
 */
import { BatchScheduler } from '../core/batch/batch-scheduler.ts';
import type { BatchLimits } from '../core/monitor/monitor.ts';
import type { LoadedModel } from '../platform/model/model-runtime.ts';
import { createBatchLoop } from './batch-loop.ts';
import type { BatchObserver, BatchRequest, Queued, Served } from './batch-request.ts';
import { byteCountOf } from './join-rows.ts';
import { createModelMoves, type ModelMovesOptions } from './model-moves.ts';

export type { BatchFacts, BatchRequest, PartResult } from './batch-request.ts';

export interface Batcher {
  /**
   * Again for a version that is served: the model or the priority changes at once, what waits and what
   * is in flight stays. With the same model, what has been learned of it stays too.
   */
  serve(version: string, model: LoadedModel, options: { readonly shadow: boolean }): void;
  /**
   * Takes no more; resolves when nothing of it waits or is in flight. What waits for a shadow fails with
   * `inference.overload`.
   */
  retire(version: string): Promise<void>;
  /** Resolves when no run of the model is in flight: one that was replaced may then be closed. */
  released(model: LoadedModel): Promise<void>;
  /** False: the queue is full, or the shadow's rows are shed. Throws where the version is not served. */
  submit(request: BatchRequest): boolean;
  hasRoom(version: string, rows: number): boolean;
  /** Runs all that waits; resolves when every row is settled, but those of shadows, which nobody awaits. */
  drain(): Promise<void>;
  /** What waits fails with `inference.overload`; resolves when no run is in flight. */
  close(): Promise<void>;
}

export interface BatcherOptions extends ModelMovesOptions, BatchObserver {
  readonly limits: BatchLimits;
  readonly workerCount: number;
  /** Cores of the machine, which workers and this thread share. */
  readonly coreCount: number;
  onShed?(version: string, rows: number): void;
}

export function createBatcher(options: BatcherOptions): Batcher {
  const { clock, limits, workerCount, coreCount } = options;
  const scheduler = new BatchScheduler<Queued>({ ...limits, workerCount, coreCount });
  const served = new Map<string, Served>();
  let isClosed = false;
  const moves = createModelMoves(scheduler, {
    ...options,
    isServed: (entry) => served.get(entry.version) === entry,
    onMoved: () => loop.wake(),
  });
  const loop = createBatchLoop({
    ...options,
    scheduler,
    modelOf: (version) => served.get(version)!.model,
    onRan: (version) => moves.ran(served.get(version)!),
  });

  return {
    serve(version, model, { shadow }) {
      const entry = served.get(version) ?? { version, model, unsettledRows: 0, isRetired: false };
      if (entry.isRetired) throw new Error(`model version ${version} is being retired`);
      const isNew = !served.has(version) || entry.model !== model;
      entry.model = model;
      served.set(version, entry);
      const terms = {
        isShadow: shadow,
        costSamples: isNew ? model.description.costSamples : null,
        place: model.placement,
        batchesInFlightMax: model.batchesInFlightMax,
        rowsMax: model.description.batchRowsFixed,
      };
      scheduler.serve(version, terms, clock.monotonicMs());
      if (isNew) moves.served(entry);
      loop.wake();
    },

    async retire(version) {
      const entry = served.get(version);
      if (entry === undefined) return;
      entry.isRetired = true;
      // A shadow waits until nobody else does, which may be never.
      if (scheduler.version(version).isShadow) loop.shed(version);
      await loop.until(() => entry.unsettledRows === 0);
      if (served.get(version) !== entry) return;
      served.delete(version);
      scheduler.remove(version);
    },

    released: (model) => loop.until(() => !loop.isRunning(model)),

    submit(request) {
      const { version, rows, deadlineMs, isAdmitted } = request;
      const entry = served.get(version);
      if (entry === undefined || entry.isRetired) {
        throw new Error(`model version ${version} is not served`);
      }
      const { rowCount } = rows;
      if (rowCount < 1) throw new RangeError('a request has at least one row');
      const queue = scheduler.version(version);
      const byteCount = byteCountOf(rows);
      if (isClosed || (isAdmitted !== true && !queue.hasRoom(rowCount, byteCount))) {
        if (queue.isShadow) options.onShed?.(version, rowCount);
        return false;
      }
      const queued = { request, served: entry, rows, rowCount, byteCount, deadlineMs };
      queue.push(queued);
      loop.queued(queued);
      return true;
    },

    hasRoom: (version, rows) => !isClosed && scheduler.version(version).hasRoom(rows, 0),

    async drain() {
      loop.isDraining = true;
      await loop.until(() =>
        [...served.values()].every(
          ({ version, unsettledRows }) =>
            unsettledRows === 0 || scheduler.version(version).isShadow,
        ),
      );
      loop.isDraining = false;
    },

    async close() {
      isClosed = true;
      loop.stop();
      await loop.until(() => loop.unsettledRows === 0);
    },
  };
}
