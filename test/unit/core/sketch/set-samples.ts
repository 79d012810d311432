/** Seeded rows of several columns, and set sketches of them. */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { setVariationFrom } from '../../../../services/core/decision/set-variation.ts';
import type { SetReference } from '../../../../services/core/monitor/reference-sets.ts';
import { setSpecificationFrom } from '../../../../services/core/sketch/fit-set.ts';
import { createSetSketch, type SetSketch } from '../../../../services/core/sketch/set-sketch.ts';
import type { SetSpecification } from '../../../../services/core/sketch/set-specification.ts';

export type RowSampler = (normal: () => number) => readonly number[];

/** Normal columns that are all correlated with each other by `correlation`. */
export function correlated(dimension: number, correlation: number): RowSampler {
  return (normal) => {
    const shared = Math.sqrt(correlation) * normal();
    const own = Math.sqrt(1 - correlation);
    return Array.from({ length: dimension }, () => shared + own * normal());
  };
}

/** Three normal columns, no two of them dependent, where the product of all three is positive. */
export const tiedBySign: RowSampler = (normal) => {
  const [a, b] = [normal(), normal()];
  return [a, b, Math.abs(normal()) * Math.sign(a * b)];
};

/** Heavy tails, t with 3 degrees of freedom; where `isShared`, all columns become large together. */
export function heavyTailed(dimension: number, isShared: boolean): RowSampler {
  return (normal) => {
    const size = () => Math.sqrt((normal() ** 2 + normal() ** 2 + normal() ** 2) / 3);
    const shared = size();
    return Array.from({ length: dimension }, () => normal() / (isShared ? shared : size()));
  };
}

export function sampleRows(sampler: RowSampler, seed: number, count: number): Float64Array[] {
  const generator = xoroshiro128plus(seed);
  const uniform = () => uniformFloat64(generator);
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return Array.from({ length: count }, () => Float64Array.from(sampler(normal)));
}

export function setOf(specification: SetSpecification, rows: readonly Float64Array[]): SetSketch {
  const sketch = createSetSketch(specification);
  for (const row of rows) sketch.add(row);
  return sketch;
}

export function columnNames(dimension: number): string[] {
  return Array.from({ length: dimension }, (_, index) => `c${index}`);
}

export function setReference(
  rows: readonly Float64Array[],
  seed = 1,
  names: readonly string[] = columnNames(rows[0]!.length),
): SetReference {
  const specification = setSpecificationFrom(rows, names, seed)!;
  const sketch = setOf(specification, rows);
  const variation = setVariationFrom(rows, specification);
  return { specification, sketch, variation, calibration: null };
}
