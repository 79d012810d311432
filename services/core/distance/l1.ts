/**
 * The L1 distance (D1), over bins.
 *
 *     D = Σ over bins of |p − q|
 *
 * p and q are the shares of reference and window; numeric columns are binned by quantiles of the
 * reference. In shares; half of it is the total variation, the share of values that would have to
 * move. Range [0, 2]: 2 where no bin holds values of both. 0 on identical inputs and where either
 * side has no value. Symmetric in the shares, not where the reference makes the bins.
 *
 * Source: D1 in N. Polyzotis et al., "Data validation for machine learning", 2019.
 */
import type { Shares } from './bins.ts';

export function l1(shares: Shares): number {
  let sum = 0;
  for (let index = 0; index < shares.reference.length; index++) {
    sum += Math.abs(shares.reference[index]! - shares.window[index]!);
  }
  return Math.min(sum, 2);
}
