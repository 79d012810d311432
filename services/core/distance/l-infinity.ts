/**
 * The L∞ (Chebyshev) distance: the largest change of the share of any one category or bin.
 *
 *     D = max over bins of |p − q|
 *
 * p and q are shares of the values that are not missing; of a categorical column the values beyond
 * the counted categories are one category of their own, a numeric one is binned by quantiles of the
 * reference. In shares. Range [0, 1], 0 on identical inputs and where either side has no value.
 * Symmetric in the shares, not where the reference makes the bins.
 *
 * Source: TensorFlow Data Validation's comparator for categorical features (Breck et al., "Data
 * validation for machine learning", 2019).
 */
import type { CategoricalSketch } from '../sketch/categorical-sketch.ts';
import type { Shares } from './bins.ts';
import { categoryBins } from './category-bins.ts';

/** 0 where either side has no value, since nothing then speaks for a difference; see `ks`. */
export function lInfinity(reference: CategoricalSketch, window: CategoricalSketch): number {
  return lInfinityOfShares(categoryBins(reference, window));
}

export function lInfinityOfShares(shares: Shares): number {
  let distance = 0;
  for (let index = 0; index < shares.reference.length; index++) {
    distance = Math.max(distance, Math.abs(shares.reference[index]! - shares.window[index]!));
  }
  return Math.min(distance, 1);
}
