/**
 * A merging t-digest: quantiles of any number of values in a fixed space, most exact at both ends.
 *
 * T. Dunning's algorithm on typed arrays. Values go into a buffer; a full buffer is sorted and merged
 * into the centroids in one pass. Inside, the digest works at twice its nominal compression and comes
 * down to the nominal one only in `compact` (see sealed-compression.ts), which lowers the worst rank
 * error fourfold for 10–20 % more time.
 *
 * Guarantees: `add` allocates nothing but the few doublings of its buffer; reading never changes what
 * the digest becomes, nor does writing its state and going on from that; count, minimum and maximum
 * are exact; the same values in the same calls give the same bits on every machine. Values are
 * finite, weights are counts.
 */
import { type Centroids, compress, createCentroids, DISTINCT_VALUES_MAX } from './centroids.ts';
import { CumulativeCurve } from './cumulative-curve.ts';
import { joinedCentroids } from './join-centroids.ts';
import { centroidCountMax } from './scale-function.ts';
import { fewCentroidsMax, sealedCompression, sealedCompressionMax } from './sealed-compression.ts';
import { ascendingCentroids } from './sort-centroids.ts';
import { sortedValues } from './sort-values.ts';

export const COMPRESSION_DEFAULT = 200;
export const COMPRESSION_MIN = 20;
export const COMPRESSION_MAX = 1_000;

/** Values waiting to be merged: more make an update cheaper and a state that is not sealed larger. */
export const BUFFER_COUNT_MAX = 512;
const BUFFER_COUNT_MIN = 32;
/** Weight of one digest, so that every sum of weights is exact. */
const COUNT_MAX = Number.MAX_SAFE_INTEGER;
/** Compression inside, as a multiple of the nominal one. */
export const WORKING_FACTOR = 2;

/**
 * The first and the last centroid are pure: they hold the extremes. What lies in the arrays beyond
 * `centroids.count` means nothing.
 */
export interface TDigestState {
  readonly compression: number;
  readonly centroids: Centroids;
  /** In order of arrival. */
  readonly buffer: Float64Array;
  /** `null` while every weight in the buffer is 1. */
  readonly bufferWeights: Float64Array | null;
}

/** No values beside the centroids. */
const NO_VALUES = Float64Array.of(Infinity);
/** A buffer without weights as a list of centroids. */
const ONES = new Float64Array(BUFFER_COUNT_MAX).fill(1);
const PURE = new Uint8Array(BUFFER_COUNT_MAX);
/** Where the next pass of any digest writes. A digest that keeps it leaves its own arrays here. */
let spare = createCentroids(0);

export class TDigest {
  readonly compression: number;
  #centroids: Centroids = createCentroids(0);
  #buffer = new Float64Array(BUFFER_COUNT_MIN);
  #bufferWeights: Float64Array | null = null;
  #bufferCount = 0;
  /** Weight of the centroids, and what the weights in the buffer exceed 1 by. */
  #countBeside = 0;
  /** What was read last, and the count it belongs to. */
  #curve: CumulativeCurve | null = null;
  #curveCount = 0;

  /** `compression`: see scale-function.ts; a whole number from 20 to 1 000. */
  constructor(options: { readonly compression?: number } = {}) {
    const compression = options.compression ?? COMPRESSION_DEFAULT;
    if (!isCompression(compression)) {
      throw new RangeError(
        `compression is a whole number from ${COMPRESSION_MIN} to ${COMPRESSION_MAX}, not ${compression}`,
      );
    }
    this.compression = compression;
  }

  /** The digest a state was read from, to the bit. The state is trusted; its arrays are taken over. */
  static restore(state: TDigestState): TDigest {
    const digest = new TDigest({ compression: state.compression });
    const { centroids, buffer, bufferWeights } = state;
    digest.#centroids = centroids;
    for (let index = 0; index < centroids.count; index++) {
      digest.#countBeside += centroids.weights[index]!;
    }
    for (let index = 0; index < buffer.length; index++) {
      digest.add(buffer[index]!, bufferWeights?.[index] ?? 1);
    }
    return digest;
  }

  /** All that a digest is, as a view that is valid until the digest changes. */
  get state(): TDigestState {
    return {
      compression: this.compression,
      centroids: this.#centroids,
      buffer: this.#buffer.subarray(0, this.#bufferCount),
      bufferWeights: this.#bufferWeights?.subarray(0, this.#bufferCount) ?? null,
    };
  }

  /** Weight of everything added. */
  get count(): number {
    return this.#countBeside + this.#bufferCount;
  }

  /** `Infinity` while empty. */
  get minimum(): number {
    const { means, count } = this.#centroids;
    let minimum = count > 0 ? means[0]! : Infinity;
    for (let index = 0; index < this.#bufferCount; index++) {
      minimum = Math.min(minimum, this.#buffer[index]!);
    }
    return minimum;
  }

  /** `-Infinity` while empty. */
  get maximum(): number {
    const { means, count } = this.#centroids;
    let maximum = count > 0 ? means[count - 1]! : -Infinity;
    for (let index = 0; index < this.#bufferCount; index++) {
      maximum = Math.max(maximum, this.#buffer[index]!);
    }
    return maximum;
  }

  /** Adds a finite value `weight` times; `weight` is a positive whole number. */
  add(value: number, weight = 1): void {
    if (value - value !== 0) throw new RangeError(`a t-digest takes finite values, not ${value}`);
    if (this.#bufferCount === this.#buffer.length) this.#makeRoom();
    if (weight !== 1) this.#bufferWeight(weight);
    // Minus zero becomes zero: they are equal and must sort and encode alike.
    this.#buffer[this.#bufferCount++] = value + 0;
  }

  /** Adds the first `count` of `values`, each once. */
  addMany(values: Float64Array, count: number = values.length): void {
    for (let index = 0; index < count; index++) this.add(values[index]!);
  }

  /**
   * Takes in all of `others` in one pass, which keeps the error of a single digest; one after the
   * other would add it up. The others are left as they are, and their order does not matter.
   */
  merge(others: readonly TDigest[]): void {
    const lists: Centroids[] = [];
    let total = 0;
    let minimum = Infinity;
    let maximum = -Infinity;
    for (const part of [this as TDigest, ...others]) {
      part.#listTo(lists);
      total += part.count;
      minimum = Math.min(minimum, part.minimum);
      maximum = Math.max(maximum, part.maximum);
    }
    if (total === this.count) return;
    const compression = this.#workingCompression;
    const merged = spareFor(compression);
    const items = joinedCentroids(lists, { total, compression, width: maximum - minimum });
    compress(items, NO_VALUES, 0, { total, compression }, merged);
    spare = this.#centroids;
    this.#become(merged, total);
  }

  /**
   * Merges the buffer and comes down to the nominal compression: what is then written is small. For
   * a digest that is complete; it may be added to afterwards, but is not what it would have become.
   */
  compact(): void {
    const { compression, count } = this;
    if (count === 0) return;
    const compacted = createCentroids(centroidCountMax(sealedCompressionMax(compression)));
    this.#mergeBuffer(this.#sealingCompression, compacted);
    // What there was becomes room for the passes of others.
    if (this.#centroids.means.length > spare.means.length) spare = this.#centroids;
    this.#become(compacted, count);
  }

  /**
   * The values there are and how often each was added, ascending, as long as they are at most
   * `DISTINCT_VALUES_MAX`; `null` for good once they were more.
   */
  exactCounts(): ReadonlyMap<number, number> | null {
    const { means, weights, mixed, count } = this.#settled();
    if (count > DISTINCT_VALUES_MAX || mixed.subarray(0, count).includes(1)) return null;
    const counts = new Map<number, number>();
    for (let index = 0; index < count; index++) counts.set(means[index]!, weights[index]!);
    return counts;
  }

  /** The value below which a share `q` of all values lies; NaN while empty. */
  quantile(q: number): number {
    if (!(q >= 0 && q <= 1)) throw new RangeError(`a quantile is asked for in [0, 1], not at ${q}`);
    return this.count === 0 ? Number.NaN : this.curve().quantile(q);
  }

  /** The share of values below `x` and half of those equal to it; NaN while empty. */
  cdf(x: number): number {
    return this.count === 0 ? Number.NaN : this.curve().cdf(x);
  }

  /** The distribution as it is now, for reading often; the digest must not be empty. */
  curve(): CumulativeCurve {
    if (this.#curve === null || this.#curveCount !== this.count) {
      this.#curve = new CumulativeCurve(this.#settled());
      this.#curveCount = this.count;
    }
    return this.#curve;
  }

  /** The buffer is full: a larger one, up to the limit, and then it is emptied. */
  #makeRoom(): void {
    if (this.#buffer.length < BUFFER_COUNT_MAX) {
      const larger = new Float64Array(Math.min(2 * this.#buffer.length, BUFFER_COUNT_MAX));
      larger.set(this.#buffer);
      this.#buffer = larger;
      return;
    }
    const settled = this.#settled();
    spare = this.#centroids;
    this.#become(settled, this.count);
  }

  /** The weight of the value that comes next; weights are kept only while there are any but 1. */
  #bufferWeight(weight: number): void {
    if (!(Number.isSafeInteger(weight) && weight > 0 && this.count + weight <= COUNT_MAX)) {
      throw new RangeError(
        `a weight is a whole number from 1 and all together below 2^53, not ${weight}`,
      );
    }
    this.#bufferWeights ??= ONES.slice();
    this.#bufferWeights[this.#bufferCount] = weight;
    this.#countBeside += weight - 1;
  }

  /** That of a complete digest of this count, or the one inside where it leaves few centroids. */
  get #sealingCompression(): number {
    const compression = sealedCompression(this.compression, this.count);
    const fewMax = fewCentroidsMax(this.compression);
    if (compression > this.#workingCompression || this.#centroids.count > fewMax)
      return compression;
    return this.#settled().count > fewMax ? compression : this.#workingCompression;
  }

  get #workingCompression(): number {
    return WORKING_FACTOR * this.compression;
  }

  /** Centroids and buffer in one, valid until the next pass; the digest is not changed. */
  #settled(): Centroids {
    if (this.#bufferCount === 0) return this.#centroids;
    const output = spareFor(this.#workingCompression);
    this.#mergeBuffer(this.#workingCompression, output);
    return output;
  }

  #mergeBuffer(compression: number, output: Centroids): void {
    const options = { total: this.count, compression };
    if (this.#bufferWeights === null) {
      const values = sortedValues(this.#buffer, this.#bufferCount);
      compress(this.#centroids, values, this.#bufferCount, options, output);
    } else {
      const lists: Centroids[] = [];
      this.#listTo(lists);
      compress(ascendingCentroids(lists), NO_VALUES, 0, options, output);
    }
  }

  /** What it holds, the buffer included. */
  #listTo(lists: Centroids[]): void {
    if (this.#centroids.count > 0) lists.push(this.#centroids);
    if (this.#bufferCount === 0) return;
    lists.push({
      means: this.#buffer,
      weights: this.#bufferWeights ?? ONES,
      mixed: PURE,
      count: this.#bufferCount,
    });
  }

  /** Everything is in these centroids now, which weigh `count`. */
  #become(centroids: Centroids, count: number): void {
    this.#centroids = centroids;
    this.#countBeside = count;
    this.#bufferCount = 0;
    this.#bufferWeights = null;
    this.#curve = null;
  }
}

function spareFor(compression: number): Centroids {
  const capacity = centroidCountMax(compression);
  if (spare.means.length < capacity) spare = createCentroids(capacity);
  return spare;
}

export function isCompression(value: number): boolean {
  return Number.isInteger(value) && value >= COMPRESSION_MIN && value <= COMPRESSION_MAX;
}
