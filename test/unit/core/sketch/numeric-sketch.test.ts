/** The numeric column sketch: what is counted where, and the moments. */
import { describe, expect, test } from 'vitest';
import { NumericSketch } from '../../../../services/core/sketch/numeric-sketch.ts';
import { runsOf, sample, sketchOf } from './samples.ts';

function momentsOf(values: Float64Array) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, m2: values.reduce((sum, value) => sum + (value - mean) ** 2, 0) };
}

test('what is not a finite value is counted apart and touches nothing else', () => {
  const sketch = sketchOf([
    1,
    Number.NaN,
    Infinity,
    3,
    -Infinity,
    Infinity,
    Number.NaN,
    Number.NaN,
  ]);
  sketch.addMissing();
  sketch.addMissing(3);
  expect(sketch.count).toBe(2);
  expect(sketch.missingCount).toBe(4);
  expect(sketch.nanCount).toBe(3);
  expect(sketch.positiveInfinityCount).toBe(2);
  expect(sketch.negativeInfinityCount).toBe(1);
  expect([sketch.minimum, sketch.maximum, sketch.mean, sketch.m2]).toEqual([1, 3, 2, 2]);
  expect(sketch.standardDeviation).toBe(Math.SQRT2);
});

test('without values there are no moments', () => {
  const sketch = new NumericSketch();
  expect(sketch.mean).toBeNaN();
  expect(sketch.standardDeviation).toBeNaN();
  expect(sketch.m2).toBe(0);
  sketch.add(4);
  expect(sketch.mean).toBe(4);
  expect(sketch.standardDeviation).toBeNaN();
});

describe('moments agree with two passes over the values', () => {
  const values = sample('lognormal', 2, 20_000).map((value) => value + 1e6);
  const { mean, m2 } = momentsOf(values);

  test('added one by one', () => {
    const sketch = sketchOf(values);
    expect(Math.abs(sketch.mean / mean - 1)).toBeLessThan(1e-13);
    expect(Math.abs(sketch.m2 / m2 - 1)).toBeLessThan(1e-9);
  });

  test('merged', () => {
    const merged = new NumericSketch();
    merged.mergeAll([new NumericSketch(), ...runsOf(values, 37).map(sketchOf)]);
    expect(merged.count).toBe(values.length);
    expect(Math.abs(merged.mean / mean - 1)).toBeLessThan(1e-13);
    expect(Math.abs(merged.m2 / m2 - 1)).toBeLessThan(1e-9);
  });
});

test('merging adds up every count', () => {
  const part = sketchOf([1, Number.NaN, Infinity, -Infinity]);
  part.addMissing(2);
  const merged = sketchOf([5]);
  merged.mergeAll([part, part]);
  expect(merged.count).toBe(3);
  expect(merged.missingCount).toBe(4);
  expect(merged.nanCount).toBe(2);
  expect(merged.positiveInfinityCount).toBe(2);
  expect(merged.negativeInfinityCount).toBe(2);
});

test('nothing becomes NaN or infinite by overflow', () => {
  const extremes = [Number.MAX_VALUE, -Number.MAX_VALUE, Number.MAX_VALUE, 0, 1e200];
  const sketch = sketchOf(extremes);
  const merged = new NumericSketch();
  merged.mergeAll([sketchOf([Number.MAX_VALUE]), sketchOf([-Number.MAX_VALUE]), sketch]);
  for (const { mean, m2 } of [sketch, merged]) {
    expect(Number.isFinite(mean)).toBe(true);
    expect(m2).toBe(Number.MAX_VALUE);
  }
});
