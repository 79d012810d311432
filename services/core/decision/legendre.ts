/**
 * Location, spread, asymmetry and tails of a window as its reference sees them: the means of the
 * first four Legendre polynomials of u = F_ref(x) (J. Neyman, "Smooth test for goodness of fit",
 * 1937; the first is the Mann–Whitney statistic). Free of units, deaf to outliers, and computable
 * from two sketches.
 *
 * On tied data u is not one number: a value on a step of F_ref gets the *average* of the polynomial
 * over the step. Then the mean over the reference itself is exactly 0 in every column, and what the
 * ties take away from variance and independence is known from the reference alone. The scores are
 * made orthonormal under the reference (Gram–Schmidt, in order), so each statistic has variance 1
 * per value and says only what the ones before it do not; a column of two values has one statistic,
 * not four that repeat each other.
 *
 * A window's centroid is not put at its mean but spread as the curve spreads it: both curves are
 * straight between the positions of either, so a segment contributes its share of the window times
 * the average of the polynomial over the segment's stretch of u. Identical sketches give 0.
 */
import { type JoinedCurves, joinCurves } from '../distance/joined-curves.ts';
import type { NumericSketch } from '../sketch/numeric-sketch.ts';
import type { TailShape } from './critical-value.ts';

/** What the four tell, in order. */
export const LEGENDRE_NAMES = ['location', 'scale', 'skewness', 'tails'] as const;
export const LEGENDRE_DEGREES = LEGENDRE_NAMES.length;
const D = LEGENDRE_DEGREES;
/** A score with less variance than this of its own repeats the ones before it. */
const VARIANCE_MIN = 1e-5;
/** A stretch of u too short to divide by. */
const STRETCH_MIN = 1e-9;
/** Nodes of the two-point Gauss rule, from the middle, in units of the stretch. */
const GAUSS_OFFSET = 1 / (2 * Math.sqrt(3));

/** How the scores are distributed over the reference itself; computed once for a reference. */
export interface LegendreBaseline {
  /** Lower triangle by rows: orthonormal score j is the sum over k ≤ j of `transform[j · 4 + k]` times raw score k. */
  readonly transform: Float64Array;
  /** Of each raw score, what the ones before it do not explain: 1 on continuous data, 0: no statistic. */
  readonly variances: Float64Array;
  /** Of one orthonormal score. */
  readonly shapes: readonly TailShape[];
}

export function legendreBaseline(reference: NumericSketch): LegendreBaseline {
  const { count, referenceBelow, referenceAbove } = joinCurves(reference, reference);
  const moments = new Float64Array(D * D);
  const nodes: { readonly score: Float64Array; readonly share: number }[] = [];
  const take = (score: Float64Array, share: number) => {
    nodes.push({ score, share });
    for (let j = 0; j < D; j++) {
      for (let k = 0; k <= j; k++) moments[j * D + k]! += share * score[j]! * score[k]!;
    }
  };
  let before = 0;
  for (let index = 0; index < count; index++) {
    const below = referenceBelow[index]!;
    const above = referenceAbove[index]!;
    if (below > before) {
      const middle = (before + below) / 2;
      const offset = (below - before) * GAUSS_OFFSET;
      take(legendre(middle - offset), (below - before) / 2);
      take(legendre(middle + offset), (below - before) / 2);
    }
    if (above > below) take(averageLegendre(below, above), above - below);
    before = above;
  }
  const { transform, variances } = orthonormalise(moments);
  allowForUnseen(transform, variances, reference.count);
  const shapes: TailShape[] = [];
  for (let j = 0; j < D; j++) {
    let third = 0;
    let fourth = 0;
    for (const { score, share } of nodes) {
      const value = transformed(transform, score, j);
      third += share * value * value * value;
      fourth += share * value * value * value * value;
    }
    shapes.push({ skewness: third, excessKurtosis: variances[j] === 0 ? 0 : fourth - 3 });
  }
  return { transform, variances, shapes };
}

/**
 * What lies beyond `count` values has a share of about 1 / count and a score no value of the reference
 * has: at either end a polynomial of degree k is √(2k + 1). Of thousands of values that is nothing; of
 * a baseline of a dozen tied ones the fourth score has hardly a variance of its own, and a window next
 * to them would otherwise be a hundred of its standard deviations away.
 */
function allowForUnseen(transform: Float64Array, variances: Float64Array, count: number): void {
  for (let j = 0; j < D; j++) {
    const variance = variances[j]!;
    if (variance === 0) continue;
    const unseen = (2 * (j + 1) + 1) / count;
    const scale = Math.sqrt(variance / (variance + unseen));
    for (let k = 0; k <= j; k++) transform[j * D + k]! *= scale;
  }
}

/** Means of the four orthonormal scores over the window. */
export function legendreMeans(baseline: LegendreBaseline, curves: JoinedCurves): Float64Array {
  const { count, referenceBelow, referenceAbove, windowBelow, windowAbove } = curves;
  const raw = new Float64Array(D);
  const left = new Float64Array(D);
  const right = new Float64Array(D);
  let uBefore = 0;
  let shareBefore = 0;
  for (let index = 0; index < count; index++) {
    const below = referenceBelow[index]!;
    const above = referenceAbove[index]!;
    const stretch = windowBelow[index]! - shareBefore;
    if (stretch > 0) addAverage(raw, stretch, uBefore, below, left, right);
    const step = windowAbove[index]! - windowBelow[index]!;
    if (step > 0) addAverage(raw, step, below, above, left, right);
    uBefore = above;
    shareBefore = windowAbove[index]!;
  }
  const means = new Float64Array(D);
  for (let j = 0; j < D; j++) means[j] = transformed(baseline.transform, raw, j);
  return means;
}

/** Adds `share` times the average of each polynomial over [from, to]. */
function addAverage(
  sums: Float64Array,
  share: number,
  from: number,
  to: number,
  left: Float64Array,
  right: Float64Array,
): void {
  const width = to - from;
  if (width < STRETCH_MIN) {
    writeLegendre(left, (from + to) / 2);
    for (let k = 0; k < D; k++) sums[k]! += share * left[k]!;
    return;
  }
  writeIntegrals(left, from);
  writeIntegrals(right, to);
  const density = share / width;
  for (let k = 0; k < D; k++) sums[k]! += density * (right[k]! - left[k]!);
}

function averageLegendre(from: number, to: number): Float64Array {
  const average = new Float64Array(D);
  addAverage(average, 1, from, to, new Float64Array(D), new Float64Array(D));
  return average;
}

function legendre(u: number): Float64Array {
  const values = new Float64Array(D);
  writeLegendre(values, u);
  return values;
}

const NORM_2 = Math.sqrt(5);
const NORM_3 = Math.sqrt(7);

/** Shifted Legendre polynomials of degrees 1 to 4, of mean 0 and variance 1 for uniform u. */
function writeLegendre(values: Float64Array, u: number): void {
  const x = 2 * u - 1;
  const square = x * x;
  values[0] = Math.sqrt(3) * x;
  values[1] = NORM_2 * (1.5 * square - 0.5);
  values[2] = NORM_3 * x * (2.5 * square - 1.5);
  values[3] = 3 * ((4.375 * square - 3.75) * square + 0.375);
}

/** Their integrals over u, from (P_{k+1} − P_{k−1}) / (2k + 1) in x, halved for dx = 2 du. */
function writeIntegrals(values: Float64Array, u: number): void {
  const x = 2 * u - 1;
  const square = x * x;
  // Each vanishes at both ends: x² − 1 is a factor.
  const factor = (square - 1) / 2;
  values[0] = (Math.sqrt(3) / 2) * factor;
  values[1] = NORM_2 * 0.5 * x * factor;
  values[2] = NORM_3 * factor * (0.625 * square - 0.125);
  values[3] = 3 * factor * x * (0.875 * square - 0.375);
}

function transformed(transform: Float64Array, raw: Float64Array, j: number): number {
  let sum = 0;
  for (let k = 0; k <= j; k++) sum += transform[j * D + k]! * raw[k]!;
  return sum;
}

/** Gram–Schmidt on the matrix of second moments: the inverse of its Cholesky factor, row by row. */
function orthonormalise(moments: Float64Array): {
  readonly transform: Float64Array;
  readonly variances: Float64Array;
} {
  const moment = (j: number, k: number) => (j >= k ? moments[j * D + k]! : moments[k * D + j]!);
  const transform = new Float64Array(D * D);
  const variances = new Float64Array(D);
  for (let j = 0; j < D; j++) {
    const row = new Float64Array(D);
    row[j] = 1;
    let variance = moment(j, j);
    for (let before = 0; before < j; before++) {
      if (variances[before] === 0) continue;
      let projection = 0;
      for (let k = 0; k <= before; k++) projection += transform[before * D + k]! * moment(j, k);
      for (let k = 0; k <= before; k++) row[k]! -= projection * transform[before * D + k]!;
      variance -= projection * projection;
    }
    if (variance < VARIANCE_MIN) continue;
    variances[j] = variance;
    const scale = 1 / Math.sqrt(variance);
    for (let k = 0; k <= j; k++) transform[j * D + k] = row[k]! * scale;
  }
  return { transform, variances };
}
