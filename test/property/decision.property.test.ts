/** Laws of the decision: identical data never drift, p-values are honest, more shift is more drift. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeColumnSketches } from '../../services/core/sketch/column-sketch.ts';
import {
  categories,
  column,
  judgeOne,
  normalSketch,
} from '../unit/core/decision/column-samples.ts';
import { DISTRIBUTIONS, sample, sketchOf } from '../unit/core/sketch/samples.ts';

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });

describe('the decision', () => {
  it('never finds a column to differ from itself', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(finite, fc.integer({ min: -3, max: 3 })), {
          minLength: 40,
          maxLength: 700,
        }),
        fc.nat(50),
        (values, missing) => {
          const sketch = sketchOf(values);
          sketch.addMissing(missing);
          const judged = judgeOne(column(sketch, sketch)).column;
          expect(judged.verdict).toBe('ok');
          for (const { statistic, pValue } of judged.statistics) {
            expect(Math.abs(statistic)).toBeLessThan(1e-6);
            expect(pValue).toBeGreaterThan(0.99);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('never finds categories to differ from themselves', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ maxLength: 5 }), fc.integer({ min: 1, max: 200 }), {
          minKeys: 1,
        }),
        (counts) => {
          const sketch = categories({ base: 40, ...counts });
          expect(judgeOne(column(sketch, sketch)).column.verdict).toBe('ok');
        },
      ),
      { numRuns: 60 },
    );
  });

  it('does not care in which unit a column is measured', () => {
    const reference = sample('normal', 1, 3_000);
    const window = sample('normal', 2, 800).map((value) => value * 1.1 + 0.15);
    const plain = judgeOne(column(sketchOf(reference), sketchOf(window))).column.statistics;
    fc.assert(
      fc.property(fc.integer({ min: -8, max: 8 }), (power) => {
        // Powers of two change no digit.
        const unit = 2 ** power;
        const scaled = judgeOne(
          column(
            sketchOf(reference.map((value) => value * unit)),
            sketchOf(window.map((value) => value * unit)),
          ),
        ).column.statistics;
        for (const [index, { statistic }] of plain.entries()) {
          expect(scaled[index]!.statistic).toBeCloseTo(statistic, 8);
        }
      }),
      { numRuns: 10 },
    );
  });

  it('finds a larger shift to be larger', () => {
    const reference = normalSketch(3, 20_000);
    const measured = [0, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6].map((shift) => {
      const { column: judged } = judgeOne(column(reference, normalSketch(4, 2_000, { shift })));
      const location = judged.statistics.find(({ name }) => name === 'location')!;
      return { verdict: judged.verdict, effect: location.effect, pValue: location.pValue! };
    });
    for (let index = 1; index < measured.length; index++) {
      expect(measured[index]!.effect).toBeGreaterThan(measured[index - 1]!.effect);
      expect(measured[index]!.pValue).toBeLessThanOrEqual(measured[index - 1]!.pValue);
    }
    expect(measured.map(({ verdict }) => verdict)).toEqual([
      'ok',
      'ok',
      'ok',
      'drift',
      'drift',
      'drift',
      'drift',
    ]);
  });

  it('does not depend on the order in which a reference was merged', () => {
    const parts = Array.from({ length: 6 }, (_, index) => normalSketch(20 + index, 700));
    const window = normalSketch(30, 900, { shift: 0.3 });
    const forward = judgeOne(column(mergeColumnSketches(parts), window));
    const backward = judgeOne(column(mergeColumnSketches([...parts].reverse()), window));
    expect(backward).toEqual(forward);
  });

  it.each(DISTRIBUTIONS)(
    'gives p-values that are not too small on %s data without drift',
    (distribution) => {
      const reference = sketchOf(sample(distribution, 5, 20_000));
      const trials = 300;
      const small = new Map<string, number>();
      for (let trial = 0; trial < trials; trial++) {
        const window = sketchOf(sample(distribution, 1_000 + trial, 250));
        for (const { name, pValue } of judgeOne(column(reference, window)).column.statistics) {
          small.set(name, (small.get(name) ?? 0) + (pValue! <= 0.1 ? 1 : 0));
        }
      }
      // One in ten, and four standard errors of 300 trials.
      for (const [name, count] of small)
        expect([name, count / trials < 0.17]).toEqual([name, true]);
      // And they are not all large: the first statistic uses what it has.
      expect(small.get('location')! / trials).toBeGreaterThan(0.02);
    },
  );
});
