/** Columns of few values: counted exactly, however many rows, merges and restarts there are. */
import { describe, expect, test } from 'vitest';
import { ks } from '../../../../services/core/distance/ks.ts';
import { DISTINCT_VALUES_MAX } from '../../../../services/core/sketch/centroids.ts';
import {
  decodeColumnSketch,
  encodeColumnSketch,
} from '../../../../services/core/sketch/column-sketch.ts';
import { NumericSketch } from '../../../../services/core/sketch/numeric-sketch.ts';
import { exactKs, runsOf, sample, sketchOf } from './samples.ts';

/** Very uneven: the rarest of the values comes a few times in a million. */
function uneven(seed: number, count: number, distinctCount: number): Float64Array {
  return sample('lognormal', seed, count).map((value) => Math.floor(4 * value) % distinctCount);
}

function countsOf(values: Float64Array): [number, number][] {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([left], [right]) => left - right);
}

function entriesOf(sketch: NumericSketch): [number, number][] | null {
  const counts = sketch.exactCounts();
  return counts === null ? null : [...counts];
}

describe('up to the limit', () => {
  const values = uneven(1, 60_000, DISTINCT_VALUES_MAX);
  const sorted = values.slice().sort();

  test.each(['open', 'sealed', 'written and read'])('%s', (state) => {
    let sketch = sketchOf(values);
    if (state === 'sealed') sketch.compact();
    if (state === 'written and read') {
      sketch = decodeColumnSketch(encodeColumnSketch(sketch)) as NumericSketch;
    }
    expect(entriesOf(sketch)).toEqual(countsOf(values));
    for (let q = 0; q < 1; q += 0.0007) {
      expect(sketch.quantile(q)).toBe(sorted[Math.floor(q * sorted.length)]);
    }
    for (const [value] of countsOf(values)) {
      const below = values.filter((other) => other < value).length;
      const equal = values.filter((other) => other === value).length;
      expect(sketch.cdf(value)).toBeCloseTo((below + equal / 2) / values.length, 12);
    }
  });

  test('and merged, at once or one by one', () => {
    const parts = runsOf(values, 1_000).map((run) => sketchOf(run));
    for (const part of parts) part.compact();
    const atOnce = new NumericSketch();
    atOnce.mergeAll(parts);
    const inTurn = new NumericSketch();
    for (const part of parts) inTurn.mergeAll([part]);
    expect(entriesOf(atOnce)).toEqual(countsOf(values));
    expect(entriesOf(inTurn)).toEqual(countsOf(values));
  });

  test('KS is the exact one', () => {
    const other = uneven(2, 5_000, 50);
    expect(ks(sketchOf(values), sketchOf(other))).toBeCloseTo(exactKs(values, other), 12);
  });

  test('at the lowest compression and with weights too', () => {
    const sketch = new NumericSketch();
    for (let index = 0; index < 10 * DISTINCT_VALUES_MAX; index++) {
      sketch.digest.add(index % DISTINCT_VALUES_MAX, 1 + 2 ** (index % 30));
    }
    sketch.compact();
    const counts = sketch.exactCounts()!;
    expect(counts.size).toBe(DISTINCT_VALUES_MAX);
    expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(sketch.count);
  });
});

test('the value beyond the limit ends it for good, by adding as by merging', () => {
  const values = Float64Array.from({ length: 3_000 }, (_, index) => index % DISTINCT_VALUES_MAX);
  const added = sketchOf(values);
  expect(added.exactCounts()?.size).toBe(DISTINCT_VALUES_MAX);
  added.add(0.5);
  expect(added.exactCounts()).toBeNull();
  for (const value of values) added.add(value);
  expect(added.exactCounts()).toBeNull();
  added.compact();
  expect(added.exactCounts()).toBeNull();
  const merged = new NumericSketch();
  merged.mergeAll([sketchOf(values), sketchOf([0.5])]);
  expect(merged.exactCounts()).toBeNull();
  merged.mergeAll([sketchOf(values)]);
  expect(merged.exactCounts()).toBeNull();
});

test('nothing yet is counted exactly too', () => {
  expect(new NumericSketch().exactCounts()?.size).toBe(0);
});
