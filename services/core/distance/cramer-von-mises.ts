/**
 * The two-sample Cramér–von Mises distance, from two sketches.
 *
 *     ω² = ∫ (F(x) − G(x))² dH(x),   H = (n F + m G) / (n + m)
 *
 * F and G are the cumulative distributions of the finite values of reference and window, n and m
 * their counts, H the distribution of both pooled. Where H is straight the integral is exact for the
 * curves; at a step it takes the mean of the squares on its two sides, which for samples without ties
 * is the textbook sum over all pooled values. The test statistic is T = ω² n m / (n + m).
 *
 * A squared distance in shares. Range [0, 1/2], symmetric, 0 on identical inputs and where either
 * side has no finite value. Deaf to how far an outlier lies.
 *
 * Source: T. W. Anderson, "On the distribution of the two-sample Cramér–von Mises criterion", 1962.
 */
import type { JoinedCurves } from './joined-curves.ts';

export function cramerVonMises(curves: JoinedCurves): number {
  const { count, referenceBelow, referenceAbove, windowBelow, windowAbove } = curves;
  const total = curves.referenceCount + curves.windowCount;
  const referenceShare = curves.referenceCount / total;
  const windowShare = curves.windowCount / total;
  const pooled = (reference: number, window: number) =>
    referenceShare * reference + windowShare * window;
  let sum = 0;
  let from = 0;
  let pooledFrom = 0;
  for (let index = 0; index < count; index++) {
    const below = referenceBelow[index]! - windowBelow[index]!;
    const above = referenceAbove[index]! - windowAbove[index]!;
    const pooledBelow = pooled(referenceBelow[index]!, windowBelow[index]!);
    const pooledAbove = pooled(referenceAbove[index]!, windowAbove[index]!);
    const straight = (from * from + from * below + below * below) / 3;
    const step = (below * below + above * above) / 2;
    sum += (pooledBelow - pooledFrom) * straight + (pooledAbove - pooledBelow) * step;
    from = above;
    pooledFrom = pooledAbove;
  }
  return Math.min(sum, 0.5);
}
