/**
 * Requests waiting for one model version, first in first out, and how the next batch is cut from them.
 *
 * A request is a block of rows. A batch takes as many of the rows waiting as its limits allow, in their
 * order: a request may be spread over several batches, and a batch may hold parts of several requests.
 * One that starts with the rest of a request ends with it where that is half a batch or more.
 */
import type { BatchCost } from './batch-cost.ts';

/** Why a batch was not larger. */
export type Trigger =
  /** Nothing else waited. */
  | 'idle'
  | 'rows'
  | 'bytes'
  /** Its predicted time. */
  | 'time'
  /** More rows would have made a request late. */
  | 'deadline'
  /** Nothing else waited, and the service is stopping. */
  | 'drain';

export interface QueuedRequest {
  readonly rowCount: number;
  readonly byteCount: number;
  /** Not worth a run from this time on; Infinity: never. */
  readonly deadlineMs: number;
}

/** Rows `[fromRow, toRow)` of a request. */
export interface Part<R> {
  readonly request: R;
  readonly fromRow: number;
  readonly toRow: number;
}

export interface CutLimits {
  /** At least 1. */
  readonly rows: number;
  /** What `rows` stands for. */
  readonly rowsTrigger: 'rows' | 'time';
  readonly bytesMax: number;
}

export interface Cut<R> {
  readonly parts: readonly Part<R>[];
  readonly rowCount: number;
  readonly trigger: Trigger;
}

/** A deadline does not cut a batch below the size at which its fixed cost is this share of it. */
const FIXED_SHARE_MAX = 0.2;

export class BatchQueue<R extends QueuedRequest> {
  #requests: (R | undefined)[] = [];
  #head = 0;
  /** Rows of the first request that are gone. */
  #headRow = 0;
  #rowCount = 0;
  #byteCount = 0;
  #deadlineMs = Number.POSITIVE_INFINITY;

  get rowCount(): number {
    return this.#rowCount;
  }

  get byteCount(): number {
    return this.#byteCount;
  }

  /** No later than the earliest deadline of what waits. */
  get deadlineMs(): number {
    return this.#rowCount === 0 ? Number.POSITIVE_INFINITY : this.#deadlineMs;
  }

  push(request: R): void {
    if (this.#rowCount === 0) this.#deadlineMs = Number.POSITIVE_INFINITY;
    this.#requests.push(request);
    this.#rowCount += request.rowCount;
    this.#byteCount += request.byteCount;
    this.#deadlineMs = Math.min(this.#deadlineMs, request.deadlineMs);
  }

  /** Takes the next batch; there must be a row. Requests past their deadline must have been expired. */
  cut(nowMs: number, limits: CutLimits, cost: BatchCost): Cut<R> {
    const parts: Part<R>[] = [];
    let rowCount = 0;
    let byteCount = 0;
    let deadlineRows = Number.POSITIVE_INFINITY;
    let trigger: Trigger | null = null;
    while (trigger === null && this.#rowCount > 0) {
      const request = this.#requests[this.#head]!;
      const isRest = parts.length === 0 && this.#headRow > 0;
      let take = request.rowCount - this.#headRow;
      if (rowCount + take >= limits.rows) {
        take = limits.rows - rowCount;
        trigger = limits.rowsTrigger;
      }
      const rowBytes = request.byteCount / request.rowCount;
      if (byteCount + take * rowBytes > limits.bytesMax) {
        // A single row over the limit still has to run.
        take = Math.floor((limits.bytesMax - byteCount) / rowBytes);
        if (take < 1 && rowCount === 0) take = 1;
        trigger = 'bytes';
      }
      if (request.deadlineMs !== Number.POSITIVE_INFINITY && take > 0) {
        const inTime = cost.rowsWithin(request.deadlineMs - nowMs);
        // Where not even its first row would be in time the request no longer counts.
        if (inTime > rowCount) deadlineRows = Math.min(deadlineRows, inTime);
      }
      if (rowCount + take > deadlineRows) {
        const allowed = Math.max(deadlineRows, efficientRows(cost, limits.rows));
        if (rowCount + take > allowed) {
          take = Math.max(0, allowed - rowCount);
          trigger = 'deadline';
        }
      }
      if (take < 1) break;
      parts.push(this.#take(take));
      rowCount += take;
      byteCount += take * rowBytes;
      // The rest of a request is a view of it, and with the first rows of the next one a copy.
      if (isRest && trigger === null && rowCount * 2 >= limits.rows && this.#rowCount > 0) {
        trigger = limits.rowsTrigger;
      }
    }
    return { parts, rowCount, trigger: trigger ?? 'idle' };
  }

  /** Takes out what is past its deadline. */
  expire(nowMs: number): readonly Part<R>[] {
    if (this.deadlineMs > nowMs) return [];
    return this.#takeWhere(({ deadlineMs }) => deadlineMs <= nowMs);
  }

  takeAll(): readonly Part<R>[] {
    return this.#takeWhere(() => true);
  }

  /** Of the first request; the caller knows that it has so many. */
  #take(rows: number): Part<R> {
    const request = this.#requests[this.#head]!;
    const fromRow = this.#headRow;
    const toRow = fromRow + rows;
    this.#leave(request, rows);
    if (toRow < request.rowCount) {
      this.#headRow = toRow;
      return { request, fromRow, toRow };
    }
    this.#requests[this.#head] = undefined;
    this.#headRow = 0;
    this.#head += 1;
    if (this.#head * 2 > this.#requests.length) {
      this.#requests.splice(0, this.#head);
      this.#head = 0;
    }
    return { request, fromRow, toRow };
  }

  #takeWhere(isTaken: (request: R) => boolean): readonly Part<R>[] {
    const taken: Part<R>[] = [];
    const kept: R[] = [];
    let headRow = this.#headRow;
    let keptHeadRow = 0;
    this.#deadlineMs = Number.POSITIVE_INFINITY;
    for (let index = this.#head; index < this.#requests.length; index += 1) {
      const request = this.#requests[index]!;
      if (isTaken(request)) {
        taken.push({ request, fromRow: headRow, toRow: request.rowCount });
        this.#leave(request, request.rowCount - headRow);
      } else {
        if (kept.length === 0) keptHeadRow = headRow;
        kept.push(request);
        this.#deadlineMs = Math.min(this.#deadlineMs, request.deadlineMs);
      }
      headRow = 0;
    }
    this.#requests = kept;
    this.#head = 0;
    this.#headRow = keptHeadRow;
    return taken;
  }

  #leave(request: R, rows: number): void {
    this.#rowCount -= rows;
    this.#byteCount -= (rows * request.byteCount) / request.rowCount;
    // Fractions of bytes do not add up exactly.
    if (this.#rowCount === 0) this.#byteCount = 0;
  }
}

/**
 * Under more load than there is capacity the first in the queue is always nearly late: batches cut to
 * its deadline would be tiny, and the throughput with them.
 */
function efficientRows(cost: BatchCost, rowsMax: number): number {
  const oneMs = cost.predictMs(1);
  let rows = 1;
  while (rows < rowsMax && oneMs > FIXED_SHARE_MAX * cost.predictMs(rows)) rows *= 2;
  return Math.min(rows, rowsMax);
}
