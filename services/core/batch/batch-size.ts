/**
 * How many rows a batch takes when more are waiting: the fewest that cost next to nothing more per row
 * than the cheapest size does, as what is not gained in throughput is only latency.
 *
 * Sizes are powers of two and the largest allowed. The choice is kept while it is good enough, and
 * twice and half of it are tried now and then, in turn: without, a size that was dear once would stay
 * dear for ever. How often is a count of batches, so the same batches make the same choices; the
 * longer nothing better turns up the less is tried, down to a batch in 128 (below one per cent).
 */
import { BATCH_ROWS_MAX } from '../limits.ts';
import type { BatchCost } from './batch-cost.ts';

/** The smallest size within this of the best cost per row is the one. */
const GOOD_ENOUGH = 1.03;
/** A chosen size next to that one stays chosen up to this: measurements waver by a few per cent. */
const STILL_GOOD = 1.06;
const TRY_EVERY_MIN = 16;
const TRY_EVERY_MAX = 128;
const SIZES = Math.log2(BATCH_ROWS_MAX) + 1;

export interface SizeLimits {
  readonly rowsMax: number;
  /** What a batch costs besides its run, wherever that is spent. */
  readonly overheadMs: number;
}

export class BatchSize {
  readonly #cost: BatchCost;
  readonly #perRowMs = new Float64Array(SIZES);
  #chosen = -1;
  #sinceTry = 0;
  #tryEvery = TRY_EVERY_MIN;
  #tryLarger = true;

  constructor(cost: BatchCost) {
    this.#cost = cost;
  }

  preferred({ rowsMax, overheadMs }: SizeLimits): number {
    const perRowMs = this.#perRowMs;
    let bestMs = Number.POSITIVE_INFINITY;
    let last = 0;
    for (let rows = 1; ; rows = Math.min(rows * 2, rowsMax)) {
      const ms = (this.#cost.predictMs(rows) + overheadMs) / rows;
      perRowMs[last] = ms;
      if (ms < bestMs) bestMs = ms;
      if (rows === rowsMax) break;
      last += 1;
    }
    let smallest = 0;
    while (perRowMs[smallest]! > bestMs * GOOD_ENOUGH) smallest += 1;
    const chosen = Math.min(this.#chosen, last);
    const isKept =
      (chosen === smallest - 1 || chosen === smallest + 1) &&
      perRowMs[chosen]! <= bestMs * STILL_GOOD;
    if (!isKept && this.#chosen !== smallest) {
      this.#chosen = smallest;
      this.#tryEvery = TRY_EVERY_MIN;
      this.#sinceTry = 0;
    }
    return Math.min(1 << Math.min(this.#chosen, last), rowsMax);
  }

  /**
   * `preferred`, for a batch that is cut while at least so many rows wait: now and then another size.
   */
  next(preferred: number, { rowsMax, overheadMs }: SizeLimits): number {
    this.#sinceTry += 1;
    if (this.#sinceTry < this.#tryEvery) return preferred;
    this.#sinceTry = 0;
    const larger = Math.min(preferred * 2, rowsMax);
    const tried = this.#tryLarger && larger > preferred ? larger : Math.max(1, preferred >> 1);
    this.#tryLarger = !this.#tryLarger;
    const perRowMs = (this.#cost.predictMs(tried) + overheadMs) / tried;
    const preferredMs = (this.#cost.predictMs(preferred) + overheadMs) / preferred;
    const isPromising = perRowMs * GOOD_ENOUGH < preferredMs;
    this.#tryEvery = isPromising ? TRY_EVERY_MIN : Math.min(TRY_EVERY_MAX, this.#tryEvery * 2);
    return tried;
  }
}
