/** Bins of a report: the shares of each side add up whatever is shown, and the sentence names the top. */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import {
  ALL_OTHERS_LABEL,
  CATEGORY_ROWS_MAX,
  comparedBins,
  topContribution,
} from '../../../../services/core/decision/compared-bins.ts';
import { CumulativeCurve } from '../../../../services/core/sketch/cumulative-curve.ts';
import { sketchOf } from '../sketch/samples.ts';
import { categories, normalSketch } from './column-samples.ts';

const letters = fc.dictionary(fc.stringMatching(/^[a-z]{1,2}$/), fc.integer({ min: 1, max: 50 }), {
  minKeys: 1,
  maxKeys: 40,
});
const numbers = fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 200 });
const sides = fc.oneof(
  fc.tuple(letters, letters).map(([left, right]) => [categories(left), categories(right)] as const),
  fc.tuple(numbers, numbers).map(([left, right]) => [sketchOf(left), sketchOf(right)] as const),
);

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

it('adds up to 1 on each side, and in contributions where anything differs', () => {
  fc.assert(
    fc.property(sides, ([reference, window]) => {
      const bins = comparedBins(reference, window);
      expect(sum(bins.map(({ referenceShare }) => referenceShare))).toBeCloseTo(1, 9);
      expect(sum(bins.map(({ share }) => share))).toBeCloseTo(1, 9);
      const difference = sum(bins.map(({ contribution }) => contribution));
      const differs = bins.some(({ share, referenceShare }) => share !== referenceShare);
      if (differs) expect(difference === 0 || Math.abs(difference - 1) < 1e-9).toBe(true);
      else expect(topContribution(bins, reference.kind)).toBeNull();
      for (const { share, referenceShare } of bins)
        expect(share + referenceShare).toBeGreaterThan(0);
    }),
  );
});

describe('a numeric column', () => {
  it('has its bins in the order of the values', () => {
    const window = sketchOf([...Array(80).fill(1), ...Array(20).fill(9)]);
    const reference = sketchOf([...Array(50).fill(1), ...Array(50).fill(5)]);
    expect(comparedBins(reference, window).map(({ label, share }) => [label, share])).toEqual([
      ['1', 0.8],
      ['5', 0],
      ['> 5', expect.closeTo(0.2, 12)],
    ]);
  });

  it('lies at a value, in a range or beyond one', () => {
    const moved = (from: number[], to: number[]) =>
      topContribution(comparedBins(sketchOf(from), sketchOf(to)), 'numeric');
    expect(moved([1, 1, 2, 2], [1, 1, 1, 2])).toBe(
      'most of the difference lies at 2: 25 % now, 50 % before',
    );
    expect(moved([1, 1, 2, 2], [1, 2, 3, 3])).toBe(
      'most of the difference lies at > 2: 50 % now, 0 % before',
    );
    const spread = topContribution(
      comparedBins(normalSketch(1, 20_000), normalSketch(2, 20_000, { scale: 0.5 })),
      'numeric',
    );
    expect(spread).toMatch(/^the largest part of the difference lies (in [([]|at [≤>] )/);
  });

  it('reads as many places of its sketches at a million values as at ten thousand', () => {
    const readings = [10_000, 1_000_000].map((count) => {
      const reference = normalSketch(3, count);
      const window = normalSketch(4, count);
      const spies = (['below', 'atOrBelow', 'quantile'] as const).map((name) =>
        vi.spyOn(CumulativeCurve.prototype, name),
      );
      comparedBins(reference, window);
      const calls = sum(spies.map((spy) => spy.mock.calls.length));
      for (const spy of spies) spy.mockRestore();
      return calls;
    });
    expect(readings[0]).toBeGreaterThan(0);
    expect(readings[1]).toBe(readings[0]);
  });
});

describe('a categorical column', () => {
  it('shows the categories that contribute most, in that order, and sums up the rest', () => {
    fc.assert(
      fc.property(letters, letters, (left, right) => {
        const bins = comparedBins(categories(left), categories(right));
        const distinct = new Set([...Object.keys(left), ...Object.keys(right)]).size;
        const named = bins.slice(0, CATEGORY_ROWS_MAX);
        expect(bins).toHaveLength(Math.min(distinct, CATEGORY_ROWS_MAX + 1));
        expect(bins[CATEGORY_ROWS_MAX]?.label ?? ALL_OTHERS_LABEL).toBe(ALL_OTHERS_LABEL);
        const found = named.map(({ contribution }) => contribution);
        expect(found).toEqual(found.toSorted((one, other) => other - one));
        const total = (counts: Record<string, number>) => sum(Object.values(counts));
        for (const { label, share, referenceShare } of named) {
          expect(referenceShare).toBeCloseTo((left[label] ?? 0) / total(left), 12);
          expect(share).toBeCloseTo((right[label] ?? 0) / total(right), 12);
        }
        // None of the rest contributes more than the last that is shown, so neither does their mean.
        const rest = bins[CATEGORY_ROWS_MAX]?.contribution ?? 0;
        const mean = rest / Math.max(1, distinct - CATEGORY_ROWS_MAX);
        expect(mean).toBeLessThanOrEqual((found.at(-1) ?? 0) + 1e-12);
      }),
    );
  });

  it('lies in a category, never in all the others', () => {
    const even = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`c${index}`, 100]));
    const moved = Object.fromEntries(
      Object.keys(even).map((name, index) => [name, index % 2 === 0 ? 150 : 50]),
    );
    const bins = comparedBins(categories(even), categories({ ...moved, c7: 10 }));
    expect(bins.at(-1)!.contribution).toBeGreaterThan(bins[0]!.contribution);
    expect(topContribution(bins, 'categorical')).toMatch(
      /^the largest part of the difference lies in "c7": 0\.\d+ % now, 1\.67 % before$/,
    );
  });

  it('is cut at 60 characters, and not within one', () => {
    const long = '🌊'.repeat(70);
    const [bin] = comparedBins(categories({ [long]: 3 }), categories({ [long]: 3 }));
    expect(bin!.label).toBe('🌊'.repeat(60));
  });
});

it('has no bins where a side has no values, or the kinds differ', () => {
  const gone = sketchOf([Number.NaN]);
  expect(comparedBins(gone, sketchOf([1]))).toEqual([]);
  expect(comparedBins(sketchOf([1]), gone)).toEqual([]);
  expect(comparedBins(categories({}), categories({ a: 1 }))).toEqual([]);
  expect(comparedBins(categories({ a: 1 }), sketchOf([1]))).toEqual([]);
  expect(topContribution([], 'numeric')).toBeNull();
});
