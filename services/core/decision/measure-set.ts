/**
 * What is measured of a set of numeric columns: the correlation that moved most, the joint
 * distribution, and random projections. From two sketches, in time independent of n.
 *
 * `correlation`: the difference of Fisher's atanh r per pair, with the variance the reference says it
 * has (R. Fisher, 1921); Bonferroni over pairs. `joint`: the squared distance of the mean embeddings;
 * without drift a weighted sum of chi-square variables, read as the one with the same first three
 * cumulants (M. Buckley, G. Eagleson, "An approximation to the distribution of quadratic forms in
 * normal random variables", 1988). `projection`: each as a numeric column; Bonferroni over all of it.
 */
import { type CorrelationChange, correlationChanges } from '../distance/correlation-change.ts';
import { embeddingDifference, mmd } from '../distance/mmd.ts';
import type { SetSketch } from '../sketch/set-sketch.ts';
import { type ColumnCalibration, inflationAt } from './column-calibration.ts';
import { chiSquareQuantile, chiSquareTail } from './critical-value.ts';
import { FISHER_ROWS, fisher, isTooRare } from './fisher.ts';
import { measureNumeric } from './measure-numeric.ts';
import {
  type EffectFloors,
  effectiveCount,
  type Measurement,
  measureMeanDifference,
  STATISTIC_WEIGHTS,
} from './measurement.ts';
import { NORMAL_KURTOSIS, type SetVariation } from './set-variation.ts';

export interface SetMeasurement extends Measurement {
  /** Of the statistic `correlation`. */
  readonly change: CorrelationChange | null;
}

export interface SetComparison {
  /** Both of one specification. */
  readonly reference: SetSketch;
  readonly window: SetSketch;
  readonly variation: SetVariation;
  /** `null`: rows are taken as independent. */
  readonly calibration: ColumnCalibration | null;
  readonly floors: EffectFloors;
  /** Complete rows of the window below which nothing is measured. */
  readonly countMin: number;
}

export function measureSet(comparison: SetComparison): readonly SetMeasurement[] {
  const { reference, window, countMin } = comparison;
  // Fisher's transformation asks for more than three.
  if (window.count < Math.max(10, countMin) || reference.count < 10) return [];
  const measurements = [
    measureCorrelation(comparison),
    measureJoint(comparison),
    measureProjections(comparison),
  ];
  return measurements.filter((measurement) => measurement !== null);
}

function measureCorrelation(comparison: SetComparison): SetMeasurement | null {
  const { reference, window, variation, calibration, floors } = comparison;
  const inflation = inflationAt(calibration, 'correlation', window.count);
  const count = effectiveCount(window.count, inflation);
  const referenceCount = effectiveCount(
    reference.count,
    inflationAt(calibration, 'correlation', reference.count),
  );
  const pairs = correlationChanges(reference, window).flatMap((change) => {
    const { variance, skewness, kurtosis } = variation.pairs[change.index]!;
    if (isTooRare(kurtosis, count)) return [];
    const measurement = measureMeanDifference({
      name: 'correlation',
      difference: (fisher(change.now) - fisher(change.before)) / Math.sqrt(variance),
      effect: change.now - change.before,
      count: Math.max(1, count - FISHER_ROWS),
      referenceCount: Math.max(1, referenceCount - FISHER_ROWS),
      scoreShape: { skewness, excessKurtosis: Math.max(0, kurtosis - NORMAL_KURTOSIS) },
      clumping: inflation,
      valueCount: window.count,
      sketchError: 0,
      indifference: 0,
      effectMin: floors.correlation,
      subject: `${change.left}, ${change.right}`,
    });
    return [{ ...measurement, change }];
  });
  return mostTelling(pairs.map((measurement) => withShare(measurement, 1 / pairs.length)));
}

function measureJoint(comparison: SetComparison): SetMeasurement | null {
  const { reference, window, floors } = comparison;
  const scale = jointScale(comparison);
  if (scale === null) return null;
  const { distanceSquare, spread, precision, degrees, unit } = scale;
  const chiSquare = Math.max(0, degrees + (distanceSquare * precision - spread) * unit);
  return {
    name: 'joint',
    statistic: chiSquare,
    effect: mmd(reference, window),
    effectMin: floors.joint,
    pValue: chiSquareTail(chiSquare, degrees),
    weight: STATISTIC_WEIGHTS.joint,
    criticalValue: (alpha) => chiSquareQuantile(alpha, degrees),
    subject: null,
    change: null,
  };
}

/** The maximum mean discrepancy at which the statistic `joint` reaches its critical value. */
export function criticalMmd(comparison: SetComparison, criticalValue: number): number {
  const scale = jointScale(comparison);
  if (scale === null) return 0;
  const { spread, windowSpread, precision, degrees, unit } = scale;
  const distanceSquare = ((criticalValue - degrees) / unit + spread) / precision;
  const { reference, window } = comparison;
  const bias = spread / (reference.count - 1) + windowSpread / (window.count - 1);
  return Math.sqrt(Math.max(0, distanceSquare - bias));
}

/** How a squared distance is read as a chi-square; `null` where rows do not differ. */
function jointScale({ reference, window, variation, calibration }: SetComparison) {
  const { squareTrace, cubeTrace } = variation;
  const difference = embeddingDifference(reference, window);
  if (difference.spread <= 0 || squareTrace <= 0 || cubeTrace <= 0) return null;
  const precision =
    1 /
    (1 / effectiveCount(window.count, inflationAt(calibration, 'joint', window.count)) +
      1 / effectiveCount(reference.count, inflationAt(calibration, 'joint', reference.count)));
  const degrees = squareTrace ** 3 / cubeTrace ** 2;
  return { ...difference, precision, degrees, unit: Math.sqrt(degrees / squareTrace) };
}

function measureProjections(comparison: SetComparison): SetMeasurement | null {
  const { reference, window, calibration, floors, countMin } = comparison;
  const all = reference.projections.flatMap((projection, index) =>
    measureNumeric({
      reference: projection,
      window: window.projections[index]!,
      calibration,
      floors,
      countMin,
    }).filter(({ name }) => name !== 'missing' && name !== 'not_finite'),
  );
  const weightSum = all.reduce((sum, { weight }) => sum + weight, 0);
  return mostTelling(
    all.map((measurement) => ({
      ...withShare(measurement, measurement.weight / weightSum),
      name: 'projection' as const,
      weight: STATISTIC_WEIGHTS.projection,
      subject: measurement.name,
      change: null,
    })),
  );
}

/** One of several tests that share a budget, as the one test they are together (Bonferroni). */
function withShare<M extends Measurement>(measurement: M, share: number): M {
  return {
    ...measurement,
    pValue: Math.min(1, measurement.pValue / share),
    criticalValue: (alpha: number) => measurement.criticalValue(alpha * share),
  };
}

/** The least probable of those that matter, else of all; `null` where there are none. */
function mostTelling<M extends Measurement>(candidates: readonly M[]): M | null {
  const large = candidates.filter(({ effect, effectMin }) => Math.abs(effect) >= effectMin);
  let most: M | null = null;
  for (const candidate of large.length > 0 ? large : candidates) {
    if (most === null || candidate.pValue < most.pValue) most = candidate;
  }
  return most;
}
