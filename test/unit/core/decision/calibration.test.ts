import { describe, expect, it } from 'vitest';
import { calibrateColumn } from '../../../../services/core/decision/calibration.ts';
import {
  type ColumnCalibration,
  formatCalibration,
  inflationAt,
  parseCalibration,
} from '../../../../services/core/decision/column-calibration.ts';
import { CategoricalSketch } from '../../../../services/core/sketch/categorical-sketch.ts';
import { sample, sketchOf } from '../sketch/samples.ts';

const BLOCKS = 128;

function blocksOf(values: Float64Array) {
  const length = Math.floor(values.length / BLOCKS);
  return Array.from({ length: BLOCKS }, (_, index) =>
    sketchOf(values.subarray(index * length, (index + 1) * length)),
  );
}

/** Unit variance, correlation `rho` from one value to the next. */
function autoregressive(seed: number, count: number, rho: number): Float64Array {
  const noise = sample('normal', seed, count);
  for (let index = 1; index < count; index++) {
    noise[index] = rho * noise[index - 1]! + Math.sqrt(1 - rho * rho) * noise[index]!;
  }
  return noise;
}

function longest(calibration: ColumnCalibration, statistic: string): number {
  return inflationAt(calibration, statistic, Infinity);
}

describe('calibrateColumn', () => {
  it('finds independent rows to be worth about themselves', () => {
    for (const distribution of ['normal', 'poisson'] as const) {
      const calibration = calibrateColumn(blocksOf(sample(distribution, 11, 40_000)));
      for (const statistic of ['location', 'scale', 'skewness', 'tails', 'ks']) {
        expect(inflationAt(calibration, statistic, 300)).toBeGreaterThanOrEqual(1);
        expect(inflationAt(calibration, statistic, 300)).toBeLessThan(1.5);
      }
    }
  });

  it('finds AR(1) of 0.7 to be worth about (1 − ρ) / (1 + ρ) of its rows', () => {
    const calibration = calibrateColumn(blocksOf(autoregressive(12, 128_000, 0.7)));
    // 5.67 for the values, 5.3 for their ranks; raised by what is not known of it.
    expect(longest(calibration, 'location')).toBeGreaterThan(4.8);
    expect(longest(calibration, 'location')).toBeLessThan(7.8);
    expect(longest(calibration, 'scale')).toBeLessThan(longest(calibration, 'location'));
  });

  it('is not set by one block that was an incident', () => {
    const values = sample('normal', 13, 40_000);
    const blocks = blocksOf(values);
    const incident = sketchOf(values.subarray(0, 312).map((value) => value + 10));
    const plain = longest(calibrateColumn(blocks), 'location');
    const struck = longest(calibrateColumn([...blocks.slice(1), incident]), 'location');
    expect(struck).toBeLessThan(2 * plain);
  });

  it('sees a change of level inside the reference, and expects more of the kind', () => {
    const values = sample('normal', 17, 40_000).map(
      (value, index) => value + (index < 25_000 ? 0 : 1),
    );
    const calibration = calibrateColumn(blocksOf(values));
    // The levels differ by 1 σ: a stretch of n values is off by a constant, so inflation goes like n.
    expect(inflationAt(calibration, 'location', 312)).toBeGreaterThan(30);
    const ratio = longest(calibration, 'location') / inflationAt(calibration, 'location', 2_500);
    expect(ratio).toBeGreaterThan(3);
  });

  it('sees categories that come in runs', () => {
    const uniform = sample('uniform', 14, 40_000);
    const blocks = Array.from({ length: BLOCKS }, (_, block) => {
      const sketch = new CategoricalSketch();
      for (let index = 0; index < 300; index++) {
        // A draw holds for ten rows.
        sketch.add(uniform[block * 30 + Math.floor(index / 10)]! < 0.3 ? 'web' : 'branch');
      }
      return sketch;
    });
    const calibration = calibrateColumn(blocks);
    for (const statistic of ['category', 'mix']) {
      expect(inflationAt(calibration, statistic, 300)).toBeGreaterThan(7);
      expect(inflationAt(calibration, statistic, 300)).toBeLessThan(15);
    }
  });

  it('claims nothing from a handful of blocks', () => {
    const few = blocksOf(sample('normal', 15, 40_000)).slice(0, 7);
    expect(calibrateColumn(few)).toEqual({ inflation: {} });
    expect(calibrateColumn([])).toEqual({ inflation: {} });
  });

  it('joins neighbours where there are more blocks than it needs', () => {
    const values = sample('normal', 16, 40_000);
    const many = Array.from({ length: 500 }, (_, index) =>
      sketchOf(values.subarray(index * 80, index * 80 + 80)),
    );
    const { inflation } = calibrateColumn(many);
    expect(inflation.location![0]!.count).toBe(320);
  });
});

describe('inflationAt', () => {
  const calibration = {
    inflation: {
      location: [
        { count: 100, inflation: 2 },
        { count: 400, inflation: 8 },
      ],
    },
  };

  it('is between its points and level outside them', () => {
    expect(inflationAt(calibration, 'location', 10)).toBe(2);
    expect(inflationAt(calibration, 'location', 200)).toBeCloseTo(4, 12);
    expect(inflationAt(calibration, 'location', 1e6)).toBe(8);
  });

  it('is 1 where nothing is known', () => {
    expect(inflationAt(calibration, 'scale', 100)).toBe(1);
    expect(inflationAt(null, 'location', 100)).toBe(1);
  });

  it('survives being written and read', () => {
    const written = JSON.parse(JSON.stringify(formatCalibration(calibration)));
    expect(parseCalibration(written)).toEqual(calibration);
  });

  it.each([
    ['a list', []],
    ['text', 'none'],
    ['an inflation below 1', { location: { 100: 0.5 } }],
    ['an inflation that is no number', { location: { 100: '2' } }],
    ['a count that is none', { location: { many: 2 } }],
    ['a count of nothing', { location: { 0: 2 } }],
  ])('refuses %s', (_, value) => {
    expect(() => parseCalibration(value)).toThrow(/calibration/);
  });
});
