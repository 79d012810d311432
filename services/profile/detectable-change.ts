/**
 * What it would take for the decision under a false-alarm budget to say "drift": the smallest change
 * of a column that a window of a given size alarms at.
 *
 * Found by asking the decision itself: windows are made out of the reference, moved further and
 * further, until one alarms. A column of numbers moves along its own quantiles, as a normal column
 * would by so many standard deviations, so the answer does not depend on its shape; one of categories
 * by values that become its most frequent one.
 */
import { shareBudget } from '../core/decision/budget.ts';
import type { ColumnCalibration } from '../core/decision/column-calibration.ts';
import { normalQuantile, normalTail } from '../core/decision/critical-value.ts';
import { measureCategorical } from '../core/decision/measure-categorical.ts';
import { measureNumeric } from '../core/decision/measure-numeric.ts';
import { EFFECT_FLOORS, type Measurement } from '../core/decision/measurement.ts';
import { rowCount as rowsOf } from '../core/decision/numeric-column.ts';
import { CategoricalSketch } from '../core/sketch/categorical-sketch.ts';
import type { ColumnSketch } from '../core/sketch/column-sketch.ts';
import { NumericSketch } from '../core/sketch/numeric-sketch.ts';
import { TDigest } from '../core/sketch/t-digest.ts';

export interface DetectableChange {
  /**
   * Of a column of numbers, in standard deviations of a normal one; `null` where no shift within the
   * values of the reference is found: a constant has none.
   */
  readonly shift: number | null;
  /**
   * Share of the values that must lie elsewhere: the Kolmogorov–Smirnov distance, or the change of
   * the most frequent category's share. More than 1: the window cannot alarm.
   */
  readonly distance: number;
  /** Of a categorical column, its most frequent one. */
  readonly category: { readonly name: string; readonly share: number } | null;
}

export interface DetectableOptions {
  readonly reference: ColumnSketch;
  readonly calibration: ColumnCalibration | null;
  /** Rows of the window. */
  readonly rowCount: number;
  /** The column's part of the window's budget. */
  readonly alpha: number;
}

/** A normal column shifted by more has nothing in common with what it was. */
const SHIFT_MAX = 6;
/** Points of the distribution that a window is made of. */
const POINTS = 500;
const BISECTIONS = 12;
/** A distance that no window can have. */
const BEYOND_REACH = 2;

/** Missing values are as frequent as in the reference throughout. */
export function detectableChange(options: DetectableOptions): DetectableChange {
  const { reference } = options;
  return reference.kind === 'numeric'
    ? numericChange(options, reference)
    : categoricalChange(options, reference);
}

/** What a shift by so many standard deviations is as a Kolmogorov–Smirnov distance. */
export function distanceOfShift(shift: number): number {
  return 1 - 2 * normalTail(shift / 2);
}

function numericChange(options: DetectableOptions, reference: NumericSketch): DetectableChange {
  if (reference.count === 0) return { shift: null, distance: BEYOND_REACH, category: null };
  const measure = (window: NumericSketch) =>
    measureNumeric({ ...options, reference, window, floors: EFFECT_FLOORS, countMin: 1 });
  const alarms = (direction: number) => (size: number) =>
    exceeds(measure(shifted(reference, options.rowCount, direction * size)), options.alpha);
  const shifts = [1, -1].map((direction) => smallest(alarms(direction), SHIFT_MAX));
  const found = shifts.filter((shift) => shift !== null);
  const shift = found.length === 0 ? null : Math.min(...found);
  const byKs = ksNeeded(measure(beyond(reference, options.rowCount)), options.alpha);
  const byShift = shift === null ? BEYOND_REACH : distanceOfShift(shift);
  return { shift, distance: Math.min(byKs, byShift), category: null };
}

function categoricalChange(
  options: DetectableOptions,
  reference: CategoricalSketch,
): DetectableChange {
  const ranked = [...reference.counts].sort(([, left], [, right]) => right - left);
  const top = ranked[0];
  if (top === undefined) return { shift: null, distance: BEYOND_REACH, category: null };
  const share = top[1] / reference.count;
  // Where most values are one category there is more room for it to become rarer.
  const room = Math.max(share, 1 - share);
  const alarms = (change: number) => {
    const window = remixed(reference, {
      rowCount: options.rowCount,
      top: top[0],
      share: share >= 0.5 ? share - change : share + change,
    });
    const measured = { ...options, reference, window, floors: EFFECT_FLOORS, countMin: 1 };
    return exceeds(measureCategorical(measured), options.alpha);
  };
  return {
    shift: null,
    distance: smallest(alarms, room) ?? BEYOND_REACH,
    category: { name: top[0], share },
  };
}

/** As `judgeColumn` does, with the same parts of the budget. */
function exceeds(measurements: readonly Measurement[], alpha: number): boolean {
  const alphas = shareBudget(
    alpha,
    measurements.map(({ weight }) => weight),
  );
  return measurements.some(
    ({ effect, effectMin, pValue }, index) =>
      Math.abs(effect) >= effectMin && pValue <= alphas[index]!,
  );
}

/** Of a window that has nothing in common with the reference, scaled down to where it just alarms. */
function ksNeeded(measurements: readonly Measurement[], alpha: number): number {
  const alphas = shareBudget(
    alpha,
    measurements.map(({ weight }) => weight),
  );
  for (const [index, { name, statistic, effect, effectMin, ...ks }] of measurements.entries()) {
    if (name !== 'ks' || statistic === 0) continue;
    return Math.max(effectMin, (ks.criticalValue(alphas[index]!) * effect) / statistic);
  }
  return BEYOND_REACH;
}

/** The smallest size up to `most` that alarms; `null` where not even that does. */
function smallest(alarms: (size: number) => boolean, most: number): number | null {
  if (!alarms(most)) return null;
  let low = 0;
  let high = most;
  for (let step = 0; step < BISECTIONS; step += 1) {
    const middle = (low + high) / 2;
    if (alarms(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** Windows of the reference's own values, each where a normal column's would lie after the shift. */
function shifted(reference: NumericSketch, rowCount: number, shift: number): NumericSketch {
  return numericWindow(reference, rowCount, (q) =>
    reference.quantile(1 - normalTail(shift - normalQuantile(q))),
  );
}

function beyond(reference: NumericSketch, rowCount: number): NumericSketch {
  const above = reference.maximum + Math.max(1, Math.abs(reference.maximum));
  return numericWindow(reference, rowCount, () => Math.min(above, Number.MAX_VALUE));
}

function numericWindow(
  reference: NumericSketch,
  rowCount: number,
  valueAt: (q: number) => number,
): NumericSketch {
  const digest = new TDigest();
  const share = reference.count / rowsOf(reference);
  const count = Math.max(1, Math.round(rowCount * share));
  const points = Math.min(POINTS, count);
  for (let point = 0; point < points; point += 1) {
    const weight =
      Math.floor(((point + 1) * count) / points) - Math.floor((point * count) / points);
    digest.add(valueAt((point + 0.5) / points), weight);
  }
  const window = new NumericSketch(digest);
  window.addMissing(Math.max(0, rowCount - count));
  return window;
}

/** The most frequent category has the share, the others what is left, in proportion. */
function remixed(
  reference: CategoricalSketch,
  window: { readonly rowCount: number; readonly top: string; readonly share: number },
): CategoricalSketch {
  const rows = reference.count + reference.missingCount;
  const count = (window.rowCount * reference.count) / rows;
  const topCount = reference.counts.get(window.top) ?? 0;
  const others = Math.max(1, reference.count - topCount);
  const left = (count * (1 - window.share)) / others;
  const counts = new Map<string, number>();
  for (const [category, seen] of reference.counts) {
    const kept = category === window.top ? count * window.share : seen * left;
    if (kept > 0) counts.set(category, kept);
  }
  const held = [...counts.values()].reduce((sum, kept) => sum + kept, 0);
  // Where there is no other category the values are new ones.
  const otherCount = Math.max(0, count - held);
  return CategoricalSketch.restore({
    missingCount: window.rowCount - count,
    otherCount,
    counts,
  });
}
