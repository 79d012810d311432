/** The set sketches whose bytes are kept in test/golden/set-sketch-v1. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { SetSketch } from '../../../../services/core/sketch/set-sketch.ts';
import type { SetSpecification } from '../../../../services/core/sketch/set-specification.ts';
import { setOf } from './set-samples.ts';

/** Written out: a better way of choosing one must not change what is read. */
export const GOLDEN_SPECIFICATION: SetSpecification = {
  columns: [
    { name: 'age', centre: 41.5, scale: 12.25 },
    { name: 'ratio', centre: 1, scale: 1.5 },
    { name: 'größe', centre: -3, scale: 1e-3 },
  ],
  bandwidth: 1.25,
  frequencyCount: 8,
  projectionCount: 2,
  seed: 20_240_501,
};

/** Without functions whose last bit is up to the machine. */
function skewedRows(count: number): Float64Array[] {
  const generator = xoroshiro128plus(7);
  const uniform = () => uniformFloat64(generator);
  return Array.from({ length: count }, () => {
    const ratio = uniform() / uniform();
    return Float64Array.of(20 + 40 * uniform() + ratio, ratio, -3 + 0.004 * (uniform() - 0.5));
  });
}

function sealed(sketch: SetSketch): SetSketch {
  sketch.compact();
  return sketch;
}

function withGaps(): SetSketch {
  const rows = skewedRows(40);
  rows[3]![1] = Number.NaN;
  rows[9]![0] = Infinity;
  const sketch = setOf(GOLDEN_SPECIFICATION, rows);
  sketch.addLeftOut(1_000);
  return sketch;
}

export const GOLDEN_SETS: Readonly<Record<string, () => SetSketch>> = {
  'set-empty': () => setOf(GOLDEN_SPECIFICATION, []),
  'set-gaps': withGaps,
  'set-open': () => setOf(GOLDEN_SPECIFICATION, skewedRows(2_500)),
  'set-sealed': () => sealed(setOf(GOLDEN_SPECIFICATION, skewedRows(20_000))),
  'set-far-out': () =>
    setOf(GOLDEN_SPECIFICATION, [
      Float64Array.of(1e300, -1e300, 0),
      Float64Array.of(41.5, 1, -3),
      Float64Array.of(-Number.MAX_VALUE, Number.MAX_VALUE, -3),
    ]),
};
