/** L∞ of categorical columns: known cases and laws. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lInfinity } from '../../../../services/core/distance/l-infinity.ts';
import { CategoricalSketch } from '../../../../services/core/sketch/categorical-sketch.ts';

function sketchOf(counts: Readonly<Record<string, number>>, otherCount = 0): CategoricalSketch {
  const entries = Object.entries(counts).filter(([, count]) => count > 0);
  return CategoricalSketch.restore({
    counts: new Map(entries),
    otherCount,
    missingCount: 0,
    beyond: null,
  });
}

// The cases of TensorFlow Data Validation and NannyML.
test.each([
  [{ hello: 1, world: 9 }, { hello: 3, world: 7 }, 0.2],
  [{ a: 3, b: 7 }, { b: 9, c: 1 }, 0.3],
  [{ a: 2, b: 2, c: 2 }, { b: 5 }, 2 / 3],
  [{ a: 5 }, { b: 1 }, 1],
  [{ a: 1, b: 1 }, { a: 50, b: 50 }, 0],
])('%j against %j is %d', (reference, window, distance) => {
  expect(lInfinity(sketchOf(reference), sketchOf(window))).toBeCloseTo(distance, 12);
});

test('values beyond the counted ones are one category', () => {
  expect(lInfinity(sketchOf({ a: 6 }, 4), sketchOf({ a: 9 }, 1))).toBeCloseTo(0.3, 12);
  expect(lInfinity(sketchOf({ a: 5, b: 5 }), sketchOf({ a: 4, b: 4 }, 2))).toBeCloseTo(0.2, 12);
});

test('missing values are left out, and an empty side is no distance', () => {
  const empty = new CategoricalSketch();
  empty.addMissing(9);
  const full = sketchOf({ a: 1 });
  const withGaps = sketchOf({ a: 1 });
  withGaps.addMissing(100);
  expect(lInfinity(empty, full)).toBe(0);
  expect(lInfinity(full, empty)).toBe(0);
  expect(lInfinity(empty, empty)).toBe(0);
  expect(lInfinity(full, withGaps)).toBe(0);
});

test('it is symmetric, 0 on identical inputs, in [0, 1], and the largest change of a share', () => {
  const counts = fc.dictionary(
    fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    fc.integer({ max: 1_000, min: 1 }),
  );
  fc.assert(
    fc.property(counts, counts, fc.nat(50), fc.nat(50), (left, right, leftOther, rightOther) => {
      const reference = sketchOf(left, leftOther);
      const window = sketchOf(right, rightOther);
      const distance = lInfinity(reference, window);
      expect(distance).toBe(lInfinity(window, reference));
      expect(distance >= 0 && distance <= 1).toBe(true);
      expect(lInfinity(reference, reference)).toBe(0);
      if (reference.count === 0 || window.count === 0) return;
      const changes = ['a', 'b', 'c', 'd', 'e'].map((category) =>
        Math.abs((left[category] ?? 0) / reference.count - (right[category] ?? 0) / window.count),
      );
      changes.push(Math.abs(leftOther / reference.count - rightOther / window.count));
      expect(distance).toBe(Math.max(...changes));
    }),
  );
});
