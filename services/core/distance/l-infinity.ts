/**
 * The L∞ (Chebyshev) distance of two categorical columns: the largest change of any one category.
 *
 *     D = max over categories c of |p(c) − q(c)|
 *
 * p and q are shares of the values that are not missing; the values beyond the counted categories are
 * one category of their own. In shares. Range [0, 1], symmetric, 0 on identical inputs.
 *
 * Source: TensorFlow Data Validation's comparator for categorical features (Breck et al., "Data
 * validation for machine learning", 2019).
 */
import type { CategoricalSketch } from '../sketch/categorical-sketch.ts';

/** 0 where either side has no value, since nothing then speaks for a difference; see `ks`. */
export function lInfinity(reference: CategoricalSketch, window: CategoricalSketch): number {
  if (reference.count === 0 || window.count === 0) return 0;
  let distance = Math.abs(
    reference.otherCount / reference.count - window.otherCount / window.count,
  );
  for (const [category, count] of reference.counts) {
    const share = (window.counts.get(category) ?? 0) / window.count;
    distance = Math.max(distance, Math.abs(count / reference.count - share));
  }
  for (const [category, count] of window.counts) {
    if (!reference.counts.has(category)) distance = Math.max(distance, count / window.count);
  }
  return distance;
}
