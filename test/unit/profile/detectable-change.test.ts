/** What a window would have to show: the decision itself agrees, and more rows never need more. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalQuantile } from '../../../services/core/decision/critical-value.ts';
import { measureNumeric } from '../../../services/core/decision/measure-numeric.ts';
import { EFFECT_FLOORS } from '../../../services/core/decision/measurement.ts';
import { CategoricalSketch } from '../../../services/core/sketch/categorical-sketch.ts';
import type { ColumnSketch } from '../../../services/core/sketch/column-sketch.ts';
import { NumericSketch } from '../../../services/core/sketch/numeric-sketch.ts';
import { detectableChange, distanceOfShift } from '../../../services/profile/detectable-change.ts';

/** The normal distribution itself, moved by `shift` standard deviations. */
function normal(count: number, shift = 0, missing = 0): NumericSketch {
  const sketch = new NumericSketch();
  for (let i = 0; i < count; i += 1) sketch.add(shift - normalQuantile((i + 0.5) / count));
  sketch.addMissing(missing);
  return sketch;
}

function constant(count: number): NumericSketch {
  const sketch = new NumericSketch();
  for (let i = 0; i < count; i += 1) sketch.add(4.5);
  return sketch;
}

const categories = (counts: Readonly<Record<string, number>>) =>
  CategoricalSketch.restore({
    missingCount: 0,
    otherCount: 0,
    counts: new Map(Object.entries(counts)),
  });

/** Neighbouring rows so alike that `inflation` of them are worth one. */
const alike = (inflation: number) => {
  const points = [{ count: 1_000, inflation }];
  const names = ['location', 'scale', 'skewness', 'tails', 'ks', 'category', 'mix'];
  return { inflation: Object.fromEntries(names.map((name) => [name, points])) };
};

const change = (
  reference: ColumnSketch,
  options: { rowCount?: number; alpha?: number; inflation?: number } = {},
) => {
  const { rowCount = 1_000, alpha = 5e-4, inflation = 1 } = options;
  return detectableChange({
    reference,
    calibration: inflation === 1 ? null : alike(inflation),
    rowCount,
    alpha,
  });
};

describe('a column of numbers', () => {
  it('needs the shift that the decision needs', () => {
    const reference = normal(20_000);
    const alpha = 5e-4;
    const shift = change(reference, { rowCount: 500, alpha }).shift!;
    expect(shift).toBeGreaterThan(EFFECT_FLOORS.location);
    const locationOf = (by: number) => {
      const measured = measureNumeric({
        reference,
        window: normal(500, by),
        calibration: null,
        floors: EFFECT_FLOORS,
        countMin: 1,
      });
      return measured.find(({ name }) => name === 'location')!;
    };
    const part = alpha * 0.4;
    expect(locationOf(1.1 * shift).pValue).toBeLessThan(part);
    expect(locationOf(0.9 * shift).pValue).toBeGreaterThan(part);
  });

  it('needs no less with fewer rows, a smaller budget, or rows more alike', () => {
    const reference = normal(10_000);
    const size = fc.integer({ min: 50, max: 20_000 });
    const inflation = fc.double({ min: 1, max: 500, noNaN: true });
    const exponent = fc.double({ min: 2, max: 8, noNaN: true });
    fc.assert(
      fc.property(size, size, inflation, inflation, exponent, exponent, (...drawn) => {
        const [rows, inflations, exponents] = [0, 2, 4].map((at) =>
          drawn.slice(at, at + 2).toSorted((left, right) => left - right),
        );
        const easy = {
          rowCount: rows![1]!,
          inflation: inflations![0]!,
          alpha: 10 ** -exponents![0]!,
        };
        const hard = {
          rowCount: rows![0]!,
          inflation: inflations![1]!,
          alpha: 10 ** -exponents![1]!,
        };
        const [less, more] = [change(reference, easy), change(reference, hard)];
        expect(less.distance).toBeLessThanOrEqual(more.distance + 0.01);
        if (more.shift !== null) expect(less.shift).toBeLessThanOrEqual(more.shift + 0.02);
      }),
      { numRuns: 25 },
    );
  });

  it('does not depend on unit or shape', () => {
    const skewed = new NumericSketch();
    for (let i = 0; i < 20_000; i += 1) {
      skewed.add(1e6 * Math.exp(-2 * normalQuantile((i + 0.5) / 20_000)));
    }
    expect(change(skewed).shift).toBeCloseTo(change(normal(20_000)).shift!, 1);
  });

  it('cannot alarm at all where a window is worth hardly a row', () => {
    expect(change(normal(10_000), { inflation: 900 })).toMatchObject({ shift: null });
    expect(change(normal(10_000), { inflation: 900 }).distance).toBeGreaterThan(1);
  });

  it('that is constant needs a share of its values elsewhere, not a shift', () => {
    const { shift, distance } = change(constant(10_000));
    expect(shift).toBeNull();
    expect(distance).toBeGreaterThan(EFFECT_FLOORS.ks);
    expect(distance).toBeLessThan(0.15);
  });

  it('counts only the values that are there', () => {
    const half = change(normal(10_000, 0, 10_000)).shift!;
    expect(half).toBeCloseTo(change(normal(10_000), { rowCount: 500 }).shift!, 1);
    expect(change(normal(0, 0, 100)).distance).toBeGreaterThan(1);
  });

  it('takes values of any size', () => {
    const reference = new NumericSketch();
    const sizes = [-Number.MAX_VALUE, -1, 0, Number.MIN_VALUE, 1e300, Number.MAX_VALUE];
    for (let i = 0; i < 6_000; i += 1) reference.add(sizes[i % 6]!);
    for (let i = 0; i < 600; i += 1) reference.add(Number.POSITIVE_INFINITY);
    expect(change(reference).shift).toBeLessThan(0.5);
  });

  it('gives a shift as a distance', () => {
    expect(distanceOfShift(0)).toBeCloseTo(0, 9);
    expect(distanceOfShift(1)).toBeCloseTo(0.3829, 4);
  });
});

describe('a column of categories', () => {
  it('needs a change of its most frequent one, whichever way there is room', () => {
    const even = change(categories({ a: 4_000, b: 3_000, c: 3_000 }));
    expect(even.category).toEqual({ name: 'a', share: 0.4 });
    expect(even.distance).toBeGreaterThan(EFFECT_FLOORS.category);
    expect(even.distance).toBeLessThan(0.12);
    const nearlyAll = change(categories({ a: 9_900, b: 100 }));
    expect(nearlyAll.distance).toBeGreaterThan(0.01);
    expect(nearlyAll.distance).toBeLessThan(0.06);
  });

  it('of one category needs new values; of none cannot alarm', () => {
    expect(change(categories({ only: 10_000 })).distance).toBeLessThan(0.05);
    expect(change(categories({})).distance).toBeGreaterThan(1);
  });

  it('needs more where rows are alike', () => {
    const column = categories({ a: 4_000, b: 3_000, c: 3_000 });
    expect(change(column, { inflation: 50 }).distance).toBeGreaterThan(3 * change(column).distance);
  });
});
