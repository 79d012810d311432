/**
 * How far the correlations of a set of numeric columns moved: by pair, and the most.
 *
 *     D = max over pairs of |r of the window − r of the reference|
 *
 * r is Pearson's coefficient of the standardised values, clipped at some scales from the centre (see
 * set-specification.ts), over the rows complete in all columns; so it is the plain one where no value
 * lies far out, and one outlier does not move it. Free of unit, range [0, 2], symmetric, 0 on
 * identical inputs. A pair with a column that is constant on either side has no correlation there and
 * is left out; 0 where no pair is left.
 *
 * Source: K. Pearson, "Regression, heredity and panmixia", 1896; the clipping is C. Winsor's, in
 * J. W. Tukey, "The future of data analysis", 1962.
 */

import { isSameSet, type SetSketch } from '../sketch/set-sketch.ts';
import { VALUE_UNITS } from '../sketch/set-specification.ts';
import { corrupt } from '../sketch/sketch-bytes.ts';

/** A variance, in squared scales, below which rounding is most of it. */
const VARIANCE_MIN = 1e-4;

export interface CorrelationChange {
  /** Names of two columns, in the specification's order. */
  readonly left: string;
  readonly right: string;
  /** Where the pair stands in `correlations`. */
  readonly index: number;
  readonly before: number;
  readonly now: number;
}

/** By pair, (1, 0), (2, 0), (2, 1), (3, 0), …; NaN where there is none. */
export function correlations(sketch: SetSketch): Float64Array {
  const { count, sums, products } = sketch.state;
  const dimension = sums.length;
  const deviations = new Float64Array(dimension);
  const found = new Float64Array((dimension * (dimension - 1)) / 2);
  let at = 0;
  let pair = 0;
  for (let left = 0; left < dimension; left++) {
    const mean = sums[left]! / count;
    const variance = products[at + left]! / count - mean * mean;
    const isConstant = !(variance >= VARIANCE_MIN * VALUE_UNITS * VALUE_UNITS);
    deviations[left] = isConstant ? Number.NaN : Math.sqrt(variance);
    for (let right = 0; right < left; right++) {
      const covariance = products[at + right]! / count - mean * (sums[right]! / count);
      const r = covariance / (deviations[left]! * deviations[right]!);
      found[pair++] = Math.max(-1, Math.min(r, 1));
    }
    at += left + 1;
  }
  return found;
}

/** Every pair that has a correlation on both sides. */
export function correlationChanges(
  reference: SetSketch,
  window: SetSketch,
): readonly CorrelationChange[] {
  if (!isSameSet(reference, window)) throw corrupt('sets of two specifications cannot be compared');
  const { columns } = reference.specification;
  const before = correlations(reference);
  const now = correlations(window);
  const changes: CorrelationChange[] = [];
  let index = 0;
  for (let left = 1; left < columns.length; left++) {
    for (let right = 0; right < left; right++, index++) {
      const change = { index, before: before[index]!, now: now[index]! };
      if (Number.isNaN(change.before) || Number.isNaN(change.now)) continue;
      changes.push({ left: columns[right]!.name, right: columns[left]!.name, ...change });
    }
  }
  return changes;
}

/** The pair that moved most; `null` where no pair can be compared. */
export function mostChangedCorrelation(
  reference: SetSketch,
  window: SetSketch,
): CorrelationChange | null {
  let most: CorrelationChange | null = null;
  for (const change of correlationChanges(reference, window)) {
    if (most === null || sizeOf(change) > sizeOf(most)) most = change;
  }
  return most;
}

export function correlationChange(reference: SetSketch, window: SetSketch): number {
  const most = mostChangedCorrelation(reference, window);
  return most === null ? 0 : sizeOf(most);
}

function sizeOf({ before, now }: CorrelationChange): number {
  return Math.abs(now - before);
}
