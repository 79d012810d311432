/**
 * What is measured of a set: few false alarms where nothing drifts, and the changes no single column
 * shows. Seeded; the seeds stand in the names.
 */
import { describe, expect, test } from 'vitest';
import {
  formatCalibration,
  parseCalibration,
} from '../../../../services/core/decision/column-calibration.ts';
import { measureSet, type SetMeasurement } from '../../../../services/core/decision/measure-set.ts';
import { EFFECT_FLOORS } from '../../../../services/core/decision/measurement.ts';
import { calibrateSet } from '../../../../services/core/decision/set-calibration.ts';
import { setSentence } from '../../../../services/core/decision/set-sentence.ts';
import {
  formatSetVariation,
  parseSetVariation,
} from '../../../../services/core/decision/set-variation.ts';
import type { SetReference } from '../../../../services/core/monitor/reference-sets.ts';
import type { SetSketch } from '../../../../services/core/sketch/set-sketch.ts';
import {
  correlated,
  heavyTailed,
  type RowSampler,
  sampleRows,
  setOf,
  setReference,
  tiedBySign,
} from '../sketch/set-samples.ts';

/** One window in a hundred. */
const ALPHA = 0.01;

function measure(
  { sketch, variation }: SetReference,
  window: SetSketch,
  calibration: Parameters<typeof measureSet>[0]['calibration'] = null,
): readonly SetMeasurement[] {
  const options = { variation, calibration, floors: EFFECT_FLOORS, countMin: 30 };
  return measureSet({ reference: sketch, window, ...options });
}

/** Those that exceed their part of the budget and their floor. */
function alarms(measurements: readonly SetMeasurement[]): readonly SetMeasurement[] {
  const weightSum = measurements.reduce((sum, { weight }) => sum + weight, 0);
  return measurements.filter(
    ({ pValue, weight, effect, effectMin }) =>
      pValue <= (ALPHA * weight) / weightSum && Math.abs(effect) >= effectMin,
  );
}

const skewed =
  (dimension: number): RowSampler =>
  (normal) =>
    correlated(dimension, 0.4)(normal).map(Math.exp);

const discrete: RowSampler = (normal) => {
  const [a, b, c] = correlated(3, 0.5)(normal) as [number, number, number];
  return [a > 1 ? 1 : 0, Math.floor(Math.exp(b)), Math.round(c), normal() > 1.8 ? 1 : 0];
};

describe('without drift', () => {
  test.each<[string, number, number, RowSampler]>([
    ['independent normal columns', 100, 101, correlated(5, 0)],
    ['correlated normal columns', 300, 102, correlated(5, 0.6)],
    ['twenty normal columns', 300, 103, correlated(20, 0.3)],
    ['skewed columns', 300, 104, skewed(5)],
    ['heavy tails', 100, 105, heavyTailed(5, false)],
    ['heavy tails that come together', 300, 106, heavyTailed(5, true)],
    ['discrete columns', 100, 107, discrete],
  ])('%s hardly ever alarm (n = %i, seed %i)', (_name, count, seed, sampler) => {
    const trials = 150;
    const reference = setReference(sampleRows(sampler, seed, 6_000));
    const rows = sampleRows(sampler, seed + 1_000, trials * count);
    let alarmed = 0;
    for (let trial = 0; trial < trials; trial++) {
      const window = rows.slice(trial * count, (trial + 1) * count);
      if (alarms(measure(reference, setOf(reference.specification, window))).length > 0) alarmed++;
    }
    // One in a hundred allowed, and more than six of 150 would come about once in a thousand.
    expect(alarmed).toBeLessThanOrEqual(6);
  });

  test('a set is as itself', () => {
    const reference = setReference(sampleRows(skewed(4), 21, 3_000));
    for (const { statistic, effect, pValue, name } of measure(reference, reference.sketch)) {
      expect(effect).toBeCloseTo(0, 9);
      expect(pValue).toBeGreaterThan(0.9);
      if (name !== 'joint') expect(statistic).toBeCloseTo(0, 6);
    }
  });

  test('rare events in two columns that meet once are no correlation (seed 22)', () => {
    const rare: RowSampler = (normal) => [normal() > 2 ? 1 : 0, normal() > 2 ? 1 : 0, normal()];
    const reference = setReference(sampleRows(rare, 22, 6_000));
    const rows = sampleRows(rare, 23, 200).map((row) => Float64Array.of(0, 0, row[2]!));
    rows[7]!.set([1, 1]);
    expect(alarms(measure(reference, setOf(reference.specification, rows)))).toEqual([]);
  });
});

describe('a change that no column shows', () => {
  test('a correlation from 0.6 to 0.3 is found at n = 1 000 and named (seeds 31 to 50)', () => {
    const pair =
      (r: number): RowSampler =>
      (normal) => {
        const a = normal();
        return [normal(), a, normal(), r * a + Math.sqrt(1 - r * r) * normal(), normal()];
      };
    const reference = setReference(sampleRows(pair(0.6), 31, 10_000));
    for (let seed = 32; seed <= 50; seed++) {
      const window = setOf(reference.specification, sampleRows(pair(0.3), seed, 1_000));
      const found = alarms(measure(reference, window)).find(({ name }) => name === 'correlation')!;
      expect(found.subject).toBe('c1, c3');
      expect(found.effect).toBeCloseTo(-0.3, 0);
      expect(setSentence('inputs', found)).toMatch(
        /^inputs: the correlation of c1 and c3 moved from 0\.(59|60|61) to 0\.[23]\d\.$/,
      );
    }
  });

  test('columns tied by the sign of a product, none correlated (seeds 51 to 60)', () => {
    const reference = setReference(sampleRows(correlated(3, 0), 51, 10_000));
    for (let seed = 52; seed <= 60; seed++) {
      const window = setOf(reference.specification, sampleRows(tiedBySign, seed, 1_000));
      const found = alarms(measure(reference, window)).map(({ name }) => name);
      expect(found).toContain('joint');
      expect(found).not.toContain('correlation');
    }
  });

  test('columns that become large together (seeds 61 to 70)', () => {
    const reference = setReference(sampleRows(heavyTailed(5, false), 61, 10_000));
    for (let seed = 62; seed <= 70; seed++) {
      const window = setOf(reference.specification, sampleRows(heavyTailed(5, true), seed, 1_000));
      const found = alarms(measure(reference, window));
      expect(found.map(({ name }) => name)).toContain('joint');
      expect(setSentence('inputs', found.find(({ name }) => name === 'joint')!)).toMatch(
        /^inputs: the columns together are distributed otherwise \(maximum mean discrepancy 0\.\d\d\)\.$/,
      );
    }
  });
});

describe('calibration', () => {
  /** Each column goes on from where it was. */
  function autocorrelated(seed: number, count: number): Float64Array[] {
    let state = [0, 0, 0];
    return sampleRows(
      (normal) => {
        state = state.map((value) => 0.8 * value + 0.6 * normal());
        return state;
      },
      seed,
      count,
    );
  }

  test('keeps dependent rows from alarming, and would not be needed otherwise (seeds 81, 82)', () => {
    const rows = autocorrelated(81, 10_000);
    const reference = setReference(rows);
    const blocks = Array.from({ length: 100 }, (_, index) =>
      setOf(reference.specification, rows.slice(100 * index, 100 * index + 100)),
    );
    const calibration = calibrateSet(blocks, reference.variation);
    expect(parseCalibration(formatCalibration(calibration))).toBeTruthy();
    const windows = autocorrelated(82, 60 * 300);
    let alarmed = 0;
    let uncalibrated = 0;
    for (let index = 0; index < 60; index++) {
      const window = setOf(reference.specification, windows.slice(300 * index, 300 * index + 300));
      if (alarms(measure(reference, window, calibration)).length > 0) alarmed++;
      if (alarms(measure(reference, window)).length > 0) uncalibrated++;
    }
    expect(uncalibrated).toBeGreaterThan(20);
    expect(alarmed).toBeLessThanOrEqual(3);
  });

  test('finds nothing to speak of in independent rows (seed 83)', () => {
    const rows = sampleRows(correlated(3, 0.5), 83, 6_400);
    const reference = setReference(rows);
    const blocks = Array.from({ length: 64 }, (_, index) =>
      setOf(reference.specification, rows.slice(100 * index, 100 * index + 100)),
    );
    const { inflation } = calibrateSet(blocks, reference.variation);
    expect(Object.keys(inflation)).toEqual(expect.arrayContaining(['correlation', 'joint', 'ks']));
    for (const points of Object.values(inflation)) {
      for (const point of points) expect(point.inflation).toBeLessThan(2.5);
    }
  });

  test('says nothing from few blocks', () => {
    const reference = setReference(sampleRows(correlated(2, 0), 84, 400));
    expect(calibrateSet([reference.sketch], reference.variation)).toEqual({ inflation: {} });
  });
});

describe('the variation', () => {
  const reference = setReference(sampleRows(skewed(3), 91, 2_000));

  test('is read back from what is written', () => {
    const { specification, variation } = reference;
    const written = JSON.parse(JSON.stringify(formatSetVariation(variation)));
    expect(parseSetVariation(written, specification)).toEqual(variation);
  });

  test.each<[string, unknown]>([
    ['nothing', null],
    ['too few pairs', { squareTrace: 1, cubeTrace: 1, pairs: [[1, 0, 9]] }],
    ['a variance below 1', { squareTrace: 1, cubeTrace: 1, pairs: Array(3).fill([0.5, 0, 9]) }],
    ['no kurtosis', { squareTrace: 1, cubeTrace: 1, pairs: Array(3).fill([1, 0]) }],
    ['a negative trace', { squareTrace: -1, cubeTrace: 1, pairs: Array(3).fill([1, 0, 9]) }],
  ])('of %s is refused', (_what, value) => {
    expect(() => parseSetVariation(value, reference.specification)).toThrow(
      expect.objectContaining({ code: 'configuration.invalid' }),
    );
  });

  test('is that of normal columns where they are, whatever their correlation', () => {
    for (const r of [0, 0.8]) {
      for (const pair of setReference(sampleRows(correlated(3, r), 92, 8_000)).variation.pairs) {
        expect(pair.variance).toBeLessThan(1.15);
        expect(Math.abs(pair.skewness)).toBeLessThan(0.5);
        expect(pair.kurtosis).toBeGreaterThan(7);
        expect(pair.kurtosis).toBeLessThan(13);
      }
    }
  });
});

test('too few rows are not measured, and nothing is said of no drift', () => {
  const reference = setReference(sampleRows(correlated(2, 0), 95, 300));
  const few = setOf(reference.specification, sampleRows(correlated(2, 0), 96, 29));
  expect(measure(reference, few)).toEqual([]);
  expect(setSentence('inputs', null)).toBe('inputs: its columns go together as they did.');
});
