/**
 * A scale of a numeric column that outliers do not move: what a shift is measured against.
 *
 *     s = IQR / 1.349,   IQR = the 75 % quantile − the 25 % quantile
 *
 * 1.349 makes it the standard deviation of a normal distribution. In the column's unit, above 0 and
 * finite. Where half of the values are one and the same, IQR is 0 and says nothing; then, in this
 * order: the 95 % − the 5 % quantile, over 3.290; the standard deviation; and for a constant column
 * the absolute value of that constant, or 1 where the constant is 0.
 *
 * Source: P. J. Rousseeuw, C. Croux, "Alternatives to the median absolute deviation", 1993.
 */
import type { NumericSketch } from '../sketch/numeric-sketch.ts';

/** Widths between quantiles, and what each is for a standard normal distribution. */
const SPREADS = [
  { from: 0.25, to: 0.75, normal: 1.349 },
  { from: 0.05, to: 0.95, normal: 3.29 },
] as const;

/** 1 where the sketch has no finite value. */
export function robustScale(sketch: NumericSketch): number {
  if (sketch.count === 0) return 1;
  for (const spread of spreadsOf(sketch)) if (spread > 0) return spread;
  return Math.abs(sketch.quantile(0.5)) || 1;
}

/**
 * From the most robust to the one that is 0 only for a constant column; at most the largest double.
 * The sketch has finite values.
 */
export function spreadsOf(sketch: NumericSketch): readonly number[] {
  const spreads: number[] = [];
  for (const { from, to, normal } of SPREADS) {
    const width = sketch.quantile(to) - sketch.quantile(from);
    spreads.push(Math.min(width, Number.MAX_VALUE) / normal);
  }
  spreads.push(sketch.count < 2 ? 0 : sketch.standardDeviation);
  return spreads;
}
