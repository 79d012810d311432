/** The categorical column sketch: exact counts, and what happens at its limits. */
import { describe, expect, test } from 'vitest';
import { CATEGORIES_MAX, CATEGORY_LENGTH_MAX } from '../../../../services/core/limits.ts';
import { CategoricalSketch } from '../../../../services/core/sketch/categorical-sketch.ts';

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

test('beyond the limit new values are other, and known ones are still counted', () => {
  const sketch = sketchOf([...names(0, CATEGORIES_MAX + 5), 'c3', 'late', 'late']);
  expect(sketch.counts.size).toBe(CATEGORIES_MAX);
  expect(sketch.counts.get('c3')).toBe(2);
  expect(sketch.otherCount).toBe(7);
  expect(sketch.count).toBe(CATEGORIES_MAX + 8);
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
    expect(backward.counts).toEqual(forward.counts);
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
