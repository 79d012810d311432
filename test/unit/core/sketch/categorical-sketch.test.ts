/** The categorical column sketch: exact counts, and what happens at its limits. */
import { describe, expect, test } from 'vitest';
import { CATEGORIES_MAX, CATEGORY_LENGTH_MAX } from '../../../../services/core/limits.ts';
import { CategoricalSketch } from '../../../../services/core/sketch/categorical-sketch.ts';
import {
  decodeColumnSketch,
  encodeColumnSketch,
} from '../../../../services/core/sketch/column-sketch.ts';

function sketchOf(values: Iterable<string>): CategoricalSketch {
  const sketch = new CategoricalSketch();
  for (const value of values) sketch.add(value);
  return sketch;
}

function names(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => `c${from + index}`);
}

test('values, missing ones and the empty text are counted apart', () => {
  const sketch = sketchOf(['a', 'b', 'a', '']);
  sketch.addMissing();
  sketch.addMissing(4);
  expect(Object.fromEntries(sketch.counts)).toEqual({ a: 2, b: 1, '': 1 });
  expect([sketch.count, sketch.missingCount, sketch.otherCount]).toEqual([4, 5, 0]);
});

test('names that objects have are categories like any other', () => {
  const sketch = sketchOf(['__proto__', 'constructor', '__proto__']);
  expect(sketch.counts.get('__proto__')).toBe(2);
  expect(sketch.counts.get('toString')).toBeUndefined();
});

test('long values are cut, and half a surrogate pair becomes U+FFFD', () => {
  const long = 'x'.repeat(CATEGORY_LENGTH_MAX);
  const half = `${'x'.repeat(CATEGORY_LENGTH_MAX - 1)}😀`;
  const sketch = sketchOf([long, `${long}y`, half, '\ud800', '\ufffd', '\ufeffa', 'a', '😀']);
  expect(Object.fromEntries(sketch.counts)).toEqual({
    [long]: 2,
    [`${'x'.repeat(CATEGORY_LENGTH_MAX - 1)}\ufffd`]: 1,
    '\ufffd': 2,
    '\ufeffa': 1,
    a: 1,
    '😀': 1,
  });
});

describe('merging', () => {
  test('adds up and leaves the parts alone', () => {
    const left = sketchOf(['a', 'b']);
    const right = sketchOf(['b', 'c']);
    right.addMissing(2);
    left.mergeAll([right, right]);
    expect(Object.fromEntries(left.counts)).toEqual({ a: 1, b: 3, c: 2 });
    expect([left.count, left.missingCount]).toEqual([6, 4]);
    expect(Object.fromEntries(right.counts)).toEqual({ b: 1, c: 1 });
  });

  test('keeps the most frequent where there are too many, in any order of the parts', () => {
    const parts = [
      sketchOf([...names(0, 600), ...names(0, 600)]),
      sketchOf(names(500, 1200)),
      sketchOf([...names(1190, 1300), 'zebra', 'zebra']),
    ];
    const forward = new CategoricalSketch();
    forward.mergeAll(parts);
    const backward = new CategoricalSketch();
    backward.mergeAll([...parts].reverse());
    expect(encodeColumnSketch(backward)).toEqual(encodeColumnSketch(forward));
    expect(forward.counts.size).toBe(CATEGORIES_MAX);
    expect(forward.counts.get('c550')).toBe(3);
    expect(forward.counts.get('c1195')).toBe(2);
    expect(forward.counts.get('zebra')).toBe(2);
    const kept = [...forward.counts.values()].reduce((sum, count) => sum + count, 0);
    expect(forward.count).toBe(1200 + 700 + 112);
    expect(forward.otherCount).toBe(forward.count - kept);
    expect(backward.otherCount).toBe(forward.otherCount);
  });
});

describe('beyond the limit', () => {
  const skewed = Array.from({ length: 40_000 }, (_, index) => `c${(index * 7_919) % (index + 1)}`);
  /** True counts of `skewed` and of what the tests add to it. */
  function countsOf(values: readonly string[]): Map<string, number> {
    const counts = new Map<string, number>();
    for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
    return counts;
  }

  /** Everything the header of categorical-sketch.ts promises. */
  function expectPromises(sketch: CategoricalSketch, values: readonly string[]): void {
    const truth = countsOf(values);
    expect(sketch.count).toBe(values.length);
    expect(sketch.counts.size).toBeLessThanOrEqual(CATEGORIES_MAX);
    let counted = 0;
    for (const [category, count] of sketch.counts) {
      counted += count;
      expect(count).toBeLessThanOrEqual(truth.get(category)!);
      const countMax = count + (sketch.countErrors.get(category) ?? 0);
      expect(countMax).toBeGreaterThanOrEqual(truth.get(category)!);
      expect(sketch.countErrors.get(category) ?? 0).toBeLessThanOrEqual(sketch.absentCountMax);
    }
    expect(sketch.otherCount).toBe(values.length - counted);
    for (const [category, count] of truth) {
      if (!sketch.counts.has(category)) expect(count).toBeLessThanOrEqual(sketch.absentCountMax);
    }
    expect(sketch.absentCountMax).toBeLessThanOrEqual(values.length / CATEGORIES_MAX);
    const error = Math.abs(sketch.cardinality - truth.size) / truth.size;
    expect(error).toBeLessThanOrEqual(4 * sketch.cardinalityError);
  }

  test('up to the limit everything is exact', () => {
    const sketch = sketchOf([...names(0, CATEGORIES_MAX), 'c3']);
    expect([sketch.cardinality, sketch.cardinalityError, sketch.absentCountMax]).toEqual([
      CATEGORIES_MAX,
      0,
      0,
    ]);
    expect([sketch.counts.get('c3'), sketch.countErrors.size, sketch.otherCount]).toEqual([
      2, 0, 0,
    ]);
  });

  test('counts are never too high, nor too low by more than is said', () => {
    const sketch = sketchOf(skewed);
    expect(sketch.absentCountMax).toBeGreaterThan(0);
    expectPromises(sketch, skewed);
  });

  test('what becomes frequent late is held, and what was frequent early stays', () => {
    const values = [
      ...Array.from({ length: 3_000 }, () => 'early'),
      ...names(0, 30_000),
      ...Array.from({ length: 3_000 }, () => 'late'),
    ];
    const sketch = sketchOf(values);
    expect(sketch.counts.get('early')).toBe(3_000);
    expect(sketch.counts.get('late')).toBe(3_000);
    expectPromises(sketch, values);
  });

  test('parts merge to what holds for the whole, in any order, and again', () => {
    const cuts = [0, 500, 9_000, 9_100, 25_000, skewed.length];
    const parts = cuts.slice(1).map((end, index) => sketchOf(skewed.slice(cuts[index], end)));
    const forward = new CategoricalSketch();
    forward.mergeAll(parts);
    const backward = new CategoricalSketch();
    backward.mergeAll([...parts].reverse());
    expect(encodeColumnSketch(backward)).toEqual(encodeColumnSketch(forward));
    expectPromises(forward, skewed);
    expect(forward.cardinality).toBe(sketchOf(skewed).cardinality);
    for (const value of skewed.slice(0, 3_000)) forward.add(value);
    expectPromises(forward, [...skewed, ...skewed.slice(0, 3_000)]);
    forward.mergeAll([backward]);
    expectPromises(forward, [...skewed, ...skewed.slice(0, 3_000), ...skewed]);
  });

  test('a restart changes nothing, wherever it comes', () => {
    const plain = encodeColumnSketch(sketchOf(skewed.slice(0, 12_000)));
    for (const at of [0, 1_000, 3_001, 11_999]) {
      const half = encodeColumnSketch(sketchOf(skewed.slice(0, at)));
      const restarted = decodeColumnSketch(half) as CategoricalSketch;
      for (const value of skewed.slice(at, 12_000)) restarted.add(value);
      expect(encodeColumnSketch(restarted)).toEqual(plain);
    }
  });

  test('a sketch that counted the first to come goes on within its own error', () => {
    const counts = new Map(names(0, CATEGORIES_MAX).map((name) => [name, 1]));
    const sketch = CategoricalSketch.restore({ missingCount: 0, otherCount: 50, counts });
    expect(sketch.absentCountMax).toBe(50);
    sketch.add('new');
    expect([sketch.counts.get('new'), sketch.countErrors.get('new')]).toEqual([1, 50]);
    expect([sketch.count, sketch.otherCount]).toEqual([CATEGORIES_MAX + 51, 51]);
  });
});
