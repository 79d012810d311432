/**
 * The share of a window's values whose category the reference has never seen.
 *
 *     u = max(0, Σ over categories c the reference does not count of q(c) + q(other) − p(other))
 *
 * p and q are shares of the values that are not missing. `other` are values beyond the categories a
 * sketch counts: as many as the reference has of them may be categories it saw and does not count, so
 * that share is taken off. Exact while neither side has any. Range [0, 1], not symmetric, 0 on
 * identical inputs and where either side has no value.
 *
 * Source: TensorFlow Data Validation's unexpected-value rate (Breck et al., "Data validation for
 * machine learning", 2019).
 */
import type { Shares } from './bins.ts';

/** From the bins of category-bins.ts, where the others come last. */
export function unseenShare(shares: Shares): number {
  const last = shares.reference.length - 1;
  if (last < 0) return 0;
  let unseen = shares.window[last]! - shares.reference[last]!;
  for (let index = 0; index < last; index++) {
    if (shares.reference[index] === 0) unseen += shares.window[index]!;
  }
  return Math.max(0, Math.min(unseen, 1));
}
