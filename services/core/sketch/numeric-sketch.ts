/**
 * What is kept of a numeric column: a t-digest and moments of the finite values, and counts of all
 * that is not a finite value (missing, NaN, +∞, −∞), each apart.
 *
 * Mean and M2 (the sum of squared deviations from the mean) go by Welford's update (B. P. Welford,
 * 1962) and are merged by Chan's (T. F. Chan, G. H. Golub, R. J. LeVeque, 1979). M2 stops at the
 * largest double, so that nothing here is ever NaN by overflow.
 */
import { TDigest, type TDigestState } from './t-digest.ts';

/** What was counted apart from the finite values. */
export interface NonFiniteCounts {
  readonly missingCount: number;
  readonly nanCount: number;
  readonly positiveInfinityCount: number;
  readonly negativeInfinityCount: number;
}

export interface NumericSketchState extends NonFiniteCounts {
  /** 0 while there is no finite value. */
  readonly mean: number;
  readonly m2: number;
  readonly digest: TDigestState;
}

export class NumericSketch {
  readonly kind = 'numeric';
  readonly digest: TDigest;
  #missingCount = 0;
  #nanCount = 0;
  #positiveInfinityCount = 0;
  #negativeInfinityCount = 0;
  #mean = 0;
  #m2 = 0;

  constructor(digest: TDigest = new TDigest()) {
    this.digest = digest;
  }

  static restore(state: NumericSketchState): NumericSketch {
    const sketch = new NumericSketch(TDigest.restore(state.digest));
    sketch.#missingCount = state.missingCount;
    sketch.#nanCount = state.nanCount;
    sketch.#positiveInfinityCount = state.positiveInfinityCount;
    sketch.#negativeInfinityCount = state.negativeInfinityCount;
    sketch.#mean = state.mean;
    sketch.#m2 = state.m2;
    return sketch;
  }

  get state(): NumericSketchState {
    return {
      missingCount: this.#missingCount,
      nanCount: this.#nanCount,
      positiveInfinityCount: this.#positiveInfinityCount,
      negativeInfinityCount: this.#negativeInfinityCount,
      mean: this.#mean,
      m2: this.#m2,
      digest: this.digest.state,
    };
  }

  add(value: number): void {
    if (value - value !== 0) {
      if (value === Infinity) this.#positiveInfinityCount++;
      else if (value === -Infinity) this.#negativeInfinityCount++;
      else this.#nanCount++;
      return;
    }
    this.digest.add(value);
    const count = this.digest.count;
    const difference = value - this.#mean;
    if (difference - difference === 0) this.#mean += difference / count;
    else this.#mean = this.#mean * ((count - 1) / count) + value / count;
    this.#m2 = Math.min(this.#m2 + difference * (value - this.#mean), Number.MAX_VALUE);
  }

  addMissing(count = 1): void {
    this.#missingCount += count;
  }

  /** Finite values. */
  get count(): number {
    return this.digest.count;
  }

  get missingCount(): number {
    return this.#missingCount;
  }

  get nanCount(): number {
    return this.#nanCount;
  }

  get positiveInfinityCount(): number {
    return this.#positiveInfinityCount;
  }

  get negativeInfinityCount(): number {
    return this.#negativeInfinityCount;
  }

  /** Smallest finite value; `Infinity` where there is none. */
  get minimum(): number {
    return this.digest.minimum;
  }

  /** Largest finite value; `-Infinity` where there is none. */
  get maximum(): number {
    return this.digest.maximum;
  }

  /** Of the finite values; NaN where there is none. */
  get mean(): number {
    return this.count === 0 ? Number.NaN : this.#mean;
  }

  /** Sum of squared deviations of the finite values from their mean. */
  get m2(): number {
    return this.#m2;
  }

  /** Of the sample, √(M2 / (n − 1)); NaN with fewer than two finite values. */
  get standardDeviation(): number {
    return this.count < 2 ? Number.NaN : Math.sqrt(this.#m2 / (this.count - 1));
  }

  /** Takes in all of `others` at once; they are left as they are. */
  mergeAll(others: readonly NumericSketch[]): void {
    let count = this.count;
    for (const other of others) {
      this.#missingCount += other.#missingCount;
      this.#nanCount += other.#nanCount;
      this.#positiveInfinityCount += other.#positiveInfinityCount;
      this.#negativeInfinityCount += other.#negativeInfinityCount;
      if (other.count > 0) this.#mergeMoments(count, other);
      count += other.count;
    }
    this.digest.merge(others.map((other) => other.digest));
    // A weight that rounds to 1 can put the mean a last bit outside.
    if (count > 0) this.#mean = Math.max(this.minimum, Math.min(this.#mean, this.maximum));
  }

  /** The value below which a share `q` of the finite values lies; NaN where there is none. */
  quantile(q: number): number {
    return this.digest.quantile(q);
  }

  /** Share of the finite values below `x` and half of those equal to it; NaN where there is none. */
  cdf(x: number): number {
    return this.digest.cdf(x);
  }

  /** Every finite value and how often it was there, while they are at most 64; see `TDigest`. */
  exactCounts(): ReadonlyMap<number, number> | null {
    return this.digest.exactCounts();
  }

  /** Makes the bytes small; for a sketch that is complete. */
  compact(): void {
    this.digest.compact();
  }

  #mergeMoments(count: number, other: NumericSketch): void {
    const share = other.count / (count + other.count);
    const difference = other.#mean - this.#mean;
    if (difference - difference === 0) this.#mean += difference * share;
    else this.#mean = this.#mean * (1 - share) + other.#mean * share;
    // With no values yet the first factor is 0, and 0 times an infinite square would be NaN.
    const between = count === 0 ? 0 : difference * difference * (count * share);
    this.#m2 = Math.min(this.#m2 + other.#m2 + between, Number.MAX_VALUE);
  }
}
