/** The sketches whose bytes are kept in test/golden/column-sketch-v1. */

import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { CategoricalSketch } from '../../../../services/core/sketch/categorical-sketch.ts';
import type { ColumnSketch } from '../../../../services/core/sketch/column-sketch.ts';
import { NumericSketch } from '../../../../services/core/sketch/numeric-sketch.ts';

/** Without functions whose last bit is up to the machine. */
function skewed(count: number): number[] {
  const generator = xoroshiro128plus(20_240_501);
  return Array.from({ length: count }, () => uniformFloat64(generator) / uniformFloat64(generator));
}

function numeric(values: readonly number[], missing = 0): NumericSketch {
  const sketch = new NumericSketch();
  for (const value of values) sketch.add(value);
  sketch.addMissing(missing);
  return sketch;
}

function categorical(values: readonly string[], missing = 0): CategoricalSketch {
  const sketch = new CategoricalSketch();
  for (const value of values) sketch.add(value);
  sketch.addMissing(missing);
  return sketch;
}

function sealed(sketch: NumericSketch): NumericSketch {
  sketch.compact();
  return sketch;
}

/** From so many sealed parts that they are not all sorted. */
function merged(values: readonly number[], partCount: number): NumericSketch {
  const length = values.length / partCount;
  const whole = new NumericSketch();
  whole.mergeAll(
    Array.from({ length: partCount }, (_, part) =>
      sealed(numeric(values.slice(part * length, (part + 1) * length))),
    ),
  );
  return whole;
}

function weighted(): NumericSketch {
  const sketch = new NumericSketch();
  sketch.mergeAll([numeric([1, 2, 2, 3])]);
  sketch.digest.add(2, 300);
  sketch.digest.add(1);
  return sketch;
}

/** Written by earlier versions of the algorithm, which gave other bytes for the same values. */
export const RETIRED_SKETCHES: readonly string[] = [
  // Sealed in two passes.
  'numeric-sealed',
  'numeric-discrete',
  // Sealed at the nominal compression, however few its centroids were.
  'numeric-discrete-at-once',
  // First come, first counted.
  'categorical-other',
];

/** A trillion times each: the largest weights take six bytes. */
function heavy(distinctCount: number): NumericSketch {
  const sketch = new NumericSketch();
  for (let index = 0; index < distinctCount; index++)
    sketch.digest.add(index / 8, 10 ** 12 + index);
  return sketch;
}

export const GOLDEN_SKETCHES: Readonly<Record<string, () => ColumnSketch>> = {
  'numeric-empty': () => numeric([]),
  'numeric-not-finite': () => numeric([Number.NaN, Infinity, -Infinity, -Infinity], 1_000),
  'numeric-buffer-only': () => numeric([3, -0, 1.5, 3, -1e300], 2),
  'numeric-open': () => numeric(skewed(5_000)),
  'numeric-sealed-at-once': () => sealed(numeric(skewed(20_000), 17)),
  'numeric-discrete-whole': () => sealed(numeric(skewed(20_000).map((value) => Math.floor(value)))),
  'numeric-merged': () => sealed(merged(skewed(60_000), 40)),
  'numeric-weights': weighted,
  'categorical-empty': () => categorical([], 1),
  'categorical-few': () => categorical(['no', 'yes', 'no', '', 'ÿ€😀', '\ufeff'], 3),
  'numeric-exact': () => sealed(numeric(skewed(20_000).map((value) => Math.floor(value) % 64))),
  'numeric-exact-heavy': () => sealed(heavy(64)),
  'categorical-beyond': () =>
    categorical(skewed(6_000).map((value, index) => String(index % 3 === 0 ? value : value < 1))),
};
