/**
 * What waits for one model version, what is known about its cost, and the batch it would run next.
 *
 * Batches that run again after a failure go first, as they were cut. Pure state; which version runs
 * when is the scheduler's business.
 */
import {
  BATCH_BYTES_MAX,
  INLINE_RUN_MS_MAX,
  QUEUE_ROWS_MAX,
  SHADOW_QUEUE_ROWS_MAX,
} from '../limits.ts';
import { BatchCost, type CostSample } from './batch-cost.ts';
import { BatchQueue, type Cut, type Part, type QueuedRequest } from './batch-queue.ts';
import { BatchSize, type SizeLimits } from './batch-size.ts';
import {
  HOP_MS,
  INLINE_OVERHEAD_MS,
  type PlaceLimits,
  type RunPlace,
  RunPlacement,
} from './place-runs.ts';

/** Bytes waiting for one version, as for rows. */
const QUEUE_BYTES_MAX = 8 * BATCH_BYTES_MAX;
/** A shadow is cut short, as its batch in flight, and taking it in, is all that others ever wait for. */
const SHADOW_INLINE_RUN_MS_MAX = 0.5;
const SHADOW_RUN_MS_MAX = 2;
const SHADOW_ROWS_MAX = 64;

export interface SchedulerLimits {
  readonly rowsMax: number;
  readonly bytesMax: number;
  readonly runMsMax: number;
  readonly workerCount: number;
  readonly coreCount: number;
}

export interface VersionTerms {
  readonly isShadow: boolean;
  /** Timed when it was loaded; `null`: the same model as before, what has been learned stays. */
  readonly costSamples: readonly CostSample[] | null;
  readonly place: RunPlace;
  readonly batchesInFlightMax: number;
  /** Rows one run takes at most, whatever the monitor allows; `null`: no such limit. */
  readonly rowsMax: number | null;
}

export class VersionQueue<R extends QueuedRequest> {
  readonly name: string;
  readonly isShadow: boolean;
  readonly cost: BatchCost;
  readonly placement: RunPlacement;
  readonly placeLimits: PlaceLimits;
  batchesInFlightMax: number;
  inFlight = 0;
  /** Of the round robin: milliseconds of this thread it may still use. */
  deficitMs = 0;
  readonly #queue: BatchQueue<R>;
  readonly #repeats: Cut<R>[];
  readonly #size: BatchSize;
  readonly #bytesMax: number;

  /** `before`: the same version as it was served until now; what waits and is in flight stays. */
  constructor(
    name: string,
    terms: VersionTerms,
    limits: SchedulerLimits,
    nowMs: number,
    before?: VersionQueue<R>,
  ) {
    const { isShadow, costSamples } = terms;
    this.name = name;
    this.isShadow = isShadow;
    if (before !== undefined && costSamples === null) {
      this.cost = before.cost;
      this.placement = before.placement;
    } else {
      this.cost = new BatchCost(costSamples ?? []);
      this.placement = new RunPlacement(terms.place, this.cost, nowMs);
    }
    this.batchesInFlightMax = terms.batchesInFlightMax;
    this.inFlight = before?.inFlight ?? 0;
    const rowsMax = isShadow ? Math.min(limits.rowsMax, SHADOW_ROWS_MAX) : limits.rowsMax;
    this.placeLimits = {
      rowsMax: Math.min(rowsMax, terms.rowsMax ?? rowsMax),
      runMsMax: isShadow ? Math.min(limits.runMsMax, SHADOW_RUN_MS_MAX) : limits.runMsMax,
      inlineRunMsMax: isShadow ? SHADOW_INLINE_RUN_MS_MAX : INLINE_RUN_MS_MAX,
      workerCount: limits.workerCount,
      coreCount: limits.coreCount,
    };
    this.#queue = before === undefined ? new BatchQueue() : before.#queue;
    this.#repeats = before === undefined ? [] : before.#repeats;
    this.#size = new BatchSize(this.cost);
    this.#bytesMax = limits.bytesMax;
  }

  get isInline(): boolean {
    return this.placement.place === 'inline';
  }

  get hasWork(): boolean {
    return this.#queue.rowCount > 0 || this.#repeats.length > 0;
  }

  get deadlineMs(): number {
    return this.#queue.deadlineMs;
  }

  hasRoom(rowCount: number, byteCount: number): boolean {
    const queue = this.#queue;
    // A request larger than the queue is split like any other.
    if (queue.rowCount === 0) return true;
    const rowsMax = this.isShadow ? SHADOW_QUEUE_ROWS_MAX : QUEUE_ROWS_MAX;
    return queue.rowCount + rowCount <= rowsMax && queue.byteCount + byteCount <= QUEUE_BYTES_MAX;
  }

  push(request: R): void {
    this.#queue.push(request);
  }

  /** Once more, before anything that has not run yet and after earlier repeats. */
  repeat(batch: Cut<R>): void {
    this.#repeats.push(batch);
  }

  moved(place: RunPlace, batchesInFlightMax: number, nowMs: number): void {
    this.placement.moved(place, nowMs);
    this.batchesInFlightMax = batchesInFlightMax;
  }

  expire(nowMs: number): readonly Part<R>[] {
    return this.#queue.expire(nowMs);
  }

  /** What has not run yet. */
  takeWaiting(): readonly Part<R>[] {
    return this.#queue.takeAll();
  }

  takeAll(): readonly Part<R>[] {
    const repeats = this.#repeats.splice(0).flatMap(({ parts }) => parts);
    return [...repeats, ...this.#queue.takeAll()];
  }

  /** Predicted run of what would start now. */
  nextMs(): number {
    const [repeat] = this.#repeats;
    if (repeat !== undefined) return this.cost.predictMs(repeat.rowCount);
    const preferred = this.#size.preferred(this.#sizeLimits(this.#timeRows()));
    return this.cost.predictMs(Math.min(this.#queue.rowCount, preferred));
  }

  /** Takes the next batch; there must be work. */
  cut(nowMs: number): Cut<R> {
    const repeat = this.#repeats.shift();
    if (repeat !== undefined) return repeat;
    const timeRows = this.#timeRows();
    const limits = this.#sizeLimits(timeRows);
    const preferred = this.#size.preferred(limits);
    const rows = this.#queue.rowCount < preferred ? preferred : this.#size.next(preferred, limits);
    const rowsTrigger = rows === timeRows && rows < this.placeLimits.rowsMax ? 'time' : 'rows';
    return this.#queue.cut(nowMs, { rows, rowsTrigger, bytesMax: this.#bytesMax }, this.cost);
  }

  #sizeLimits(timeRows: number): SizeLimits {
    const overheadMs = this.isInline ? INLINE_OVERHEAD_MS : HOP_MS;
    return {
      rowsMax: Math.min(this.placeLimits.rowsMax, this.placement.rowsMax, timeRows),
      overheadMs,
    };
  }

  /** Rows that fit into the time a run may take; at least one. */
  #timeRows(): number {
    const { runMsMax, inlineRunMsMax } = this.placeLimits;
    const limitMs = this.isInline ? Math.min(runMsMax, inlineRunMsMax) : runMsMax;
    return Math.max(1, this.cost.rowsWithin(limitMs));
  }
}
