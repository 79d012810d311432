/**
 * Where the runs of one model version go: inline, on the thread of the service, or to its workers.
 *
 * Under load the placement with the higher predicted throughput wins, by a margin, so that two equal
 * ones do not alternate:
 *
 *     inline    n / (t(n) + own work a batch), n capped so that a run holds the event loop briefly,
 *               times the share of the thread that other versions leave
 *     workers   n × min(workers / t(n), cores / (t(n) + hop), 1 / hop)
 *
 * The hop is work of this thread, about 0.1 ms a batch there and back. A version that needs little of
 * this thread is placed inline if its runs are short, as then the hop is what it would be felt by. What
 * it needs is told by its rows, not by the time of its runs: batches of one row may fill the thread, and
 * grow as soon as there is more to do.
 *
 * The learned cost is of where the version runs now. What the other place costs is that times a
 * slowdown, measured by the first runs after each move; while inline it fades, so that the workers get
 * another chance some minutes later.
 */
import type { BatchCost } from './batch-cost.ts';

export type RunPlace = 'inline' | 'workers';

/** The way to a worker and back, in work of this thread. */
export const HOP_MS = 0.1;
/** What a batch costs on this thread besides an inline run. */
export const INLINE_OVERHEAD_MS = 0.02;
/** An inline run that takes fewer rows is not worth the thread. */
const INLINE_ROWS_MIN = 4;
const DECIDE_EVERY_MS = 250;
const STAY_MS_MIN = 1_000;
/**
 * After a move batches stay as they were for a while, and what a run costs is known roughly. So a load
 * that swings, or a machine that others take, is followed a few times, and then less and less.
 */
const STAY_MS_MAX = 30_000;
const MOVES_FREE = 6;
const MOVES_HALF_LIFE_MS = 60_000;
/** How much better the other place must be. */
const MARGIN = 1.08;
/** Share of this thread that its rows would need inline, below which a version needs little … */
const LIGHT_SHARE_ENTER = 0.25;
/** … and from which on it no longer does. */
const LIGHT_SHARE_LEAVE = 0.5;
/** A longer run is felt by everything else on this thread more than the hop by itself. */
const LIGHT_RUN_MS_MAX = 0.5;
const SLOWDOWN_MIN = 0.5;
const SLOWDOWN_MAX = 4;
const TRIAL_RUNS = 64;
const TRIAL_ROWS_MIN = 16;
/** After a load every size has been timed, so any of them will do. */
const ROWS_TIMED = 64;
const SLOWDOWN_HALF_LIFE_MS = 60_000;
/** Other versions never take this thread away altogether. */
const THREAD_SHARE_MIN = 0.05;

export interface PlaceLimits {
  readonly rowsMax: number;
  readonly runMsMax: number;
  /** Of an inline run. */
  readonly inlineRunMsMax: number;
  readonly workerCount: number;
  readonly coreCount: number;
}

interface Trial {
  /** `null`: any. */
  readonly rows: number | null;
  readonly runMs: number;
  runCount: number;
  likeCount: number;
}

export class RunPlacement {
  #place: RunPlace;
  #cost: BatchCost;
  /** What a run takes on a worker, of what it takes inline. */
  #slowdown = 1;
  /** The first runs after a move: of which size they should be, and what was predicted for it. */
  #trial: Trial | null = null;
  /** Of the last run. */
  #rows = 1;
  /** Since the last decision. */
  #inlineMs = 0;
  #runs = 0;
  #rowCount = 0;
  #share = 0;
  #decidedMs: number;
  #movedMs: number;
  /** Those of long ago count less. */
  #moveCount = 0;

  constructor(place: RunPlace, cost: BatchCost, nowMs: number) {
    this.#place = place;
    this.#cost = cost;
    this.#decidedMs = nowMs;
    this.#movedMs = nowMs - STAY_MS_MIN;
    // What was timed at load was timed on one thread with nothing beside it.
    if (place === 'workers') this.#startTrial(null);
  }

  get place(): RunPlace {
    return this.#place;
  }

  /**
   * Share of this thread that its rows needed or would have needed inline, in batches of the best size,
   * as of the last decision.
   */
  get share(): number {
    return this.#share;
  }

  /** For a while after a move batches take no more rows than before it, so that like meets like. */
  get rowsMax(): number {
    return this.#trial?.rows ?? Number.POSITIVE_INFINITY;
  }

  /** Told after the cost has learned from the run. */
  ran(rowCount: number, durationMs: number): void {
    this.#runs += 1;
    this.#inlineMs += durationMs * this.#inlineScale;
    this.#rows = rowCount;
    this.#rowCount += rowCount;
    const trial = this.#trial;
    if (trial === null) return;
    trial.runCount += 1;
    if (trial.rows === null || isNear(rowCount, trial.rows)) trial.likeCount += 1;
    if (trial.runCount < TRIAL_RUNS) return;
    this.#trial = null;
    // Other sizes would tell how the learned curve is bent, not what the move has changed.
    if (trial.likeCount < TRIAL_RUNS / 2) return;
    const ratio = this.#cost.predictMs(trial.rows ?? ROWS_TIMED) / trial.runMs;
    const slowdown = this.#slowdown * (this.#place === 'workers' ? ratio : 1 / ratio);
    this.#slowdown = Math.min(SLOWDOWN_MAX, Math.max(SLOWDOWN_MIN, slowdown));
  }

  /** Where to move to, `null` to stay. `othersShare`: of this thread, taken by other inline versions. */
  decide(nowMs: number, limits: PlaceLimits, othersShare: number): RunPlace | null {
    const elapsedMs = nowMs - this.#decidedMs;
    if (elapsedMs < DECIDE_EVERY_MS) return null;
    const typicalMs = this.#runs === 0 ? 0 : this.#inlineMs / this.#runs;
    this.#share = this.#rowCount / elapsedMs / this.throughput(limits, 0).inline;
    this.#inlineMs = 0;
    this.#runs = 0;
    this.#rowCount = 0;
    this.#decidedMs = nowMs;
    if (this.#place === 'inline') {
      this.#slowdown = 1 + (this.#slowdown - 1) * 0.5 ** (elapsedMs / SLOWDOWN_HALF_LIFE_MS);
    }
    if (this.#trial !== null || nowMs - this.#movedMs < this.#stayMs) return null;
    const wanted = this.#wanted(typicalMs, limits, othersShare);
    return wanted === this.#place ? null : wanted;
  }

  moved(place: RunPlace, nowMs: number): void {
    if (place === this.#place) return;
    this.#cost.rescale(place === 'workers' ? this.#slowdown : 1 / this.#slowdown);
    this.#place = place;
    this.#moveCount *= 0.5 ** ((nowMs - this.#movedMs) / MOVES_HALF_LIFE_MS);
    this.#moveCount += 1;
    this.#movedMs = nowMs;
    // Of a trickle, what a thread takes to wake up would be taken for a slower run.
    if (this.#rows >= TRIAL_ROWS_MIN) this.#startTrial(this.#rows);
    else this.#trial = null;
  }

  /** Rows a millisecond in either place, under load. */
  throughput(limits: PlaceLimits, othersShare: number): { inline: number; workers: number } {
    const { rowsMax, runMsMax, workerCount, coreCount } = limits;
    const inlineCap = Math.min(rowsMax, this.#inlineRows(limits));
    const left = Math.max(THREAD_SHARE_MIN, 1 - othersShare);
    const inline = bestRate(inlineCap, (rows) => {
      return left / (this.#cost.predictMs(rows) * this.#inlineScale + INLINE_OVERHEAD_MS);
    });
    const scale = this.#inlineScale * this.#slowdown;
    const workersCap = Math.min(rowsMax, this.#cost.rowsWithin(runMsMax / scale));
    const workers = bestRate(workersCap, (rows) => {
      const runMs = this.#cost.predictMs(rows) * scale;
      return Math.min(workerCount / runMs, coreCount / (runMs + HOP_MS), 1 / HOP_MS);
    });
    return { inline, workers };
  }

  get #stayMs(): number {
    const doublings = Math.max(0, this.#moveCount - MOVES_FREE);
    return Math.min(STAY_MS_MAX, STAY_MS_MIN * 2 ** doublings);
  }

  /** From what the cost says to what it would say inline. */
  get #inlineScale(): number {
    return this.#place === 'inline' ? 1 : 1 / this.#slowdown;
  }

  #startTrial(rows: number | null): void {
    const runMs = this.#cost.predictMs(rows ?? ROWS_TIMED);
    this.#trial = { rows, runMs, runCount: 0, likeCount: 0 };
  }

  #inlineRows({ inlineRunMsMax, runMsMax }: PlaceLimits): number {
    return this.#cost.rowsWithin(Math.min(inlineRunMsMax, runMsMax) / this.#inlineScale);
  }

  #wanted(typicalMs: number, limits: PlaceLimits, othersShare: number): RunPlace {
    if (this.#inlineRows(limits) < Math.min(INLINE_ROWS_MIN, limits.rowsMax)) return 'workers';
    const lightShare = this.#place === 'inline' ? LIGHT_SHARE_LEAVE : LIGHT_SHARE_ENTER;
    const isLight = this.#share + othersShare < lightShare;
    if (isLight && typicalMs <= LIGHT_RUN_MS_MAX) return 'inline';
    const { inline, workers } = this.throughput(limits, othersShare);
    if (this.#place === 'inline') return workers > inline * MARGIN ? 'workers' : 'inline';
    return inline > workers * MARGIN ? 'inline' : 'workers';
  }
}

function isNear(rows: number, others: number): boolean {
  return rows * 1.5 > others && rows < others * 1.5;
}

function bestRate(rowsMax: number, batchesPerMs: (rows: number) => number): number {
  const rowsCap = Math.max(1, rowsMax);
  let best = 0;
  for (let rows = 1; ; rows = Math.min(rows * 2, rowsCap)) {
    best = Math.max(best, rows * batchesPerMs(rows));
    if (rows === rowsCap) return best;
  }
}
