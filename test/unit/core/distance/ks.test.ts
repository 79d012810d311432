/** KS from sketches against the exact statistic, on made and on real samples, and its laws. */
import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ks } from '../../../../services/core/distance/ks.ts';
import { mergeColumnSketches } from '../../../../services/core/sketch/column-sketch.ts';
import type { NumericSketch } from '../../../../services/core/sketch/numeric-sketch.ts';
import { describeWithSharedData, sharedData } from '../../../support/shared-data.ts';
import { DISTRIBUTIONS, exactKs, runsOf, sample, sketchOf } from '../sketch/samples.ts';

const ERROR_MAX = 0.005;

function sealed(values: Float64Array): NumericSketch {
  const sketch = sketchOf(values);
  sketch.compact();
  return sketch;
}

/** The same values in one sealed sketch, in an open one, and merged from many panes. */
function everyWay(values: Float64Array): NumericSketch[] {
  const panes = runsOf(values, Math.ceil(values.length / 100)).map(sealed);
  return [sealed(values), sketchOf(values), mergeColumnSketches(panes) as NumericSketch];
}

function expectClose(reference: Float64Array, window: Float64Array): void {
  const exact = exactKs(reference, window);
  const referenceSketch = sealed(reference);
  for (const windowSketch of everyWay(window)) {
    expect(Math.abs(ks(referenceSketch, windowSketch) - exact)).toBeLessThan(ERROR_MAX);
  }
}

describe.each(DISTRIBUTIONS)('%s samples', (distribution) => {
  const reference = sample(distribution, 1, 10_000);

  test.each([100, 1_000, 20_000])('%d values without drift', (count) => {
    expectClose(reference, sample(distribution, 2, count));
  });

  test.each([100, 1_000, 20_000])('%d values, moved', (count) => {
    const moved = sample(distribution, 3, count).map((value, index) =>
      index % 5 === 0 ? value + 1 : value,
    );
    expectClose(reference, moved);
  });
});

test('small samples are exact, ties included', () => {
  const cases: [number[], number[], number][] = [
    [[0], [1], 1],
    [[0.99, 1.99], [1, 2, 3], 2 / 3],
    [[1, 1, 1, 2], [1, 2, 2, 2], 0.5],
    [[1, 2, 3], [3, 2, 1], 0],
    [[2, 2, 2, 3, 3, 3, 3, 5, 5, 5], [3, 3, 3, 4, 4, 6, 6, 7, 7, 7], 0.5],
  ];
  for (const [left, right, distance] of cases) {
    expect(ks(sketchOf(left), sketchOf(right))).toBeCloseTo(distance, 12);
    expect(exactKs(Float64Array.from(left), Float64Array.from(right))).toBeCloseTo(distance, 12);
  }
});

test.each([0.1, 0.5, 0.9])(
  'a step at %d against a straight line: both of its sides count',
  (at) => {
    const line = sample('uniform', 4, 100_000);
    const step = new Float64Array(100).fill(at);
    expect(Math.abs(ks(sealed(line), sealed(step)) - exactKs(line, step))).toBeLessThan(0.001);
  },
);

test('a constant column against itself in another number is no distance', () => {
  const constant = (count: number) => sealed(new Float64Array(count).fill(0.1));
  expect(ks(constant(100_000), constant(777))).toBe(0);
});

test('what is not finite is left out, and an empty side is no distance', () => {
  const empty = sketchOf([Number.NaN, Infinity]);
  empty.addMissing(5);
  const full = sketchOf([1, 2]);
  const withGaps = sketchOf([1, Number.NaN, 2, -Infinity]);
  expect(ks(empty, full)).toBe(0);
  expect(ks(full, empty)).toBe(0);
  expect(ks(empty, empty)).toBe(0);
  expect(ks(full, withGaps)).toBe(0);
});

test('it is symmetric, 0 on identical inputs, and in [0, 1]', () => {
  const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
  const values = fc.oneof(
    fc.array(finite, { maxLength: 30 }).map((array) => Float64Array.from(array)),
    fc
      .tuple(fc.constantFrom(...DISTRIBUTIONS), fc.nat(), fc.nat(3_000))
      .map(([distribution, seed, count]) => sample(distribution, seed, count)),
  );
  fc.assert(
    fc.property(values, values, fc.boolean(), (left, right, compacted) => {
      const make = compacted ? sealed : sketchOf;
      const distance = ks(make(left), make(right));
      expect(distance).toBe(ks(make(right), make(left)));
      expect(distance >= 0 && distance <= 1).toBe(true);
      expect(ks(make(left), make(left))).toBe(0);
    }),
    { numRuns: 100 },
  );
});

test('asking for a distance does not change the sketches', () => {
  const left = sketchOf(sample('normal', 1, 1_700));
  const right = sketchOf(sample('normal', 2, 900));
  const before = [left.state, right.state].map((state) => structuredClone(state));
  ks(left, right);
  expect([left.state, right.state]).toEqual(before);
});

function columnsOf(file: string): Map<string, Float64Array> {
  const text = gunzipSync(readFileSync(sharedData(file))).toString();
  const [header, ...rows] = text
    .trimEnd()
    .split('\n')
    .map((line) => line.split(','));
  const columns = new Map<string, Float64Array>();
  header!.forEach((name, at) => {
    const cells = rows.map((row) => row[at]!.trim()).filter((cell) => cell !== '');
    const values = Float64Array.from(cells, Number);
    if (values.length > 0 && values.every(Number.isFinite)) columns.set(name, values);
  });
  return columns;
}

const STREAMS = [
  'elec2',
  'phishing',
  'sea_0123_abrupto_noise_0.2',
  'sea_0123_gradual_noise_0.2',
  'sea_training_50k',
  'sine_0123_abrupto',
  'stagger_0120_abrupto',
];

describeWithSharedData('real tables', () => {
  test.each(STREAMS)('streams/%s, the first 8 000 rows against windows', (name) => {
    for (const values of columnsOf(`streams/${name}.csv.gz`).values()) {
      const reference = values.subarray(0, Math.min(8_000, values.length / 2));
      for (const start of [0.55, 0.8]) {
        for (const count of [500, 2_000]) {
          const from = Math.floor(start * values.length);
          expectClose(reference, values.subarray(from, from + count));
        }
      }
    }
  });

  test('labels/california_housing, reference against analysis', () => {
    const reference = columnsOf('labels/california_housing_reference.csv.gz');
    const analysis = columnsOf('labels/california_housing_analysis.csv.gz');
    const common = [...reference.keys()].filter((name) => analysis.has(name));
    expect(common).toEqual(expect.arrayContaining(['MedInc', 'Longitude', 'y_pred_proba']));
    for (const name of common) expectClose(reference.get(name)!, analysis.get(name)!);
  });
});
