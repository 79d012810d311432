/** The table of distances, their known values, directions and what an outlier does to them. */
import { describe, expect, test } from 'vitest';
import { BINS_MAX } from '../../../../services/core/distance/bins.ts';
import { chiSquareDegrees } from '../../../../services/core/distance/chi-square.ts';
import { Comparison } from '../../../../services/core/distance/comparison.ts';
import {
  DISTANCE_NAMES,
  DISTANCES,
  type DistanceName,
  distanceNamesFor,
  isDistanceName,
  measureDistances,
} from '../../../../services/core/distance/distances.ts';
import { meanChange, medianChange } from '../../../../services/core/distance/location-change.ts';
import {
  missingRateChange,
  nonFiniteRateChange,
} from '../../../../services/core/distance/rate-change.ts';
import { robustScale } from '../../../../services/core/distance/robust-scale.ts';
import { robustScaleChange, scaleChange } from '../../../../services/core/distance/scale-change.ts';
import { CategoricalSketch } from '../../../../services/core/sketch/categorical-sketch.ts';
import type { ColumnSketch } from '../../../../services/core/sketch/column-sketch.ts';
import { NumericSketch } from '../../../../services/core/sketch/numeric-sketch.ts';
import { centroidCountMax } from '../../../../services/core/sketch/scale-function.ts';
import { COMPRESSION_DEFAULT, TDigest } from '../../../../services/core/sketch/t-digest.ts';
import { sample, sketchOf } from '../sketch/samples.ts';

function categories(counts: Readonly<Record<string, number>>, otherCount = 0): CategoricalSketch {
  const held = new Map(Object.entries(counts));
  return CategoricalSketch.restore({ missingCount: 0, otherCount, counts: held, beyond: null });
}

function measure(reference: ColumnSketch, window: ColumnSketch): Readonly<Record<string, number>> {
  return measureDistances(new Comparison(reference, window));
}

function shifted(values: Float64Array, by: number, scale = 1): Float64Array {
  return values.map((value) => scale * value + by);
}

describe('the table', () => {
  test('names are as in reports, and known by name', () => {
    for (const name of DISTANCE_NAMES) expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
    expect(isDistanceName('ks')).toBe(true);
    expect(isDistanceName('toString')).toBe(false);
    expect(distanceNamesFor('categorical')).toEqual(
      expect.arrayContaining(['l_infinity', 'psi', 'unseen_share']),
    );
    expect(distanceNamesFor('categorical')).not.toContain('ks');
    expect(distanceNamesFor('numeric')).not.toContain('unseen_share');
  });

  test('a column of a type it does not take is refused', () => {
    const [numeric, categorical] = [sketchOf([1]), categories({ a: 1 })];
    expect(() => DISTANCES.ks.compute(categorical, categorical)).toThrow(RangeError);
    expect(() => DISTANCES.unseen_share.compute(numeric, numeric)).toThrow(RangeError);
    expect(() => DISTANCES.psi.compute(numeric, categorical)).toThrow(RangeError);
    expect(() => new Comparison(categorical, categorical).curves).toThrow(RangeError);
    expect(() => new Comparison(categorical, categorical).referenceScale).toThrow(RangeError);
  });

  test('only those asked for', () => {
    const comparison = new Comparison(sketchOf([1]), sketchOf([2]));
    expect(measureDistances(comparison, ['ks', 'l1'])).toEqual({ ks: 1, l1: 2 });
  });
});

test('sides that have nothing in common are as far as it goes', () => {
  const bounded = { jensen_shannon: 1, jensen_shannon_divergence: 1, hellinger: 1, l1: 2 };
  const far = { ...bounded, l_infinity: 1, cramers_v: 1, chi_square: 20, unseen_share: 1 };
  expect(measure(categories({ a: 10 }), categories({ b: 10 }))).toMatchObject(far);
  const numeric = measure(sketchOf(Array(10).fill(1)), sketchOf(Array(10).fill(2)));
  expect(numeric).toMatchObject({ ...bounded, ks: 1, chi_square: 20, cramer_von_mises: 0.5 });
});

test('smoothing: half a value of the smaller side, so equal shares of unequal sides stay equal', () => {
  const small = categories({ a: 9, b: 1 });
  const large = categories({ a: 9_000, b: 1_000 });
  expect(measure(large, small)).toMatchObject({ psi: 0, kullback_leibler: 0, chi_square: 0 });
  // One of ten in a category the reference has not: 0.1 against 1 / 20.
  const { psi, kullback_leibler } = measure(categories({ a: 10_000 }), small);
  expect(psi).toBeCloseTo(0.1 * Math.log(1 / 0.9) + 0.05 * Math.log(2), 12);
  expect(kullback_leibler).toBeCloseTo(0.9 * Math.log(0.9 * 1.05) + 0.1 * Math.log(2 * 1.05), 12);
});

test('PSI stays below the most that its smoothing allows', () => {
  for (const count of [1, 10, 1_000]) {
    const { psi } = measure(categories({ a: count }), categories({ b: 50 * count }));
    expect(psi).toBeLessThanOrEqual(2 * Math.log(2 * count));
    expect(psi).toBeGreaterThan(0.5 * Math.log(2 * count));
  }
});

test('χ² has a degree for every bin that is not empty on both sides, but one', () => {
  const degrees = (reference: ColumnSketch, window: ColumnSketch) =>
    chiSquareDegrees(new Comparison(reference, window).bins);
  expect(degrees(categories({ a: 1, b: 1 }), categories({ c: 5 }))).toBe(2);
  expect(degrees(categories({ a: 1 }), categories({ a: 1 }))).toBe(0);
  expect(degrees(sketchOf([]), sketchOf([1]))).toBe(0);
  expect(degrees(sketchOf([1, 2, 3]), sketchOf([1, 2, 3]))).toBe(2);
});

describe('a shift of a normal column', () => {
  const values = sample('normal', 1, 20_000);
  const reference = sketchOf(values);

  test('is what theory says, in scales of the reference', () => {
    const found = measure(reference, sketchOf(shifted(values, 0.5)));
    expect(found.wasserstein).toBeCloseTo(0.5, 1);
    expect(found.mean_change).toBeCloseTo(0.5, 1);
    expect(found.median_change).toBeCloseTo(0.5, 1);
    // 2 Φ(¼) − 1; and the square root of 1 − exp(−0.5² / 8), less what binning loses.
    expect(found.ks).toBeCloseTo(0.1974, 1);
    expect(found.hellinger).toBeCloseTo(0.1754, 1);
    expect(found.scale_change).toBeLessThan(1e-9);
  });

  test('does not depend on the unit of the column', () => {
    const inOne = measure(reference, sketchOf(shifted(values, 0.5, 1.3)));
    const inAnother = measure(
      sketchOf(shifted(values, 7, 1_000)),
      sketchOf(shifted(shifted(values, 0.5, 1.3), 7, 1_000)),
    );
    for (const name of DISTANCE_NAMES.filter((each) => each in inOne)) {
      expect(inAnother[name], name).toBeCloseTo(inOne[name]!, 6);
    }
  });

  test('has a direction', () => {
    const [up, down] = [sketchOf(shifted(values, 1)), sketchOf(shifted(values, -1))];
    expect(meanChange(reference, up)).toBeCloseTo(1, 1);
    expect(meanChange(reference, down)).toBeCloseTo(-1, 1);
    expect(medianChange(reference, up)).toBeGreaterThan(0.9);
    expect(medianChange(reference, down)).toBeLessThan(-0.9);
    const [wide, narrow] = [sketchOf(shifted(values, 0, 2)), sketchOf(shifted(values, 0, 0.5))];
    for (const change of [scaleChange, robustScaleChange]) {
      expect(change(reference, wide)).toBeCloseTo(0.5, 6);
      expect(change(reference, narrow)).toBeCloseTo(-0.5, 6);
    }
  });

  test('one outlier hides nothing from the robust ones, and does not fire them', () => {
    const window = sample('normal', 2, 1_000);
    const spiked = (by: number) => sketchOf([...shifted(window, by), 1e6]);
    const quiet = measure(reference, sketchOf(window));
    const calm = measure(reference, spiked(0));
    const moved = measure(reference, spiked(1));
    const robust: DistanceName[] = [
      'ks',
      'cramer_von_mises',
      'psi',
      'kullback_leibler',
      'jensen_shannon',
      'hellinger',
      'l1',
      'l_infinity',
      'cramers_v',
      'median_change',
      'robust_scale_change',
    ];
    for (const name of robust) {
      expect(Math.abs(calm[name]! - quiet[name]!), name).toBeLessThan(0.01);
      if (name !== 'robust_scale_change')
        expect(moved[name]! / calm[name]!, name).toBeGreaterThan(3);
    }
    // These say how far: they must not decide alone.
    expect(calm.wasserstein).toBeGreaterThan(500);
    expect(calm.mean_change).toBeGreaterThan(500);
  });
});

describe('scale of the reference', () => {
  test.each([
    ['normal', sample('normal', 3, 50_000), 1],
    ['normal with outliers', [...sample('normal', 3, 50_000), 1e9, -1e9, 1e300], 1],
    ['three quarters zero: the 5 % and 95 % quantiles', [0, 0, 0, 0, 0, 0, 0, 0, 0, 3.29], 1],
    ['a constant', [-5, -5, -5], 5],
    ['zero', [0, 0], 1],
    ['one value', [7], 7],
    ['nothing', [], 1],
  ])('%s', (_, values, scale) => {
    expect(robustScale(sketchOf(values))).toBeCloseTo(scale, 1);
  });

  test('one value in a thousand: the standard deviation', () => {
    const sketch = sketchOf([...Array(999).fill(2), 3]);
    expect(robustScale(sketch)).toBe(sketch.standardDeviation);
  });
});

test('constants: that one moves, begins to vary or becomes constant is a finite number', () => {
  const constant = sketchOf([4, 4, 4]);
  expect(measure(constant, sketchOf([5, 5]))).toMatchObject({
    ks: 1,
    l1: 2,
    wasserstein: 0.25,
    mean_change: 0.25,
    median_change: 0.25,
    scale_change: 0,
  });
  expect(scaleChange(constant, sketchOf([3, 5]))).toBe(1);
  expect(robustScaleChange(constant, sketchOf([3, 5]))).toBe(1);
  expect(robustScaleChange(sketchOf([3, 5]), constant)).toBe(-1);
});

test('rates are of all rows, and what is not finite is apart from what is missing', () => {
  const reference = sketchOf([1, 2, 3, 4]);
  const window = sketchOf([1, Number.NaN, Infinity]);
  window.addMissing(1);
  expect(missingRateChange(reference, window)).toBe(0.25);
  expect(missingRateChange(window, reference)).toBe(-0.25);
  expect(nonFiniteRateChange(reference, window)).toBe(0.5);
  const allMissing = new NumericSketch();
  allMissing.addMissing(9);
  expect(measure(reference, allMissing)).toMatchObject({ missing_rate_change: 1, ks: 0, psi: 0 });
  const letters = categories({ a: 3 });
  letters.addMissing(1);
  expect(missingRateChange(categories({ a: 1 }), letters)).toBe(0.25);
});

test('unseen: what the reference may have seen and not counted is not unseen', () => {
  const unseen = (reference: ColumnSketch, window: ColumnSketch) =>
    DISTANCES.unseen_share.compute(reference, window);
  expect(unseen(categories({ a: 9, b: 1 }), categories({ a: 6, c: 3, d: 1 }))).toBeCloseTo(0.4, 12);
  expect(unseen(categories({ a: 9, b: 1 }), categories({ b: 1 }))).toBe(0);
  expect(unseen(categories({ a: 8 }, 2), categories({ a: 7, c: 3 }))).toBeCloseTo(0.1, 12);
  expect(unseen(categories({ a: 8 }, 2), categories({ a: 9, c: 1 }))).toBe(0);
  expect(unseen(categories({ a: 8 }), categories({ a: 8 }, 2))).toBeCloseTo(0.2, 12);
});

test('what there is to go through does not grow with the number of values', () => {
  const many = (seed: number) => {
    const digest = new TDigest();
    for (const value of sample('normal', seed, 50_000)) digest.add(value, 20);
    const sketch = new NumericSketch(digest);
    sketch.compact();
    return sketch;
  };
  const { curves, bins } = new Comparison(many(1), many(2));
  expect(curves.referenceCount).toBe(1_000_000);
  expect(curves.count).toBeLessThanOrEqual(2 * centroidCountMax(COMPRESSION_DEFAULT));
  expect(bins.reference).toHaveLength(BINS_MAX);
});
