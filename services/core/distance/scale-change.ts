/**
 * How much wider or narrower a numeric column became, with its direction.
 *
 *     change = (s of the window − s of the reference) / the larger of both
 *
 * s is the standard deviation, or for `robustScaleChange` the first of IQR, the width from the 5 % to
 * the 95 % quantile, and the standard deviation that is not 0 on both sides. Of finite values, free of
 * unit, range [−1, 1]: 0.5 is twice as wide, −0.5 half as wide, 1 a constant that began to vary. It is
 * 0 on identical inputs, where both are constant and where either side has no finite value; swapping
 * the sides changes its sign only. Divided by the larger, and no ratio, so that a constant side gives
 * a number. One outlier moves the plain one and hardly the robust one.
 *
 * Source: the deviation of the ratio of scales from 1; M. B. Brown, A. B. Forsythe, "Robust tests for
 * the equality of variances", 1974, for why a robust one is needed.
 */
import type { NumericSketch } from '../sketch/numeric-sketch.ts';
import { spreadsOf } from './robust-scale.ts';

export function scaleChange(reference: NumericSketch, window: NumericSketch): number {
  if (reference.count === 0 || window.count === 0) return 0;
  return change(deviationOf(reference), deviationOf(window));
}

export function robustScaleChange(reference: NumericSketch, window: NumericSketch): number {
  if (reference.count === 0 || window.count === 0) return 0;
  const windowSpreads = spreadsOf(window);
  for (const [index, referenceSpread] of spreadsOf(reference).entries()) {
    const windowSpread = windowSpreads[index]!;
    if (referenceSpread > 0 || windowSpread > 0) return change(referenceSpread, windowSpread);
  }
  return 0;
}

function deviationOf(sketch: NumericSketch): number {
  return sketch.count < 2 ? 0 : sketch.standardDeviation;
}

function change(from: number, to: number): number {
  const larger = Math.max(from, to);
  return larger === 0 ? 0 : (to - from) / larger;
}
