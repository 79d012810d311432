/**
 * Wasserstein-1 and energy: how far values moved, from two sketches.
 *
 *     W = (1 / s) ∫ |F(x) − G(x)| dx             E = √( (2 / s) ∫ (F(x) − G(x))² dx )
 *
 * F and G are the cumulative distributions of the finite values of both sides, s a scale in the
 * column's unit; `robustScale` of the reference makes them free of unit. Between two knots F − G is
 * straight, so both integrals are exact for the curves. Distances, range [0, ∞), symmetric where s
 * is, 0 on identical inputs and where either side has no finite value. Both grow with the size of an
 * outlier (W by size / n, E by its root): they say how far, and should not decide alone.
 *
 * Sources: S. Vallender, "Calculation of the Wasserstein distance between probability distributions
 * on the line", 1974; G. Székely, "E-statistics: the energy of statistical samples", 2003.
 */
import type { JoinedCurves } from './joined-curves.ts';

/** `scale` above 0; 1 for the column's own unit. */
export function wasserstein(curves: JoinedCurves, scale: number): number {
  return Math.min(integral(curves, meanAbsolute) / scale, Number.MAX_VALUE);
}

/** `scale` above 0; 1 for the square root of the column's own unit. */
export function energy(curves: JoinedCurves, scale: number): number {
  return Math.sqrt(Math.min((2 * integral(curves, meanSquare)) / scale, Number.MAX_VALUE));
}

/**
 * ∫ of a mean over each straight piece of the difference. At most the largest double, which is also
 * what stands for a piece that is wider than that.
 */
function integral(curves: JoinedCurves, mean: (from: number, to: number) => number): number {
  const { count, positions, referenceBelow, referenceAbove, windowBelow, windowAbove } = curves;
  let sum = 0;
  for (let index = 1; index < count; index++) {
    const height = mean(
      referenceAbove[index - 1]! - windowAbove[index - 1]!,
      referenceBelow[index]! - windowBelow[index]!,
    );
    // An infinite width times a height of 0 would be NaN.
    if (height > 0) sum += (positions[index]! - positions[index - 1]!) * height;
  }
  return Math.min(sum, Number.MAX_VALUE);
}

/** Of |d| where d goes straight from `from` to `to`. */
function meanAbsolute(from: number, to: number): number {
  const sum = Math.abs(from) + Math.abs(to);
  if (from * to >= 0) return sum / 2;
  return (from * from + to * to) / (2 * sum);
}

/** Of d² where d goes straight from `from` to `to`. */
function meanSquare(from: number, to: number): number {
  return (from * from + from * to + to * to) / 3;
}
