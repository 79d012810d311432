/**
 * Tail probabilities and the critical values that belong to them, accurate far out: a budget of one
 * false alarm a month over a thousand columns asks for tails of 1e-9, where `1 − Φ(z)` has no digits.
 *
 * Normal: Taylor's series near the middle, Laplace's continued fraction outside (M. Abramowitz,
 * I. Stegun, 26.2.11 and 26.2.14). Kolmogorov: both theta series (N. Smirnov, 1948). Quantiles by
 * Newton's method on the logarithm of the tail. Relative error below 1e-9 down to 1e-300.
 *
 * Means of few or very unequal values are not normal. Where skewness is known they are read as a
 * shifted gamma variable (Pearson's type III), which is exact for counts of rare things as near as
 * matters, through the cube-root transformation of E. Wilson and M. Hilferty, 1931.
 */

const SQRT_TWO_PI = Math.sqrt(2 * Math.PI);
/** Where the continued fraction needs fewer steps than the series. */
const SERIES_UNTIL = 2.5;
const ITERATIONS_MAX = 200;
/** Below this skewness the transformation is the identity to nine digits, and 1/skewness is not safe. */
const SKEWNESS_MIN = 1e-6;
/** Where the two theta series of the Kolmogorov distribution change over. */
const KOLMOGOROV_CHANGE = 0.8;

/** P(Z > z) of a standard normal variable. */
export function normalTail(z: number): number {
  if (z < 0) return 1 - normalTail(-z);
  const density = Math.exp((-z * z) / 2) / SQRT_TWO_PI;
  if (z < SERIES_UNTIL) {
    let term = z;
    let sum = z;
    for (let odd = 3; term > 1e-17 * sum; odd += 2) {
      term *= (z * z) / odd;
      sum += term;
    }
    return 0.5 - density * sum;
  }
  // z + 1/(z + 2/(z + 3/(z + …))), from far inside outwards.
  let fraction = z;
  for (let depth = Math.ceil(20 + 400 / (z * z)); depth > 0; depth--)
    fraction = z + depth / fraction;
  return density / fraction;
}

/** The z with P(Z > z) = `tail`; `tail` in (0, 1). */
export function normalQuantile(tail: number): number {
  if (tail > 0.5) return -normalQuantile(1 - tail);
  const target = Math.log(tail);
  let z = Math.sqrt(Math.max(0, -2 * Math.log(2 * tail)));
  for (let iteration = 0; iteration < ITERATIONS_MAX; iteration++) {
    const probability = normalTail(z);
    const hazard = Math.exp((-z * z) / 2) / SQRT_TWO_PI / probability;
    const step = (Math.log(probability) - target) / hazard;
    z += step;
    if (Math.abs(step) <= 1e-13 * (1 + z)) break;
  }
  return z;
}

/** P(K > λ) of Kolmogorov's distribution: the supremum of a Brownian bridge. */
export function kolmogorovTail(lambda: number): number {
  if (lambda <= 0) return 1;
  let sum = 0;
  if (lambda < KOLMOGOROV_CHANGE) {
    const unit = (-Math.PI * Math.PI) / (8 * lambda * lambda);
    for (let odd = 1; odd < 20; odd += 2) sum += Math.exp(unit * odd * odd);
    return 1 - (SQRT_TWO_PI / lambda) * sum;
  }
  const first = Math.exp(-2 * lambda * lambda);
  for (let index = 1, term = first; term > 1e-17 * first; index++) {
    sum += index % 2 === 1 ? term : -term;
    term = first ** ((index + 1) * (index + 1));
  }
  return Math.min(1, 2 * sum);
}

/** The λ with P(K > λ) = `tail`; `tail` in (0, 1). */
export function kolmogorovQuantile(tail: number): number {
  let high = Math.sqrt(-Math.log(tail / 2) / 2);
  // The first term of the series is nearly all of a small tail: solve for it, with the rest as it was.
  if (tail < 0.1) {
    for (let iteration = 0; iteration < 8; iteration++) {
      const first = 2 * Math.exp(-2 * high * high);
      high = Math.sqrt(-Math.log((tail + first - kolmogorovTail(high)) / 2) / 2);
    }
    return high;
  }
  let low = 0;
  for (let iteration = 0; iteration < 60; iteration++) {
    const middle = (low + high) / 2;
    if (kolmogorovTail(middle) > tail) low = middle;
    else high = middle;
  }
  return high;
}

/** Third and fourth standardised cumulants of a statistic; 0 and 0 for a normal one. */
export interface TailShape {
  readonly skewness: number;
  readonly excessKurtosis: number;
}

/**
 * The normal score that is as improbable as `z` of a statistic of this shape, with the sign of `z`.
 * Increasing in `z`.
 */
export function normalScore(z: number, shape: TailShape): number {
  const skewness = skewnessTowards(Math.sign(z), shape);
  const size = Math.abs(z);
  if (Math.abs(skewness) < SKEWNESS_MIN) return z;
  const root = Math.cbrt((skewness * size) / 2 + 1);
  const score = (6 / skewness) * (root - 1) + skewness / 6;
  return Math.sign(z) * Math.max(0, score);
}

/** The inverse: which |z| of a statistic of this shape, towards `side`, is as improbable as `score`. */
export function fromNormalScore(score: number, side: number, shape: TailShape): number {
  const skewness = skewnessTowards(side, shape);
  if (Math.abs(skewness) < SKEWNESS_MIN) return score;
  const root = (skewness / 6) * (score - skewness / 6) + 1;
  // Beyond the end of a gamma variable's short tail nothing is improbable enough.
  return Math.max(0, (2 / skewness) * (root * root * root - 1));
}

/** What a gamma variable of this skewness does not explain of the kurtosis is heavy on both sides. */
function skewnessTowards(side: number, { skewness, excessKurtosis }: TailShape): number {
  const unexplained = Math.max(0, excessKurtosis - skewness * skewness);
  return (side < 0 ? -skewness : skewness) + Math.sqrt(unexplained);
}

/** P(X > x) of a chi-square variable, by Wilson and Hilferty; errs upwards far out at few degrees. */
export function chiSquareTail(x: number, degrees: number): number {
  return normalTail(chiSquareScore(x, degrees));
}

/** The x with P(X > x) = `tail`, in agreement with `chiSquareTail`. */
export function chiSquareQuantile(tail: number, degrees: number): number {
  const unit = 2 / (9 * degrees);
  return degrees * Math.max(0, 1 - unit + normalQuantile(tail) * Math.sqrt(unit)) ** 3;
}

function chiSquareScore(x: number, degrees: number): number {
  const unit = 2 / (9 * degrees);
  return (Math.cbrt(x / degrees) - (1 - unit)) / Math.sqrt(unit);
}
