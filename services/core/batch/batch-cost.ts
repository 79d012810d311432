/**
 * What a run of n rows costs on the thread where the model runs now, learned from the runs themselves.
 *
 * A point for each power of two, straight lines between them: `fixedMs + n × perRowMs` alone would hide
 * the knee past which a larger batch costs more per row (caches). A run moves the point nearest to its
 * size, and with it every point that has not been measured since that one was: a model that slows down
 * tenfold is known at all sizes after half a dozen runs of one size, and a size that is dear for its own
 * reasons stays dear.
 *
 * A point goes towards the median of its last five runs, as runs that the machine paused are no
 * opinion and come in clumps: half of the way where that median is far off, a twentieth where it is
 * near, which averages the noise. Memory is seven numbers a point for ever.
 */
import { BATCH_ROWS_MAX } from '../limits.ts';

export interface CostSample {
  readonly rowCount: number;
  readonly durationMs: number;
}

export interface CostLine {
  readonly fixedMs: number;
  readonly perRowMs: number;
}

const POINTS = Math.log2(BATCH_ROWS_MAX) + 1;
const RECENT = 5;
/** Twice the rows never take longer than this many times as long; a pause of the machine may look so. */
const DOUBLING_MAX = 4;
const STEP_MAX = 0.5;
const STEP_MIN = 0.05;
/** What a clock too coarse for a run is taken to have seen. */
const RUN_MS_MIN = 1e-4;
/** Of a model nobody has timed yet. */
const UNKNOWN: readonly CostSample[] = [{ rowCount: 1, durationMs: 0.1 }];

export class BatchCost {
  /** Of a run of 2^k rows. */
  readonly #runMs = new Float64Array(POINTS);
  /** The last runs near 2^k rows, as if they had had that many. */
  readonly #recentMs = new Float64Array(POINTS * RECENT);
  readonly #seenAt = new Float64Array(POINTS);
  #runCount = 0;

  constructor(samples: readonly CostSample[]) {
    const known = [...(samples.length === 0 ? UNKNOWN : samples)];
    known.sort((a, b) => a.rowCount - b.rowCount);
    for (let k = 0; k < POINTS; k += 1) {
      const runMs = Math.max(RUN_MS_MIN, interpolate(known, 1 << k));
      this.#runMs[k] = runMs;
      this.#recentMs.fill(runMs, k * RECENT, (k + 1) * RECENT);
    }
  }

  observe(rowCount: number, durationMs: number): void {
    const k = nearestPoint(rowCount);
    const seenAt = this.#seenAt[k]!;
    const runMs = this.#runMs[k]!;
    const measuredMs =
      (runMs * Math.max(RUN_MS_MIN, durationMs)) / Math.max(RUN_MS_MIN, this.predictMs(rowCount));
    const recent = this.#recentMs;
    const at = k * RECENT;
    recent.copyWithin(at, at + 1, at + RECENT);
    recent[at + RECENT - 1] = measuredMs;
    const ratio = median(recent, at) / runMs;
    const step = Math.min(STEP_MAX, Math.max(STEP_MIN, 2 * (ratio - 1) ** 2));
    const factor = 1 + step * (ratio - 1);
    this.#runMs[k] = runMs * factor;
    for (let other = 0; other < POINTS; other += 1) {
      if (other === k || this.#seenAt[other]! > seenAt) continue;
      this.#scalePoint(other, factor);
    }
    this.#runCount += 1;
    this.#seenAt[k] = this.#runCount;
  }

  /** The same model on other terms, such as another thread. */
  rescale(factor: number): void {
    for (let k = 0; k < POINTS; k += 1) this.#scalePoint(k, factor);
  }

  predictMs(rowCount: number): number {
    const k = lowerPoint(rowCount);
    const lowMs = this.#runMs[k]!;
    const rows = 1 << k;
    if (k === POINTS - 1) return (lowMs * rowCount) / rows;
    return lowMs + ((rowCount - rows) / rows) * (this.#runMs[k + 1]! - lowMs);
  }

  /** The most rows of which no fewer are predicted to take longer; 0 where even one is. */
  rowsWithin(durationMs: number): number {
    let lowMs = this.#runMs[0]!;
    if (lowMs > durationMs) return 0;
    for (let k = 1; k < POINTS; k += 1) {
      const highMs = Math.min(this.#runMs[k]!, DOUBLING_MAX * lowMs);
      if (highMs > durationMs) {
        const rows = 1 << (k - 1);
        return rows + Math.floor((rows * (durationMs - lowMs)) / (highMs - lowMs));
      }
      lowMs = highMs;
    }
    return BATCH_ROWS_MAX;
  }

  /** The straight line nearest to all points by relative distance: a summary, nothing is decided by it. */
  line(): CostLine {
    // Weighted least squares with weights 1 / runMs².
    let [w, wn, wnn, wt, wnt] = [0, 0, 0, 0, 0];
    for (let k = 0; k < POINTS; k += 1) {
      const rows = 1 << k;
      const runMs = this.#runMs[k]!;
      const weight = 1 / runMs ** 2;
      w += weight;
      wn += weight * rows;
      wnn += weight * rows * rows;
      wt += weight * runMs;
      wnt += weight * rows * runMs;
    }
    const perRowMs = (w * wnt - wn * wt) / (w * wnn - wn * wn);
    const fixedMs = (wt - perRowMs * wn) / w;
    if (perRowMs <= 0) return { fixedMs: wt / w, perRowMs: 0 };
    return fixedMs >= 0 ? { fixedMs, perRowMs } : { fixedMs: 0, perRowMs: wnt / wnn };
  }

  #scalePoint(k: number, factor: number): void {
    this.#runMs[k]! *= factor;
    for (let at = k * RECENT; at < (k + 1) * RECENT; at += 1) this.#recentMs[at]! *= factor;
  }
}

function lowerPoint(rowCount: number): number {
  return Math.min(POINTS - 1, 31 - Math.clz32(rowCount));
}

/** By ratio: 5 rows are nearer to 4, 6 nearer to 8. */
function nearestPoint(rowCount: number): number {
  const k = lowerPoint(rowCount);
  return k < POINTS - 1 && rowCount * rowCount > 1 << (2 * k + 1) ? k + 1 : k;
}

const sorted = new Float64Array(RECENT);

/** Of the runs from `at` on; once a batch, so it makes no garbage. */
function median(recentMs: Float64Array, at: number): number {
  for (let index = 0; index < RECENT; index += 1) {
    const runMs = recentMs[at + index]!;
    let place = index;
    for (; place > 0 && sorted[place - 1]! > runMs; place -= 1) sorted[place] = sorted[place - 1]!;
    sorted[place] = runMs;
  }
  return sorted[RECENT >> 1]!;
}

/** On the line through the neighbouring samples, or through the last two for more rows than were timed. */
function interpolate(samples: readonly CostSample[], rowCount: number): number {
  const [first] = samples;
  const last = samples.at(-1)!;
  // Fewer rows than were timed: the fixed part is not known, so a run costs no less.
  if (rowCount <= first!.rowCount) return first!.durationMs;
  if (samples.length === 1) return (last.durationMs * rowCount) / last.rowCount;
  const found = samples.findIndex((sample) => sample.rowCount >= rowCount);
  const high = found === -1 ? last : samples[found]!;
  const low = samples[(found === -1 ? samples.length : found + 1) - 2]!;
  const share = (rowCount - low.rowCount) / (high.rowCount - low.rowCount);
  const durationMs = low.durationMs + share * (high.durationMs - low.durationMs);
  return found === -1 ? Math.max(last.durationMs, durationMs) : durationMs;
}
