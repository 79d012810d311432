/** What a person reads: two facts at most, and the place of the difference where there is one. */
import { expect, test } from 'vitest';
import { comparedBins, topContribution } from '../../../../services/core/decision/compared-bins.ts';
import { driftSentence } from '../../../../services/core/decision/drift-sentence.ts';
import { measureCategorical } from '../../../../services/core/decision/measure-categorical.ts';
import { measureNumeric } from '../../../../services/core/decision/measure-numeric.ts';
import type { StatisticName } from '../../../../services/core/decision/measurement.ts';
import { EFFECT_FLOORS } from '../../../../services/core/decision/measurement.ts';
import type { CategoricalSketch } from '../../../../services/core/sketch/categorical-sketch.ts';
import type { NumericSketch } from '../../../../services/core/sketch/numeric-sketch.ts';
import { sketchOf } from '../sketch/samples.ts';
import { categories, normalSketch } from './column-samples.ts';

const PLACE = /(most|the largest part) of the difference lies (in|at) /;
const REST = { calibration: null, floors: EFFECT_FLOORS, countMin: 30 };
const reference = normalSketch(1, 10_000);

function numericSentence(name: StatisticName, before: NumericSketch, now: NumericSketch): string {
  const measured = measureNumeric({ reference: before, window: now, ...REST });
  const decisive = measured.find((measurement) => measurement.name === name)!;
  return driftSentence({ name: 'age', reference: before, window: now }, decisive, 30);
}

function categoricalSentence(
  name: StatisticName,
  before: CategoricalSketch,
  now: CategoricalSketch,
): string {
  const measured = measureCategorical({ reference: before, window: now, ...REST });
  const decisive = measured.find((measurement) => measurement.name === name)!;
  return driftSentence({ name: 'channel', reference: before, window: now }, decisive, 30);
}

test.each(['location', 'scale', 'skewness', 'tails', 'ks'] as const)(
  'a change of %s ends with where most of it lies, after one fact',
  (name) => {
    const window = normalSketch(2, 1_000, { shift: 0.4, scale: 1.3 });
    const sentence = numericSentence(name, reference, window);
    const place = topContribution(comparedBins(reference, window), 'numeric');
    expect(sentence).toMatch(PLACE);
    expect(sentence.endsWith(`; ${place}.`)).toBe(true);
    expect(sentence.split(';')).toHaveLength(2);
    expect(sentence.length).toBeLessThan(220);
  },
);

test('a shift is said in the unit of the column', () => {
  const before = sketchOf(Array.from({ length: 1_000 }, (_, index) => index % 10));
  const now = sketchOf(Array.from({ length: 1_000 }, (_, index) => (index % 10) + 2));
  expect(numericSentence('location', before, now)).toBe(
    'age is higher: a typical value moved from 5 to 7; the largest part of the difference lies at > 9: 20 % now, 0 % before.',
  );
});

test('a change the bins do not show is told by a second fact of its own', () => {
  // All of it within the first bin, which is open.
  const ends = (low: number) => sketchOf([...Array(90).fill(low), ...Array(910).fill(5)]);
  expect(numericSentence('ks', ends(1), ends(2))).toBe(
    'age is distributed otherwise: 9 % of values would have to move; nine tenths of values lie between 2 and 5, before between 1 and 5.',
  );
});

test('another mix names the category that contributes most', () => {
  const before = categories({ web: 500, branch: 300, agent: 200 });
  const now = categories({ web: 380, branch: 330, agent: 290 });
  expect(categoricalSentence('mix', before, now)).toBe(
    'channel has another mix of categories: 12 % of values would have to change category; the largest part of the difference lies in "agent": 29 % now, 20 % before.',
  );
});

test('what names its subject itself has no bin beside it', () => {
  const before = categories({ web: 500, branch: 300, agent: 200 });
  const now = categories({ web: 300, branch: 300, agent: 200, telegraph: 200 });
  now.addMissing(100);
  for (const name of ['category', 'unseen', 'missing'] as const) {
    expect(categoricalSentence(name, before, now)).not.toMatch(PLACE);
  }
  const infinite = sketchOf([...Array(900).fill(0), ...Array(100).fill(Infinity)]);
  infinite.addMissing(100);
  for (const name of ['missing', 'not_finite'] as const) {
    expect(numericSentence(name, reference, infinite)).not.toMatch(PLACE);
  }
});

test('without drift it says so, and what keeps it from a judgement', () => {
  const compared = { name: 'age', reference, window: normalSketch(3, 20) };
  expect(driftSentence(compared, null, 10)).toBe('age is as it was.');
  expect(driftSentence(compared, null, 30)).toBe('age has 20 values, too few to judge by.');
  expect(driftSentence({ ...compared, window: categories({ a: 50 }) }, null, 30)).toContain(
    'nothing to compare',
  );
});

test('a long category is cut', () => {
  const long = 'x'.repeat(200);
  const sentence = categoricalSentence(
    'category',
    categories({ [long]: 100, b: 500, c: 400 }),
    categories({ [long]: 400, b: 320, c: 280 }),
  );
  expect(sentence).toContain(`"${'x'.repeat(60)}"`);
});
