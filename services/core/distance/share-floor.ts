/**
 * The smoothing of PSI and Kullback–Leibler, where an empty bin would make a logarithm infinite.
 *
 *     ε = 1 / (2 min(n, m))
 *
 * Half a value of the smaller side stands for none. It is one number for both sides, so bins that are
 * empty on both stay equal, and it is small enough never to touch a bin that holds a value. A fixed
 * tiny constant instead lets one empty bin decide everything: at 1e-308 PSI comes to hundreds.
 *
 * Source: half a count for none, as in F. J. Anscombe, "On estimating binomial response relations",
 * 1956, taken as a floor and not added, so that equal shares of unequal samples stay equal.
 */
import type { Shares } from './bins.ts';

export function shareFloor(shares: Shares): number {
  return 0.5 / Math.min(shares.referenceCount, shares.windowCount);
}
