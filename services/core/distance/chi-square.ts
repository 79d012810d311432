/**
 * Pearson's chi-square of reference and window as the two rows of a table, and Cramér's V.
 *
 *     χ² = n m Σ over bins of (p − q)² / (n p + m q)
 *     V  = √( ½ Σ over bins of (p − q)² / (p + q) )
 *
 * p and q are the shares of reference and window, n and m their counts; numeric columns are binned by
 * quantiles of the reference. χ² is a statistic and no distance: it grows with the counts, and is to
 * be held against its critical value at `chiSquareDegrees`. Both rows have their own error in it; with
 * n → ∞ it is the test of the window against fixed shares. V is a distance without unit, that of a
 * table in which both rows weigh alike: with their counts as weights the same difference would give a
 * smaller V the longer the reference is.
 *
 * χ² has range [0, n + m], V [0, 1]; both are 0 on identical inputs and where either side has no
 * value, and symmetric in the shares, not where the reference makes the bins. No smoothing.
 *
 * Sources: K. Pearson, "On the criterion…", 1900; H. Cramér, "Mathematical methods of statistics",
 * 1946, 21.9; V² as the triangular discrimination: F. Topsøe, 2000.
 */
import type { Shares } from './bins.ts';

export function chiSquare(shares: Shares): number {
  const { reference, window, referenceCount, windowCount } = shares;
  let sum = 0;
  for (let index = 0; index < reference.length; index++) {
    const p = reference[index]!;
    const q = window[index]!;
    if (p !== q) sum += (p - q) ** 2 / (referenceCount * p + windowCount * q);
  }
  return Math.min(referenceCount * windowCount * sum, referenceCount + windowCount);
}

/** Degrees of freedom of χ²: bins that hold values of either side, less one; at least 0. */
export function chiSquareDegrees(shares: Shares): number {
  const filled = shares.reference.filter((share, index) => share > 0 || shares.window[index]! > 0);
  return Math.max(0, filled.length - 1);
}

export function cramersV(shares: Shares): number {
  let sum = 0;
  for (let index = 0; index < shares.reference.length; index++) {
    const p = shares.reference[index]!;
    const q = shares.window[index]!;
    if (p !== q) sum += (p - q) ** 2 / (p + q);
  }
  return Math.sqrt(Math.min(sum / 2, 1));
}
