/**
 * How the share of unusable values of a column changed, with its direction.
 *
 *     change = r of the window − r of the reference,   r = unusable values / all values
 *
 * All values are the finite or categorical ones, the missing, the NaN and the infinite ones.
 * `missingRateChange` counts the missing ones; `nonFiniteRateChange` NaN, +∞ and −∞ of a numeric
 * column. In shares, range [−1, 1], 0 on identical inputs and where a side has no values of any
 * sort; swapping the sides changes its sign only.
 *
 * Source: a difference of two proportions.
 */
import type { ColumnSketch } from '../sketch/column-sketch.ts';
import type { NumericSketch } from '../sketch/numeric-sketch.ts';

export function missingRateChange(reference: ColumnSketch, window: ColumnSketch): number {
  const before = rowsOf(reference);
  const now = rowsOf(window);
  if (before === 0 || now === 0) return 0;
  return window.missingCount / now - reference.missingCount / before;
}

export function nonFiniteRateChange(reference: NumericSketch, window: NumericSketch): number {
  const before = rowsOf(reference);
  const now = rowsOf(window);
  if (before === 0 || now === 0) return 0;
  return nonFiniteCount(window) / now - nonFiniteCount(reference) / before;
}

function rowsOf(sketch: ColumnSketch): number {
  const valid = sketch.count + sketch.missingCount;
  return sketch.kind === 'numeric' ? valid + nonFiniteCount(sketch) : valid;
}

function nonFiniteCount(sketch: NumericSketch): number {
  return sketch.nanCount + sketch.positiveInfinityCount + sketch.negativeInfinityCount;
}
