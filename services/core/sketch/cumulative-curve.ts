/**
 * The cumulative distribution a list of centroids stands for, ready to be read.
 *
 * Conventions (Dunning's t-digest 3.x): a pure centroid is a step; between two pure ones nothing lies,
 * so the curve is level; a mixed centroid has half of its weight on either side of its mean, and the
 * curve is a straight line from there to its neighbours. `cdf` at a step is the middle of the step
 * (mid-rank); KS needs the limits on both sides, which are `below` and `atOrBelow`. `quantile` is the
 * inverse: for single values exactly `sorted[floor(q · n)]`.
 */
import type { Centroids } from './centroids.ts';

export class CumulativeCurve {
  /** Ascending; the curve rises from `below` to `above` at each, and straight in between. */
  readonly positions: Float64Array;
  readonly #below: Float64Array;
  readonly #above: Float64Array;
  readonly #total: number;

  /** Needs at least one centroid; the first and the last are pure (they are the extremes). */
  constructor(centroids: Centroids) {
    const count = centroids.count;
    this.positions = centroids.means.slice(0, count);
    this.#below = new Float64Array(count);
    this.#above = new Float64Array(count);
    let before = 0;
    for (let index = 0; index < count; index++) {
      const weight = centroids.weights[index]!;
      const isMixed = centroids.mixed[index] === 1;
      this.#below[index] = isMixed ? before + weight / 2 : before;
      before += weight;
      this.#above[index] = isMixed ? this.#below[index]! : before;
    }
    this.#total = before;
  }

  /** Share of values less than `x`: the limit from the left. */
  below(x: number): number {
    return this.belowFrom(firstIndex(this.positions, x, false), x);
  }

  /** Share of values not greater than `x`: the limit from the right. */
  atOrBelow(x: number): number {
    return this.atOrBelowFrom(firstIndex(this.positions, x, true), x);
  }

  /** Mid-rank share: halfway up a step. */
  cdf(x: number): number {
    return (this.below(x) + this.atOrBelow(x)) / 2;
  }

  /** `below`, where it is known that `at` is the first position not less than `x`. */
  belowFrom(at: number, x: number): number {
    if (this.positions[at] === x) return this.#below[at]! / this.#total;
    return this.#between(at, x);
  }

  /** `atOrBelow`, where it is known that `after` is the first position greater than `x`. */
  atOrBelowFrom(after: number, x: number): number {
    if (after > 0 && this.positions[after - 1] === x) return this.#above[after - 1]! / this.#total;
    return this.#between(after, x);
  }

  /** The value below which a share `q` in [0, 1] lies; never decreases with `q`. */
  quantile(q: number): number {
    const rank = q * this.#total;
    const at = firstIndex(this.#above, rank, true);
    const last = this.positions.length - 1;
    if (at > last) return this.positions[last]!;
    const right = this.positions[at]!;
    const rankRight = this.#below[at]!;
    if (at === 0 || rank >= rankRight) return right;
    const left = this.positions[at - 1]!;
    const rankLeft = this.#above[at - 1]!;
    const share = (rank - rankLeft) / (rankRight - rankLeft);
    const width = right - left;
    // Two values may be further apart than the largest double.
    const value = width < Infinity ? left + width * share : left * (1 - share) + right * share;
    return Math.min(value, right);
  }

  /** On the line that ends at knot `at`; `x` lies strictly between that knot and the one before. */
  #between(at: number, x: number): number {
    if (at === 0) return 0;
    if (at === this.positions.length) return 1;
    const left = this.positions[at - 1]!;
    const width = this.positions[at]! - left;
    const share = width < Infinity ? (x - left) / width : x / width + 0.5;
    const from = this.#above[at - 1]!;
    return (from + (this.#below[at]! - from) * share) / this.#total;
  }
}

/** The first index whose element is at or after `x`, or strictly after it; the length where none is. */
function firstIndex(ascending: Float64Array, x: number, strictly: boolean): number {
  let low = 0;
  let high = ascending.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const element = ascending[middle]!;
    if (strictly ? element <= x : element < x) low = middle + 1;
    else high = middle;
  }
  return low;
}
