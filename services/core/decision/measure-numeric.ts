/**
 * What is measured of a numeric column: four Legendre means, the Kolmogorov–Smirnov distance, and
 * the shares of missing and of not finite values. From two sketches, in time independent of n.
 */
import { type JoinedCurves, joinCurves } from '../distance/joined-curves.ts';
import { ksOfCurves } from '../distance/ks.ts';
import type { NumericSketch } from '../sketch/numeric-sketch.ts';
import { type ColumnCalibration, inflationAt } from './column-calibration.ts';
import { kolmogorovQuantile, kolmogorovTail, normalQuantile } from './critical-value.ts';
import {
  LEGENDRE_DEGREES,
  LEGENDRE_NAMES,
  type LegendreBaseline,
  legendreBaseline,
  legendreMeans,
} from './legendre.ts';
import { measureShare } from './measure-share.ts';
import {
  type EffectFloors,
  effectiveCount,
  type Measurement,
  measureMeanDifference,
  SCORE_INDIFFERENCE,
  STATISTIC_WEIGHTS,
} from './measurement.ts';
import { notFiniteCount, rowCount } from './numeric-column.ts';

/**
 * Rank error of a sketch, as a standard error: the worst over 999 quantiles and 100 seeds is 5e-4.
 * It changes sign from centroid to centroid, so a mean of scores feels less of it.
 */
export const RANK_ERROR = 2e-4;
export const RANK_ERROR_MAX = 5e-4;
/** Root of the mean square of a Legendre polynomial's slope: how rank error becomes score error. */
const SLOPES = [1, 2, 3, 4].map((k) => Math.sqrt(2 * k * (k + 1) * (2 * k + 1)));
/**
 * A score that varies little under the reference (nearly all values alike) is not stretched to full
 * size in the *effect*: one row in a hundred must not look like a large shift.
 */
const EFFECT_VARIANCE_MIN = 0.25;

export interface NumericComparison {
  readonly reference: NumericSketch;
  readonly window: NumericSketch;
  readonly calibration: ColumnCalibration | null;
  readonly floors: EffectFloors;
  /** Finite values of the window below which only shares of rows are measured. */
  readonly countMin: number;
}

export function measureNumeric(comparison: NumericComparison): readonly Measurement[] {
  const { reference, window, calibration, floors, countMin } = comparison;
  const measurements: Measurement[] = [];
  if (window.count >= Math.max(1, countMin) && reference.count > 0) {
    const curves = joinCurves(reference, window);
    measurements.push(...measureLegendre(comparison, curves));
    measurements.push(measureKs(comparison, curves));
  }
  const rows = rowCount(window);
  const referenceRows = rowCount(reference);
  if (rows < Math.max(1, countMin) || referenceRows === 0) return measurements;
  const options = { total: rows, referenceTotal: referenceRows, calibration, floors };
  measurements.push(
    measureShare({
      ...options,
      name: 'missing',
      count: window.missingCount,
      referenceCount: reference.missingCount,
    }),
    measureShare({
      ...options,
      name: 'not_finite',
      count: notFiniteCount(window),
      referenceCount: notFiniteCount(reference),
    }),
  );
  return measurements;
}

function measureLegendre(comparison: NumericComparison, curves: JoinedCurves): Measurement[] {
  const { reference, window, calibration, floors } = comparison;
  const baseline = baselineOf(reference);
  const means = legendreMeans(baseline, curves);
  const inflations = LEGENDRE_NAMES.map((name) => inflationAt(calibration, name, window.count));
  const clumping = Math.max(...inflations);
  const measurements: Measurement[] = [];
  for (let degree = 0; degree < LEGENDRE_DEGREES; degree++) {
    const variance = baseline.variances[degree]!;
    // Not a statistic of this reference; its share of the budget goes to the others.
    if (variance === 0) continue;
    const name = LEGENDRE_NAMES[degree]!;
    const difference = means[degree]!;
    measurements.push(
      measureMeanDifference({
        name,
        difference,
        effect: effectOf(
          name,
          difference * Math.sqrt(variance / Math.max(variance, EFFECT_VARIANCE_MIN)),
        ),
        count: effectiveCount(window.count, inflations[degree]!),
        referenceCount: effectiveCount(
          reference.count,
          inflationAt(calibration, name, reference.count),
        ),
        scoreShape: baseline.shapes[degree]!,
        clumping,
        valueCount: window.count,
        sketchError: RANK_ERROR * SLOPES[degree]!,
        indifference: SCORE_INDIFFERENCE,
        effectMin: floors[name],
      }),
    );
  }
  return measurements;
}

/** By sketch: what a reference looks like to itself, as long as nothing is added to it. */
const baselines = new WeakMap<
  NumericSketch,
  { readonly count: number; readonly baseline: LegendreBaseline }
>();

/** A cache and nothing else: the baseline is a function of the sketch's content. */
export function baselineOf(reference: NumericSketch): LegendreBaseline {
  const known = baselines.get(reference);
  if (known !== undefined && known.count === reference.count) return known.baseline;
  const baseline = legendreBaseline(reference);
  baselines.set(reference, { count: reference.count, baseline });
  return baseline;
}

/** From a score's mean to a number a person has a feeling for. */
function effectOf(name: (typeof LEGENDRE_NAMES)[number], mean: number): number {
  if (name === 'location') return locationShift(mean);
  if (name === 'scale') return scaleChange(mean);
  return mean;
}

/** The shift of a normal column, in its standard deviations, that gives this mean of the first score. */
export function locationShift(mean: number): number {
  // P(window > reference) = Φ(shift / √2).
  const superiority = 0.5 + mean / (2 * Math.sqrt(3));
  return -Math.SQRT2 * normalQuantile(Math.min(1 - 1e-12, Math.max(1e-12, superiority)));
}

/** Logarithm of the scale factor of a normal column that gives this mean of the second score. */
export function scaleChange(mean: number): number {
  // E[Φ(aZ)²] = 1/4 + asin(a² / (1 + a²)) / 2π.
  const square = (mean / Math.sqrt(5) + 2) / 6;
  const sine = Math.sin(Math.min(Math.PI / 2, Math.max(0, 2 * Math.PI * (square - 0.25))));
  const ratio = Math.min(1e6, Math.max(1e-6, sine / Math.max(1e-12, 1 - sine)));
  return Math.log(ratio) / 2;
}

function measureKs(
  { reference, window, calibration, floors }: NumericComparison,
  curves: JoinedCurves,
): Measurement {
  const distance = ksOfCurves(curves);
  const count = effectiveCount(window.count, inflationAt(calibration, 'ks', window.count));
  const referenceCount = effectiveCount(
    reference.count,
    inflationAt(calibration, 'ks', reference.count),
  );
  const scale = Math.sqrt((count * referenceCount) / (count + referenceCount));
  // Each curve is off by its rank error, and the supremum looks for the place where that adds up.
  const bias = 2 * RANK_ERROR_MAX;
  return {
    name: 'ks',
    statistic: scale * distance,
    effect: distance,
    effectMin: floors.ks,
    pValue: kolmogorovTail(scale * Math.max(0, distance - bias)),
    weight: STATISTIC_WEIGHTS.ks,
    criticalValue: (alpha) => kolmogorovQuantile(alpha) + scale * bias,
    subject: null,
  };
}
