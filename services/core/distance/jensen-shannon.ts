/**
 * Jensen–Shannon divergence and distance, over bins.
 *
 *     JSD = Σ over bins of ½ p log₂(p / a) + ½ q log₂(q / a),   a = (p + q) / 2
 *     JS  = √JSD
 *
 * p and q are the shares of reference and window; numeric columns are binned by quantiles of the
 * reference. JSD is a divergence in bits; JS, its square root, is a metric. Both have range [0, 1]: 1
 * where no bin holds values of both. 0 on identical inputs and where either side has no value. No
 * smoothing. Symmetric in the shares, not where the reference makes the bins.
 *
 * Sources: J. Lin, "Divergence measures based on the Shannon entropy", 1991; D. M. Endres,
 * J. E. Schindelin, "A new metric for probability distributions", 2003.
 */
import type { Shares } from './bins.ts';

/** In bits. */
export function jensenShannonDivergence(shares: Shares): number {
  let sum = 0;
  for (let index = 0; index < shares.reference.length; index++) {
    sum += jensenShannonTerm(shares.reference[index]!, shares.window[index]!);
  }
  return Math.min(sum, 1);
}

/** What one bin adds to the divergence, in bits: never negative, by the log-sum inequality. */
export function jensenShannonTerm(p: number, q: number): number {
  const sum = p + q;
  const ofReference = p > 0 ? p * Math.log((2 * p) / sum) : 0;
  const ofWindow = q > 0 ? q * Math.log((2 * q) / sum) : 0;
  return Math.max(0, (ofReference + ofWindow) / (2 * Math.LN2));
}
