/** Where the reference cuts, what falls where, and what a report shows of it. */
import { describe, expect, test } from 'vitest';
import { BINS_MAX, type Bins, binsOf } from '../../../../services/core/distance/bins.ts';
import { OTHER_LABEL } from '../../../../services/core/distance/category-bins.ts';
import { contributions } from '../../../../services/core/distance/contributions.ts';
import { CategoricalSketch } from '../../../../services/core/sketch/categorical-sketch.ts';
import { sample, sketchOf } from '../sketch/samples.ts';

/** What is in the bins, without the ones that are empty on both sides. */
function shown(bins: Bins): Record<string, readonly [number, number]> {
  const entries = [...bins.reference.keys()]
    .map((index): [string, [number, number]] => [
      bins.labelOf(index),
      [round(bins.reference[index]!), round(bins.window[index]!)],
    ])
    .filter(([, [reference, window]]) => reference > 0 || window > 0);
  return Object.fromEntries(entries);
}

function round(value: number): number {
  return Math.round(value * 1e9) / 1e9;
}

function repeated(counts: readonly (readonly [value: number, count: number])[]): number[] {
  return counts.flatMap(([value, count]) => Array(count).fill(value) as number[]);
}

function categories(text: string): CategoricalSketch {
  const sketch = new CategoricalSketch();
  for (const letter of text) sketch.add(letter);
  return sketch;
}

describe('numeric', () => {
  test('equal shares of the reference where there are no ties', () => {
    const reference = sketchOf(Array.from({ length: 1_000 }, (_, index) => index));
    const bins = binsOf(reference, sketchOf([-5, 50, 999, 1e6]));
    expect(bins.reference).toHaveLength(BINS_MAX);
    for (const share of bins.reference) expect(share).toBeCloseTo(0.1, 2);
    // The outer bins are open.
    expect([...bins.window].map(round)).toEqual([0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0.5]);
    expect(bins.labelOf(0)).toMatch(/^≤ \d+/);
    expect(bins.labelOf(1)).toMatch(/^\(\d[\d.]*, \d[\d.]*\]$/);
    expect(bins.labelOf(9)).toMatch(/^> \d+/);
  });

  test('a value with the share of a bin stands alone, exactly counted', () => {
    const reference = sketchOf(
      repeated([
        [0, 600],
        [1, 300],
        [2, 100],
      ]),
    );
    const window = sketchOf([0, 0, 1, 3, 0.5, -1, 2, 1.5]);
    expect(shown(binsOf(reference, window))).toEqual({
      '< 0': [0, 0.125],
      '0': [0.6, 0.25],
      '(0, 1)': [0, 0.125],
      '1': [0.3, 0.125],
      '(1, 2)': [0, 0.125],
      '2': [0.1, 0.125],
      '> 2': [0, 0.125],
    });
  });

  test('light ties are grouped, and never cut through', () => {
    const reference = sketchOf(
      repeated(Array.from({ length: 40 }, (_, value) => [value, 25] as const)),
    );
    const { reference: shares } = binsOf(reference, reference);
    expect([...shares].map(round)).toEqual(Array(BINS_MAX).fill(0.1));
  });

  test('a heavy value amid others: the rest keeps its resolution', () => {
    const continuous = sample('uniform', 1, 5_000);
    const reference = sketchOf([...continuous, ...repeated([[0.5, 5_000]])]);
    const bins = binsOf(reference, reference);
    const found = shown(bins);
    expect(found['0.5']![0]).toBeCloseTo(0.5, 3);
    expect(Object.keys(found).length).toBeGreaterThanOrEqual(6);
    expect(Object.keys(found).length).toBeLessThanOrEqual(8);
  });

  test('a constant that moves by the last bit is seen', () => {
    const reference = sketchOf(Array(100).fill(0.1));
    const moved = binsOf(reference, sketchOf(Array(9).fill(0.1 + 2 ** -56)));
    expect(shown(moved)).toEqual({ '0.1': [1, 0], '> 0.1': [0, 1] });
  });

  test('labels have the digits it takes to tell the cuts apart', () => {
    const start = 1_700_000_000_000;
    const reference = sketchOf(Array.from({ length: 100 }, (_, index) => start + index * 7));
    const bins = binsOf(reference, reference);
    const labels = [...bins.reference.keys()].map(bins.labelOf);
    expect(new Set(labels).size).toBe(BINS_MAX);
    expect(labels[0]).toMatch(/^≤ 17000000000\d\d$/);
  });

  test('however many values: no more bins than twice the limit and one', () => {
    for (const distribution of ['normal', 'poisson', 'twoValued'] as const) {
      const reference = sketchOf(sample(distribution, 1, 50_000));
      const { reference: shares } = binsOf(reference, sketchOf([1]));
      expect(shares.length).toBeLessThanOrEqual(2 * BINS_MAX + 1);
    }
  });
});

describe('categorical', () => {
  test('each category of either side, and the others', () => {
    const window = CategoricalSketch.restore({
      missingCount: 7,
      otherCount: 2,
      counts: new Map([
        ['z', 1],
        ['b', 1],
      ]),
      beyond: null,
    });
    const bins = binsOf(categories('aabb'), window);
    expect(shown(bins)).toEqual({
      a: [0.5, 0],
      b: [0.5, 0.25],
      z: [0, 0.25],
      [OTHER_LABEL]: [0, 0.5],
    });
  });
});

test('a numeric and a categorical column cannot be compared', () => {
  expect(() => binsOf(sketchOf([1]), categories('a'))).toThrow(RangeError);
});

test('no bins, and so no contributions, where a side has no value', () => {
  const gone = sketchOf([Number.NaN]);
  for (const bins of [
    binsOf(gone, sketchOf([1])),
    binsOf(sketchOf([1]), gone),
    binsOf(categories(''), categories('a')),
    binsOf(categories('a'), categories('')),
  ]) {
    expect(bins.reference).toHaveLength(0);
    expect(bins.window).toHaveLength(0);
    expect(contributions(bins)).toHaveLength(0);
  }
});

describe('contributions', () => {
  test('bin by bin, each a share of the whole', () => {
    const found = contributions(binsOf(categories('aaaabbbbcc'), categories('aaaabbdddd')));
    const [a, b, c, d, other] = found;
    expect([a, other]).toEqual([0, 0]);
    expect(b).toBeLessThan(c!);
    // A category of one side alone adds half of its share to the divergence, in bits.
    expect(d! / c!).toBeCloseTo(2, 9);
    expect(a! + b! + c! + d!).toBeCloseTo(1, 9);
  });

  test('none where nothing differs', () => {
    const found = contributions(binsOf(sketchOf([1, 2]), sketchOf([1, 2, 1, 2])));
    expect(found.length).toBeGreaterThan(1);
    expect([...found].every((contribution) => contribution === 0)).toBe(true);
  });
});
