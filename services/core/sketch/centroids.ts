/**
 * Centroids of a t-digest as a structure of arrays, and the passes over them.
 *
 * A centroid is a mean and a weight. It is *pure* while everything in it is one and the same value
 * (a single value, or a repeated one), and *mixed* otherwise. A pure centroid is a step of the
 * distribution and loses nothing however heavy it is, so equal values are joined before the size
 * limit is looked at, and discrete data keep their steps. Up to `DISTINCT_VALUES_MAX` of them are not
 * joined with each other at all, so a column of few values is counted exactly. Weights are counts:
 * whole and positive.
 */
import { scaleFactor, weightSquaredMax } from './scale-function.ts';

/** Distinct values up to which every one keeps a centroid of its own, at every compression. */
export const DISTINCT_VALUES_MAX = 64;

export interface Centroids {
  /** Ascending; equal means only where at least one of the two is mixed. */
  means: Float64Array;
  weights: Float64Array;
  /** 0 pure, 1 mixed. */
  mixed: Uint8Array;
  count: number;
}

export function createCentroids(capacity: number): Centroids {
  return {
    means: new Float64Array(capacity),
    weights: new Float64Array(capacity),
    mixed: new Uint8Array(capacity),
    count: 0,
  };
}

/**
 * The merging pass: goes once through ascending centroids and ascending single values together, and
 * joins each to the centroid before it while the scale function allows their common weight at both of
 * its ends. At a tie pure items come before mixed ones; equal pure ones are one item. Where there are
 * `DISTINCT_VALUES_MAX` values or fewer, and never were more, nothing else is joined.
 *
 * `values` ends with `Infinity` at `valueCount`. `output` holds `centroidCountMax(compression)` and
 * shares no arrays with `centroids`. Total weight is kept, the means stay ascending, the first and
 * the last centroid stay pure, and a second pass at the same compression changes nothing.
 */
export function compress(
  centroids: Centroids,
  values: Float64Array,
  valueCount: number,
  options: { readonly total: number; readonly compression: number },
  output: Centroids,
): void {
  const { means, weights, mixed, count: centroidCount } = centroids;
  const { means: outputMeans, weights: outputWeights, mixed: outputMixed } = output;
  const total = options.total;
  const areFew = distinctValuesAreFew(centroids, values, valueCount);
  const factor = areFew ? 0 : scaleFactor(options.compression);
  let count = 0;
  let before = 0;
  let limitBefore = 0;
  // The centroid being filled: its first and last item, its weight, and Σ (item − first) · weight.
  let first = 0;
  let last = 0;
  let weight = 0;
  let offset = 0;
  let isMixed = 0;
  let next = 0;
  let value = values[0]!;
  for (let index = 0; index < centroidCount || next < valueCount; ) {
    let item = index < centroidCount ? means[index]! : Infinity;
    let itemWeight = 0;
    let itemMixed = 0;
    if (item < value || (item === value && mixed[index] === 0)) {
      itemWeight = weights[index]!;
      itemMixed = mixed[index]!;
      index++;
    } else {
      item = value;
    }
    if (itemMixed === 0) {
      while (index < centroidCount && means[index] === item && mixed[index] === 0) {
        itemWeight += weights[index++]!;
      }
      while (value === item) {
        itemWeight++;
        value = values[++next]!;
      }
    }

    const proposed = weight + itemWeight;
    const square = proposed * proposed;
    if (square <= limitBefore && square <= weightSquaredMax(factor, before + proposed, total)) {
      offset += (item - first) * itemWeight;
      weight = proposed;
      isMixed = 1;
    } else {
      if (weight > 0) {
        // Rounding, or a difference beyond the largest double, must not put the mean past the last.
        outputMeans[count] = Math.min(first + offset / weight, last);
        outputWeights[count] = weight;
        outputMixed[count] = isMixed;
        count++;
        before += weight;
        limitBefore = weightSquaredMax(factor, before, total);
      }
      first = item;
      weight = itemWeight;
      offset = 0;
      isMixed = itemMixed;
    }
    last = item;
  }
  if (weight > 0) {
    outputMeans[count] = Math.min(first + offset / weight, last);
    outputWeights[count] = weight;
    outputMixed[count] = isMixed;
    count++;
  }
  if (count > outputMeans.length) throw new Error('t-digest: more centroids than its bound');
  output.count = count;
}

/** Whether all is pure and of at most `DISTINCT_VALUES_MAX` values: then no value was ever joined. */
function distinctValuesAreFew(
  { means, mixed, count: centroidCount }: Centroids,
  values: Float64Array,
  valueCount: number,
): boolean {
  let distinctCount = 0;
  let previous = Number.NaN;
  for (let index = 0, next = 0; index < centroidCount || next < valueCount; ) {
    let item = index < centroidCount ? means[index]! : Infinity;
    if (item <= values[next]!) {
      if (mixed[index++] === 1) return false;
    } else item = values[next++]!;
    if (item === previous) continue;
    previous = item;
    if (++distinctCount > DISTINCT_VALUES_MAX) return false;
  }
  return true;
}
