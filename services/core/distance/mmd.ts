/**
 * The maximum mean discrepancy of a set of numeric columns: how far two joint distributions are
 * apart, whatever about them differs.
 *
 *     MMD² = |μ − ν|² − (1 − |μ|²) / (n − 1) − (1 − |ν|²) / (m − 1)        D = √max(0, MMD²)
 *
 * μ and ν are the means of the random Fourier features of both sides (random-features.ts), of length
 * 1 in every row, n and m the complete rows. MMD² is without bias, so it is 0 on average, and in half
 * of all cases below, where nothing differs; D is then 0. An estimate of E k(x, x′) + E k(y, y′) −
 * 2 E k(x, y) for a Gaussian kernel k over the standardised, clipped values, whose own error falls as
 * 1/√(number of features). Free of unit, range [0, √2]; symmetric; 0 on identical inputs and where
 * either side has fewer than two rows.
 *
 * Source: A. Gretton et al., "A kernel two-sample test", 2012, lemma 6; features by A. Rahimi,
 * B. Recht, "Random features for large-scale kernel machines", 2007.
 */
import { FEATURE_UNITS } from '../sketch/random-features.ts';
import { isSameSet, type SetSketch } from '../sketch/set-sketch.ts';
import { corrupt } from '../sketch/sketch-bytes.ts';

export function mmd(reference: SetSketch, window: SetSketch): number {
  if (reference.count < 2 || window.count < 2) return 0;
  const { distanceSquare, spread, windowSpread } = embeddingDifference(reference, window);
  const square =
    distanceSquare - spread / (reference.count - 1) - windowSpread / (window.count - 1);
  return Math.sqrt(Math.max(0, Math.min(square, 2)));
}

export interface EmbeddingDifference {
  /** |μ − ν|². */
  readonly distanceSquare: number;
  /** 1 − |μ|²: the trace of the covariance of the reference's features, and of the window's. */
  readonly spread: number;
  readonly windowSpread: number;
}

/** Both sides have rows. */
export function embeddingDifference(reference: SetSketch, window: SetSketch): EmbeddingDifference {
  if (!isSameSet(reference, window)) throw corrupt('sets of two specifications cannot be compared');
  const before = embedding(reference);
  const now = embedding(window);
  let distanceSquare = 0;
  let square = 0;
  let windowSquare = 0;
  for (let index = 0; index < before.length; index++) {
    distanceSquare += (now[index]! - before[index]!) ** 2;
    square += before[index]! ** 2;
    windowSquare += now[index]! ** 2;
  }
  return {
    distanceSquare,
    spread: Math.max(0, 1 - square),
    windowSpread: Math.max(0, 1 - windowSquare),
  };
}

/** The mean of the features; of length 1 at most. */
export function embedding(sketch: SetSketch): Float64Array {
  const { count, features } = sketch.state;
  const unit = count * FEATURE_UNITS * Math.sqrt(features.length / 2);
  return features.map((sum) => sum / unit);
}
