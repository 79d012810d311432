/** What both the measuring and the calibrating of a numeric column take from its sketches. */
import type { NumericSketch } from '../sketch/numeric-sketch.ts';

/** NaN and both infinities. */
export function notFiniteCount(sketch: NumericSketch): number {
  return sketch.nanCount + sketch.positiveInfinityCount + sketch.negativeInfinityCount;
}

/** Rows the column was asked of, whatever it answered. */
export function rowCount(sketch: NumericSketch): number {
  return sketch.count + sketch.missingCount + notFiniteCount(sketch);
}
