/**
 * Fisher's transformation of a correlation, whose variance hardly depends on the correlation: one
 * over the rows less three for normal columns (R. Fisher, "On the probable error of a coefficient of
 * correlation deduced from a small sample", 1921).
 */

export const FISHER_ROWS = 3;
/** Of r, so that perfectly correlated columns have a finite transform. */
const CORRELATION_MAX = 1 - 1e-6;
/** Kurtosis of a row's influence, per row, up to which a correlation is nearly a gamma variable. */
const KURTOSIS_PER_ROW_MAX = 4;

export function fisher(r: number): number {
  return Math.atanh(Math.max(-CORRELATION_MAX, Math.min(r, CORRELATION_MAX)));
}

/**
 * Whether a correlation of so many rows hangs on a few of them, and has no distribution to speak of.
 * It follows from the reference and the count alone, so it favours no outcome.
 */
export function isTooRare(kurtosis: number, count: number): boolean {
  return kurtosis > KURTOSIS_PER_ROW_MAX * count;
}
