/**
 * The shape of a drift over successive windows of one series: how it came about, and whether it passes.
 *
 * - `sudden`: from the level before to the level since within one window. A change in the midst of a
 *   window leaves that one in between, so one window may lie anywhere.
 * - `gradual`: the effect climbs over several windows, before the first drifting one, after it, or both.
 * - `temporary`: it drifted for a while and is back; said on the first windows afterwards.
 * - `periodic`: it comes and goes, three times or more, at about regular distance.
 *
 * A drift lasts until a window that does not drift has at most two thirds of its typical effect: one
 * that only flickers about its limit has not come back. What repeats is `periodic`, what is over
 * `temporary`; of one that goes on, two curves are fitted by least squares to the windows about its
 * onset, each of two levels: a jump with one window left out, and a climb along a straight line over
 * three windows or more. Both have four parameters, so the fits compare as they are. The one that
 * leaves clearly less unexplained names the shape; where noise or a stray window blurs both alike,
 * neither does.
 *
 * The last window is the present, so later windows may correct what was said: of a climb that is steep
 * beside the limit the first drifting window has seen only a jump. Nothing is said of a drift whose
 * onset is not in the history, or of fewer than `FIT_WINDOWS_MIN` windows.
 *
 * The kinds are those of J. Gama et al., "A survey on concept drift adaptation", 2014, section 2.2, and
 * J. Lu et al., "Learning under concept drift: a review", 2018, section 2.2: sudden, gradual and
 * incremental (one here, since both make the distance to a baseline climb), and reoccurring (`periodic`
 * where it is regular). The fit is two-phase regression: D. V. Hinkley, "Inference in two-phase
 * regression", 1971.
 */
export const DRIFT_SHAPES = ['sudden', 'gradual', 'periodic', 'temporary'] as const;
export type DriftShape = (typeof DRIFT_SHAPES)[number];

/** A window that was judged. */
export interface DriftStep {
  /** How far it is from the baseline, without direction, on one scale over all windows. */
  readonly effect: number;
  readonly drifting: boolean;
}

/** As long as a history may be; what a longer one begins with is not looked at. */
export const SHAPE_WINDOWS_MAX = 64;

/** Of a drift's typical effect: a window that does not drift has come back at or below. */
const BACK_MAX = 2 / 3;
/** Windows after a drift, or after the last of a periodic one, that still say what it was. */
const AFTERMATH_WINDOWS = 5;
/** Drifts that make a period, and the latest of them that must be regular. */
const PERIODIC_DRIFTS_MIN = 3;
const PERIODIC_DRIFTS_MAX = 5;
/** The distances of two drifts that follow each other may differ by this part of their median, or by 1. */
const PERIOD_TOLERANCE = 1 / 3;
/** Windows before and after the onset that a curve is fitted to. */
const FIT_REACH_WINDOWS = 16;
const FIT_WINDOWS_MIN = 6;
const FIT_PARAMETERS = 4;
/** Of the sum of squares: less is rounding. */
const EXACTNESS = 1e-9;
/** A climb that takes fewer steps than this is a jump that a window straddles. */
const CLIMB_STEPS_MIN = 3;
/**
 * How many times its own variance the better curve must be ahead of the other. Of 200 series each of
 * normals that shift by 0.3 to 1.2 σ at once (jump) or over 5 to 16 windows (climb), with KS distances
 * as effects, so many were named sudden / gradual / neither two windows after the first drifting one;
 * five after, no climb is called sudden any more, whatever the number.
 *
 * | evidence | jump, n = 500 | climb, n = 500 | jump, n = 2 000 | climb, n = 2 000 |
 * |---|---|---|---|---|
 * | 1 | 185 / 10 / 5 | 35 / 144 / 21 | 200 / 0 / 0 | 23 / 168 / 9 |
 * | 2 | 184 / 8 / 8 | 28 / 132 / 40 | 200 / 0 / 0 | 20 / 159 / 21 |
 * | 4 | 181 / 4 / 15 | 19 / 110 / 71 | 200 / 0 / 0 | 16 / 150 / 34 |
 * | 8 | 163 / 1 / 36 | 8 / 73 / 119 | 198 / 0 / 2 | 5 / 125 / 70 |
 */
const EVIDENCE_MIN = 4;

/** Oldest first, without windows that could not be judged; the last is the present. */
export function driftShape(history: readonly DriftStep[]): DriftShape | null {
  const steps = history.slice(-SHAPE_WINDOWS_MAX);
  const drifts = driftsOf(steps);
  const last = drifts.at(-1);
  if (last === undefined) return null;
  const isBack = last.end < steps.length;
  if (!isBack && !steps.at(-1)!.drifting) return null;
  if (isBack && steps.length - last.end > AFTERMATH_WINDOWS) return null;
  if (isPeriodic(drifts, steps.length)) return 'periodic';
  if (isBack) return 'temporary';
  return onsetShape(steps, drifts);
}

/** Windows from `start` to before `end`, which is the number of windows while it lasts. */
interface Drift {
  readonly start: number;
  readonly end: number;
}

function driftsOf(steps: readonly DriftStep[]): readonly Drift[] {
  const drifts: Drift[] = [];
  let start = -1;
  let effects: number[] = [];
  for (const [index, { effect, drifting }] of steps.entries()) {
    if (drifting) {
      if (start < 0) start = index;
      effects.push(effect);
    } else if (start >= 0 && effect <= BACK_MAX * median(effects)) {
      drifts.push({ start, end: index });
      start = -1;
      effects = [];
    }
  }
  return start < 0 ? drifts : [...drifts, { start, end: steps.length }];
}

function isPeriodic(drifts: readonly Drift[], now: number): boolean {
  if (drifts.length < PERIODIC_DRIFTS_MIN) return false;
  const latest = drifts.slice(-PERIODIC_DRIFTS_MAX);
  const distances = latest.slice(1).map(({ start }, index) => start - latest[index]!.start);
  const period = median(distances);
  const tolerance = Math.max(1, PERIOD_TOLERANCE * period);
  if (Math.max(...distances) - Math.min(...distances) > tolerance) return false;
  // One that outlasts its period has stayed.
  const { start, end } = drifts.at(-1)!;
  return Math.min(end, now) - start <= period;
}

function onsetShape(steps: readonly DriftStep[], drifts: readonly Drift[]): DriftShape | null {
  const { start } = drifts.at(-1)!;
  const isQuiet = (index: number) =>
    drifts.every((drift) => index < drift.start || index >= drift.end);
  const before = steps.slice(0, start).filter((_, index) => isQuiet(index));
  const since = steps.slice(start, start + FIT_REACH_WINDOWS);
  const fitted = [...before.slice(-FIT_REACH_WINDOWS), ...since];
  if (before.length === 0 || fitted.length < FIT_WINDOWS_MIN) return null;
  return fittedShape(fitted.map(({ effect }) => effect));
}

function fittedShape(effects: readonly number[]): DriftShape | null {
  const sums = prefixSums(effects);
  const jump = jumpResidual(sums);
  const climb = climbResidual(sums);
  // Rounding must not decide between two curves that both fit exactly.
  const ahead = EXACTNESS * sums.squares[effects.length]!;
  const degrees = effects.length - FIT_PARAMETERS;
  if (climb - jump > (EVIDENCE_MIN * jump) / degrees + ahead) return 'sudden';
  if (jump - climb > (EVIDENCE_MIN * climb) / degrees + ahead) return 'gradual';
  return null;
}

/** Of the first so many effects, less the first effect: of themselves, of squares, times the index. */
interface PrefixSums {
  readonly length: number;
  readonly effects: Float64Array;
  readonly squares: Float64Array;
  readonly moments: Float64Array;
}

function prefixSums(values: readonly number[]): PrefixSums {
  const { length } = values;
  const effects = new Float64Array(length + 1);
  const squares = new Float64Array(length + 1);
  const moments = new Float64Array(length + 1);
  for (let index = 0; index < length; index++) {
    const effect = values[index]! - values[0]!;
    effects[index + 1] = effects[index]! + effect;
    squares[index + 1] = squares[index]! + effect * effect;
    moments[index + 1] = moments[index]! + index * effect;
  }
  return { length, effects, squares, moments };
}

/** Squares that the best jump leaves: a level up to a window, any value there, a level after it. */
function jumpResidual(sums: PrefixSums): number {
  let least = Infinity;
  for (let left = 1; left < sums.length; left++) {
    least = Math.min(
      least,
      levelResidual(sums, 0, left) + levelResidual(sums, left + 1, sums.length),
    );
  }
  return least;
}

/** About the mean of the windows from `from` to before `to`. */
function levelResidual({ effects, squares }: PrefixSums, from: number, to: number): number {
  if (to <= from) return 0;
  const sum = effects[to]! - effects[from]!;
  return Math.max(0, squares[to]! - squares[from]! - (sum * sum) / (to - from));
}

/**
 * Squares that the best climb leaves: a level up to `foot`, a straight line to `top`, a level from
 * there. Regression on a ramp from 0 to 1; a climb still going on has its top at the last window.
 */
function climbResidual(sums: PrefixSums): number {
  const { length, effects, moments } = sums;
  const total = effects[length]!;
  const spread = levelResidual(sums, 0, length);
  let least = spread;
  for (let foot = 0; foot < length; foot++) {
    for (let top = foot + CLIMB_STEPS_MIN; top < length; top++) {
      const width = top - foot;
      const rampSum = (width - 1) / 2 + length - top;
      const rampSquares = ((width - 1) * (2 * width - 1)) / (6 * width) + length - top;
      const within = effects[top]! - effects[foot]!;
      const climbing = (moments[top]! - moments[foot]! - foot * within) / width;
      const product = climbing + total - effects[top]! - (rampSum * total) / length;
      if (product <= 0) continue;
      const rampSpread = rampSquares - (rampSum * rampSum) / length;
      least = Math.min(least, spread - (product * product) / rampSpread);
    }
  }
  return Math.max(0, least);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >>> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
