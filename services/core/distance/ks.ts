/**
 * The two-sample Kolmogorov–Smirnov distance, from two sketches.
 *
 *     D = sup over x of |F(x) − G(x)|
 *
 * F and G are the cumulative distributions of the finite values of reference and window. Both curves
 * are straight between their knots, so the supremum lies at a knot of either, just before or at it;
 * both limits are taken, which makes it exact for the curves, and exact for the samples where the
 * sketches still hold every distinct value. A distance in shares, not a p-value. Range [0, 1],
 * symmetric, 0 on identical inputs. Time depends on the compression, not on the counts.
 *
 * Source: N. Smirnov, "Table for estimating the goodness of fit of empirical distributions", 1948.
 */
import type { NumericSketch } from '../sketch/numeric-sketch.ts';
import { type JoinedCurves, joinCurves } from './joined-curves.ts';

/**
 * Missing values, NaN and infinities are left out: their rates are distances of their own. 0 where
 * either side has no finite value, since nothing then speaks for a difference; whether there is
 * enough to judge by is for the caller to ask of `count`.
 */
export function ks(reference: NumericSketch, window: NumericSketch): number {
  return ksOfCurves(joinCurves(reference, window));
}

export function ksOfCurves(curves: JoinedCurves): number {
  const { count, referenceBelow, referenceAbove, windowBelow, windowAbove } = curves;
  let distance = 0;
  for (let index = 0; index < count; index++) {
    const before = Math.abs(referenceBelow[index]! - windowBelow[index]!);
    const at = Math.abs(referenceAbove[index]! - windowAbove[index]!);
    distance = Math.max(distance, before, at);
  }
  return distance;
}
