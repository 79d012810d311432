/** Joining before the merging pass: what it keeps, where it falls back to sorting, and its order. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type Centroids,
  compress,
  createCentroids,
} from '../../../../services/core/sketch/centroids.ts';
import { CumulativeCurve } from '../../../../services/core/sketch/cumulative-curve.ts';
import { joinedCentroids } from '../../../../services/core/sketch/join-centroids.ts';
import {
  centroidCountMax,
  scaleFactor,
  weightSquaredMax,
} from '../../../../services/core/sketch/scale-function.ts';
import { ascendingCentroids } from '../../../../services/core/sketch/sort-centroids.ts';
import { TDigest } from '../../../../services/core/sketch/t-digest.ts';
import { rankError, runsOf, sample } from './samples.ts';

const COMPRESSION = 400;
const COUNT = 100_000;

/** Where the cells fit, where they do not, where values come in lumps, and where numbers end. */
const SHAPES: Readonly<Record<string, (x: number, index: number) => number>> = {
  normal: (x) => x,
  lognormal: (x) => Math.exp(x),
  bounded: (x) => Math.abs(x % 1),
  'heavy tails': (x) => Math.tan(Math.atan(x) * 1.999),
  'a narrow peak': (x, index) => (index % 2 === 0 ? x : x * 1e-7),
  'two far humps': (x, index) => x + (index % 2 === 0 ? 0 : 1e6),
  'half of it zero': (x, index) => (index % 2 === 0 ? 0 : x),
  rounded: (x) => Math.round(x * 50) / 50,
  'rounded, and not': (x, index) => (index % 3 === 0 ? x : Math.round(x * 5)),
  'one far outlier': (x, index) => (index === 77 ? 1e30 : x),
  'far from zero': (x) => 1.7e12 + Math.floor(x * 1e5),
  'neighbouring doubles': (x) => 1 + Math.round(x * 300) * Number.EPSILON,
  'near the largest double': (x) => Math.max(-1, Math.min(x / 4, 1)) * Number.MAX_VALUE,
  'near the smallest double': (x) => Math.round(x * 1e4) * Number.MIN_VALUE,
};

function valuesOf(shape: string, seed: number): Float64Array {
  return sample('normal', seed, COUNT).map(SHAPES[shape]!);
}

function partsOf(values: Float64Array, count: number): TDigest[] {
  return runsOf(values, count).map((run) => {
    const part = new TDigest();
    part.addMany(run);
    part.compact();
    return part;
  });
}

function joined(parts: readonly TDigest[]): Centroids {
  const lists = parts.map((part) => structuredClone(part.state.centroids));
  const width =
    Math.max(...parts.map((part) => part.maximum)) - Math.min(...parts.map((part) => part.minimum));
  const total = parts.reduce((sum, part) => sum + part.count, 0);
  return structuredClone(joinedCentroids(lists, { total, compression: COMPRESSION, width }));
}

function itemsOf({ means, weights, mixed, count }: Centroids) {
  return Array.from({ length: count }, (_, index) => ({
    mean: means[index]!,
    weight: weights[index]!,
    mixed: mixed[index]!,
  }));
}

/** Of what the merging pass makes of a list. */
function meanRankError(list: Centroids, sorted: Float64Array): number {
  const output = createCentroids(centroidCountMax(COMPRESSION));
  const options = { total: COUNT, compression: COMPRESSION };
  compress(list, Float64Array.of(Infinity), 0, options, output);
  const curve = new CumulativeCurve(output);
  const quantiles = Array.from({ length: 999 }, (_, index) => (index + 1) / 1_000);
  return quantiles.reduce((sum, q) => sum + rankError(sorted, q, curve.quantile(q)), 0) / 999;
}

/** Weight of the pure items by value. */
function steps(items: ReturnType<typeof itemsOf>): Map<number, number> {
  const weights = new Map<number, number>();
  for (const { mean, weight, mixed } of items) {
    if (mixed === 0) weights.set(mean, (weights.get(mean) ?? 0) + weight);
  }
  return new Map([...weights].sort(([one], [other]) => one - other));
}

describe.each(Object.keys(SHAPES))('%s', (shape) => {
  const values = valuesOf(shape, 3);
  const parts = partsOf(values, 100);
  const items = itemsOf(joined(parts));
  const sources = parts.flatMap((part) => itemsOf(part.state.centroids));

  test('the list ascends from the smallest value to the largest, both pure', () => {
    for (const [index, { mean }] of items.entries()) {
      if (index > 0) expect(mean).toBeGreaterThanOrEqual(items[index - 1]!.mean);
    }
    const sorted = values.slice().sort();
    expect(items[0]).toMatchObject({ mean: sorted[0]! + 0, mixed: 0 });
    expect(items.at(-1)).toMatchObject({ mean: sorted[COUNT - 1]! + 0, mixed: 0 });
  });

  test('weight is kept, and every step', () => {
    expect(items.reduce((sum, { weight }) => sum + weight, 0)).toBe(COUNT);
    expect(steps(items)).toEqual(steps(sources));
  });

  test('nothing becomes heavier than the scale function allows, unless it was', () => {
    const heaviestBefore = new Set(sources.map(({ weight }) => weight));
    const factor = scaleFactor(COMPRESSION);
    let before = 0;
    for (const { weight, mixed } of items) {
      const after = before + weight;
      const limit = Math.min(
        weightSquaredMax(factor, before, COUNT),
        weightSquaredMax(factor, after, COUNT),
      );
      // A pure item may lie in the middle of a cell, and then is counted before or after it.
      if (mixed === 1 && !heaviestBefore.has(weight)) {
        expect(weight * weight).toBeLessThanOrEqual(1.1 * limit);
      }
      before = after;
    }
  });

  test('ranks are as exact as where everything is sorted', () => {
    const sorted = values.slice().sort();
    const everything = ascendingCentroids(parts.map((part) => part.state.centroids));
    expect(meanRankError(joined(parts), sorted)).toBeLessThan(
      1.1 * meanRankError(everything, sorted) + 1e-5,
    );
  });
});

test('many items become few, also where many cells are too heavy', () => {
  for (const [shape, share] of [
    ['normal', 0.25],
    ['lognormal', 0.25],
    ['bounded', 0.3],
    ['heavy tails', 0.3],
  ] as const) {
    const parts = partsOf(valuesOf(shape, 5), 100);
    const count = parts.reduce((sum, part) => sum + part.state.centroids.count, 0);
    expect(joined(parts).count).toBeLessThan(share * count);
  }
});

test('few items, or pure ones only, are sorted and none is joined', () => {
  const few = partsOf(valuesOf('normal', 1), 5);
  expect(itemsOf(joined(few)).length).toBe(few.flatMap((p) => itemsOf(p.state.centroids)).length);
  const pure = partsOf(valuesOf('normal', 1), 400);
  expect(itemsOf(joined(pure))).toEqual(
    Array.from(valuesOf('normal', 1).sort(), (mean) => ({ mean, weight: 1, mixed: 0 })),
  );
});

test('the order of the parts, buffers and weights among them, does not matter', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.keys(SHAPES)),
      fc.nat(),
      fc.array(fc.nat(), { minLength: 60, maxLength: 60 }),
      (shape, seed, places) => {
        const parts = partsOf(valuesOf(shape, seed), 60);
        // Some are open, and one comes twice.
        for (let index = 0; index < 200; index++) parts[1]!.add(index % 7);
        for (let index = 0; index < 50; index++) parts[2]!.add(index, 1 + (index % 3));
        parts.push(TDigest.restore(structuredClone(parts[1]!.state)));
        const shuffled = parts
          .map((part, index) => ({ part, place: places[index] ?? 0 }))
          .sort((one, other) => one.place - other.place)
          .map(({ part }) => part);
        const [one, other] = [parts, shuffled].map((list) => {
          const merged = new TDigest();
          merged.merge(list);
          return itemsOf(merged.state.centroids);
        });
        expect(other).toEqual(one);
      },
    ),
    { numRuns: 25 },
  );
});
