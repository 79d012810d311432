/**
 * The Kullback–Leibler divergence of the window from the reference, over bins.
 *
 *     KL(Q ‖ P) = Σ over bins of q ln(q / p)
 *
 * p and q are the shares of reference and window; where the window has something, p is at least the
 * floor of share-floor.ts (but not more than q), and then both are brought to a sum of 1. In nats: a
 * divergence, what the window costs in the reference's code. Range [0, ∞), at most ln(2 min(n, m))
 * and a little for the bringing to 1; not symmetric; 0 on identical inputs and where either side has
 * no value.
 *
 * Source: S. Kullback, R. A. Leibler, "On information and sufficiency", 1951.
 */
import type { Shares } from './bins.ts';
import { shareFloor } from './share-floor.ts';

/** `floor`: what a smaller share of the reference is counted as. */
export function kullbackLeibler(shares: Shares, floor: number = shareFloor(shares)): number {
  const { reference, window } = shares;
  let pSum = 0;
  let qSum = 0;
  for (let index = 0; index < reference.length; index++) {
    pSum += smoothed(reference[index]!, window[index]!, floor);
    qSum += window[index]!;
  }
  let sum = 0;
  for (let index = 0; index < reference.length; index++) {
    const q = window[index]!;
    const p = smoothed(reference[index]!, q, floor);
    if (q > 0) sum += (q / qSum) * Math.log((q / p) * (pSum / qSum));
  }
  // Rounding must not make it negative.
  return Math.max(0, sum);
}

function smoothed(p: number, q: number, floor: number): number {
  return Math.max(p, Math.min(floor, q));
}
