/** Seeded samples, and slow exact answers to hold the sketches against. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { NumericSketch } from '../../../../services/core/sketch/numeric-sketch.ts';

type Sampler = (uniform: () => number) => number;

const normal: Sampler = (uniform) =>
  Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());

export const SAMPLERS = {
  normal,
  lognormal: (uniform) => Math.exp(normal(uniform)),
  uniform: (uniform) => uniform(),
  // Knuth's, with a mean of 5.
  poisson: (uniform) => {
    let count = -1;
    for (let product = 1; product > Math.exp(-5); count++) product *= uniform();
    return count;
  },
  // Two hundred distinct values, most of them often.
  rounded: (uniform) => Math.round(normal(uniform) * 25) / 25,
  twoValued: (uniform) => (uniform() < 0.3 ? 1 : 0),
} as const satisfies Record<string, Sampler>;

export type Distribution = keyof typeof SAMPLERS;
export const DISTRIBUTIONS = Object.keys(SAMPLERS) as Distribution[];

export function sample(distribution: Distribution, seed: number, count: number): Float64Array {
  const generator = xoroshiro128plus(seed);
  const uniform = () => uniformFloat64(generator);
  return Float64Array.from({ length: count }, () => SAMPLERS[distribution](uniform));
}

export function sketchOf(values: Iterable<number>): NumericSketch {
  const sketch = new NumericSketch();
  for (const value of values) sketch.add(value);
  return sketch;
}

/** `values` cut into `count` runs of about the same length. */
export function runsOf(values: Float64Array, count: number): Float64Array[] {
  const start = (index: number) => Math.floor((index * values.length) / count);
  return Array.from({ length: count }, (_, index) =>
    values.subarray(start(index), start(index + 1)),
  );
}

/** How far `q` lies from the share of values below, or not above, the estimate of its quantile. */
export function rankError(sorted: Float64Array, q: number, estimate: number): number {
  const below = countBelow(sorted, estimate, false) / sorted.length;
  const atOrBelow = countBelow(sorted, estimate, true) / sorted.length;
  if (q < below) return below - q;
  return q > atOrBelow ? q - atOrBelow : 0;
}

function countBelow(sorted: Float64Array, x: number, inclusive: boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < x || (inclusive && sorted[middle] === x)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The two-sample statistic by its definition, over the pooled sorted samples. */
export function exactKs(left: Float64Array, right: Float64Array): number {
  const a = left.slice().sort();
  const b = right.slice().sort();
  let distance = 0;
  for (const x of [...a, ...b]) {
    const difference = countBelow(a, x, true) / a.length - countBelow(b, x, true) / b.length;
    distance = Math.max(distance, Math.abs(difference));
  }
  return distance;
}
