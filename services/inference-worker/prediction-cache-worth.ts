/**
 * Whether looking rows up pays: what the hits save against what the lookups cost, for one model. Pure;
 * what it is told decides, and the schedule goes by rows, so that the same rows and costs are always
 * treated the same way.
 *
 *     trial ─── pays ──▶ in use ─── no longer pays ──▶ bypass ─── its rows are over ──▶ trial
 *       └──── does not pay ────────────────────────────▲
 *
 * A trial begins with a cache that knows nothing, so only its second half is judged: it sees rows that
 * come again within half a trial. Each trial that does not pay is followed by one twice as long, until
 * it would see everything a cache of this size can remember; a bypass is always `BYPASS_FACTOR` times
 * as long as the trial before it, so that in the long run one row in seventeen is looked up in vain. A
 * model that is cheaper than a lookup is tried for its cost alone, and one row in a thousand.
 */

const TRIAL_ROWS_MIN = 512;
/** Between two looks at a cache that is in use: 4 096 rows tell a share to within 2 points. */
const IN_USE_ROWS = 4_096;
const BYPASS_FACTOR = 16;
/** Enough for the median of the costs. */
const HOPELESS_TRIAL_ROWS = 64;
const HOPELESS_BYPASS_ROWS = 65_536;
/** Batches that a row's cost is smoothed over. */
const ROW_COST_BATCHES = 8;

export class CacheWorth {
  readonly #trialRowsMax: number;
  readonly #lookup = new RecentCosts();
  readonly #store = new RecentCosts();
  #rowMs: number;
  #phase: 'trial' | 'in-use' | 'bypass' = 'trial';
  #trialRows = TRIAL_ROWS_MIN;
  /** Of the phase. */
  #rowsLeft = TRIAL_ROWS_MIN;
  /** Lookups left that are not judged. */
  #learning = TRIAL_ROWS_MIN / 2;
  #lookups = 0;
  #hits = 0;

  /** `rowMs`: what the model takes for one row more. */
  constructor(entriesMax: number, rowMs: number) {
    this.#trialRowsMax = Math.max(TRIAL_ROWS_MIN, 2 * entriesMax);
    this.#rowMs = rowMs;
  }

  /** One batch is told at a time; a slow one among them says little. */
  tellRowMs(rowMs: number): void {
    this.#rowMs += (rowMs - this.#rowMs) / ROW_COST_BATCHES;
  }

  /** Once for each row: whether to look it up. */
  looks(): boolean {
    if (this.#phase !== 'bypass') return true;
    this.#rowsLeft -= 1;
    if (this.#rowsLeft < 0) this.#try();
    return this.#phase !== 'bypass';
  }

  /** Once for each lookup; a row that waits for its twin is a hit. */
  looked(isHit: boolean): void {
    if (this.#learning > 0) {
      this.#learning -= 1;
    } else {
      this.#lookups += 1;
      if (isHit) this.#hits += 1;
    }
    this.#rowsLeft -= 1;
    if (this.#rowsLeft === 0) this.#judge();
  }

  tellLookupMs(durationMs: number): void {
    this.#lookup.add(durationMs);
  }

  tellStoreMs(durationMs: number): void {
    this.#store.add(durationMs);
  }

  #judge(): void {
    const hitShare = this.#hits / this.#lookups;
    const lookupMs = this.#lookup.median();
    const costMs = lookupMs + (1 - hitShare) * this.#store.median();
    this.#lookups = 0;
    this.#hits = 0;
    if (hitShare * this.#rowMs > costMs) {
      this.#phase = 'in-use';
      this.#rowsLeft = IN_USE_ROWS;
      return;
    }
    const wasInUse = this.#phase === 'in-use';
    this.#phase = 'bypass';
    if (this.#isHopeless()) {
      this.#rowsLeft = HOPELESS_BYPASS_ROWS;
      return;
    }
    this.#rowsLeft = BYPASS_FACTOR * this.#trialRows;
    if (!wasInUse) this.#trialRows = Math.min(2 * this.#trialRows, this.#trialRowsMax);
  }

  #try(): void {
    this.#phase = 'trial';
    this.#rowsLeft = (this.#isHopeless() ? HOPELESS_TRIAL_ROWS : this.#trialRows) - 1;
    this.#learning = this.#rowsLeft >> 1;
  }

  /** Even if every row were a hit. */
  #isHopeless(): boolean {
    return this.#rowMs <= this.#lookup.median();
  }
}

/** The median of the last few: one pause of the garbage collector says nothing about the next lookup. */
class RecentCosts {
  readonly #samples = new Float64Array(31);
  #count = 0;

  add(durationMs: number): void {
    this.#samples[this.#count % this.#samples.length] = durationMs;
    this.#count += 1;
  }

  median(): number {
    const known = this.#samples.slice(0, Math.min(this.#count, this.#samples.length)).sort();
    return known[known.length >> 1] ?? 0;
  }
}
