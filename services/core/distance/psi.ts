/**
 * The population stability index, over bins.
 *
 *     PSI = Σ over bins of (q − p) ln(q / p)
 *
 * p and q are the shares of reference and window, each at least the floor of share-floor.ts; numeric
 * columns are binned by quantiles of the reference. It is the sum of both Kullback–Leibler
 * divergences, in nats: a divergence. Range [0, ∞), at most 2 ln(2 min(n, m)); 0 on identical inputs
 * and where either side has no value. Symmetric in the shares, not where the reference makes the bins.
 *
 * Source: H. Jeffreys, "An invariant form for the prior probability in estimation problems", 1946;
 * N. Siddiqi, "Credit risk scorecards", 2006, for the name and its use.
 */
import type { Shares } from './bins.ts';
import { shareFloor } from './share-floor.ts';

/** `floor`: what a smaller share is counted as. */
export function psi(shares: Shares, floor: number = shareFloor(shares)): number {
  let sum = 0;
  for (let index = 0; index < shares.reference.length; index++) {
    const p = Math.max(shares.reference[index]!, floor);
    const q = Math.max(shares.window[index]!, floor);
    if (p !== q) sum += (q - p) * Math.log(q / p);
  }
  return sum;
}
