/** The distances of sets against slow textbook versions on the rows themselves. */
import { describe, expect, test } from 'vitest';
import {
  correlationChange,
  correlations,
  mostChangedCorrelation,
} from '../../../../services/core/distance/correlation-change.ts';
import { mmd } from '../../../../services/core/distance/mmd.ts';
import { prepareSet } from '../../../../services/core/sketch/set-specification.ts';
import { correlated, heavyTailed, sampleRows, setOf, setReference } from '../sketch/set-samples.ts';

function pearson(rows: readonly Float64Array[], left: number, right: number): number {
  const mean = (of: (row: Float64Array) => number) =>
    rows.reduce((sum, row) => sum + of(row), 0) / rows.length;
  const a = mean((row) => row[left]!);
  const b = mean((row) => row[right]!);
  const product = (i: number, j: number, x: number, y: number) =>
    mean((row) => (row[i]! - x) * (row[j]! - y));
  return (
    product(left, right, a, b) / Math.sqrt(product(left, left, a, a) * product(right, right, b, b))
  );
}

describe('correlations', () => {
  test('are those of the rows where no value is far out', () => {
    const rows = sampleRows(correlated(4, 0.7), 5, 2_000);
    const found = correlations(setReference(rows).sketch);
    let pair = 0;
    for (let left = 1; left < 4; left++) {
      for (let right = 0; right < left; right++) {
        expect(found[pair++]).toBeCloseTo(pearson(rows, left, right), 3);
      }
    }
  });

  test('name the pair that moved, and are not moved by one outlier', () => {
    const { sketch, specification } = setReference(sampleRows(correlated(3, 0.6), 6, 5_000));
    const moved = sampleRows(correlated(3, 0.6), 7, 2_000).map((row) =>
      Float64Array.of(row[0]!, row[1]!, -row[2]!),
    );
    const change = mostChangedCorrelation(sketch, setOf(specification, moved))!;
    expect(change.right).toBe('c2');
    expect(change.before).toBeCloseTo(0.6, 1);
    expect(change.now).toBeCloseTo(-0.6, 1);

    const same = sampleRows(correlated(3, 0.6), 8, 2_000);
    const window = setOf(specification, same);
    const before = correlationChange(sketch, window);
    window.add(Float64Array.of(1e6, -1e6, 1e6));
    expect(pearson([...same, Float64Array.of(1e6, -1e6, 1e6)], 0, 1)).toBeLessThan(-0.99);
    expect(Math.abs(correlationChange(sketch, window) - before)).toBeLessThan(0.03);
  });

  test('leave out a column that is constant', () => {
    const rows = sampleRows(correlated(2, 0.5), 9, 500).map((row) =>
      Float64Array.of(row[0]!, 4, row[1]!),
    );
    const { sketch } = setReference(rows);
    expect([...correlations(sketch)].map(Number.isNaN)).toEqual([true, false, true]);
    expect(correlationChange(sketch, sketch)).toBe(0);
  });
});

describe('the maximum mean discrepancy', () => {
  /** Of the Gaussian kernel itself, over all pairs of rows, on standardised and clipped values. */
  function exactMmd(
    left: readonly Float64Array[],
    right: readonly Float64Array[],
    bandwidth: number,
  ): number {
    const kernel = (a: Float64Array, b: Float64Array) =>
      Math.exp(-a.reduce((sum, x, index) => sum + (x - b[index]!) ** 2, 0) / (2 * bandwidth ** 2));
    const mean = (as: readonly Float64Array[], bs: readonly Float64Array[]) => {
      let sum = 0;
      for (const a of as) for (const b of bs) if (a !== b) sum += kernel(a, b);
      return sum / (as.length * (as === bs ? bs.length - 1 : bs.length));
    };
    return Math.sqrt(Math.max(0, mean(left, left) + mean(right, right) - 2 * mean(left, right)));
  }

  test('is that of the kernel, as far as so many features say', () => {
    const rows = sampleRows(correlated(2, 0.5), 11, 400);
    const moved = sampleRows(correlated(2, 0.5), 12, 300).map((row) => row.map((x) => x + 0.8));
    const { specification } = setReference(rows);
    const many = { ...specification, frequencyCount: 256 };
    const standard = (row: Float64Array) =>
      row.map((value, index) => {
        const { centre, scale } = specification.columns[index]!;
        return Math.max(-5, Math.min(5, (value - centre) / scale));
      });
    const exact = exactMmd(rows.map(standard), moved.map(standard), specification.bandwidth);
    const estimates = [1, 2, 3, 4].map((seed) => {
      const seeded = { ...many, seed };
      return mmd(setOf(seeded, rows), setOf(seeded, moved));
    });
    const mean = estimates.reduce((sum, estimate) => sum + estimate, 0) / estimates.length;
    expect(exact).toBeGreaterThan(0.2);
    expect(Math.abs(mean - exact) / exact).toBeLessThan(0.1);
  });

  test('sees columns become large together, which no column shows', () => {
    const { sketch, specification } = setReference(sampleRows(heavyTailed(5, false), 13, 8_000));
    const same = setOf(specification, sampleRows(heavyTailed(5, false), 14, 4_000));
    const together = setOf(specification, sampleRows(heavyTailed(5, true), 15, 4_000));
    expect(mmd(sketch, same)).toBeLessThan(0.02);
    expect(mmd(sketch, together)).toBeGreaterThan(0.05);
  });

  test('is 0 where a side has fewer than two rows', () => {
    const { sketch, specification } = setReference(sampleRows(correlated(2, 0), 16, 200));
    expect(mmd(sketch, setOf(specification, []))).toBe(0);
    expect(mmd(setOf(specification, [Float64Array.of(9, 9)]), sketch)).toBe(0);
  });
});

test('two specifications are not compared', () => {
  const rows = sampleRows(correlated(2, 0), 17, 200);
  const [one, other] = [setReference(rows, 1), setReference(rows, 2)];
  expect(prepareSet(one.specification).fingerprint).not.toEqual(
    prepareSet(other.specification).fingerprint,
  );
  expect(() => mmd(one.sketch, other.sketch)).toThrow(/two specifications/);
  expect(() => correlationChange(one.sketch, other.sketch)).toThrow(/two specifications/);
});
