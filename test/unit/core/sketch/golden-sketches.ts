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

function weighted(): NumericSketch {
  const sketch = new NumericSketch();
  sketch.mergeAll([numeric([1, 2, 2, 3])]);
  sketch.digest.add(2, 300);
  sketch.digest.add(1);
  return sketch;
}

export const GOLDEN_SKETCHES: Readonly<Record<string, () => ColumnSketch>> = {
  'numeric-empty': () => numeric([]),
  'numeric-not-finite': () => numeric([Number.NaN, Infinity, -Infinity, -Infinity], 1_000),
  'numeric-buffer-only': () => numeric([3, -0, 1.5, 3, -1e300], 2),
  'numeric-open': () => numeric(skewed(5_000)),
  'numeric-sealed': () => sealed(numeric(skewed(20_000), 17)),
  'numeric-discrete': () => sealed(numeric(skewed(20_000).map((value) => Math.floor(value)))),
  'numeric-weights': weighted,
  'categorical-empty': () => categorical([], 1),
  'categorical-few': () => categorical(['no', 'yes', 'no', '', 'ÿ€😀', '\ufeff'], 3),
  'categorical-other': () => categorical(skewed(1_500).map(String)),
};
