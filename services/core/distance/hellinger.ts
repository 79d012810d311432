/**
 * The Hellinger distance, over bins.
 *
 *     H = √( ½ Σ over bins of (√p − √q)² ) = √(1 − Σ √(p q))
 *
 * p and q are the shares of reference and window; numeric columns are binned by quantiles of the
 * reference. A distance without unit. Range [0, 1]: 1 where no bin holds values of both. 0 on
 * identical inputs and where either side has no value. No smoothing. Symmetric in the shares, not
 * where the reference makes the bins. −ln(1 − H²) is the Bhattacharyya distance.
 *
 * Source: E. Hellinger, "Neue Begründung der Theorie quadratischer Formen von unendlichvielen
 * Veränderlichen", 1909.
 */
import type { Shares } from './bins.ts';

export function hellinger(shares: Shares): number {
  let sum = 0;
  for (let index = 0; index < shares.reference.length; index++) {
    const difference = Math.sqrt(shares.reference[index]!) - Math.sqrt(shares.window[index]!);
    sum += difference * difference;
  }
  return Math.sqrt(Math.min(sum / 2, 1));
}
