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
import type { CumulativeCurve } from '../sketch/cumulative-curve.ts';
import type { NumericSketch } from '../sketch/numeric-sketch.ts';

/**
 * Missing values, NaN and infinities are left out: their rates are distances of their own. 0 where
 * either side has no finite value, since nothing then speaks for a difference; whether there is
 * enough to judge by is for the caller to ask of `count`.
 */
export function ks(reference: NumericSketch, window: NumericSketch): number {
  if (reference.count === 0 || window.count === 0) return 0;
  return distanceOf(reference.digest.curve(), window.digest.curve());
}

/** One walk over the positions of both. */
function distanceOf(left: CumulativeCurve, right: CumulativeCurve): number {
  let distance = 0;
  let leftAt = 0;
  let rightAt = 0;
  while (leftAt < left.positions.length || rightAt < right.positions.length) {
    const x = Math.min(left.positions[leftAt] ?? Infinity, right.positions[rightAt] ?? Infinity);
    const before = Math.abs(left.belowFrom(leftAt, x) - right.belowFrom(rightAt, x));
    while (left.positions[leftAt] === x) leftAt++;
    while (right.positions[rightAt] === x) rightAt++;
    const at = Math.abs(left.atOrBelowFrom(leftAt, x) - right.atOrBelowFrom(rightAt, x));
    distance = Math.max(distance, before, at);
  }
  return distance;
}
