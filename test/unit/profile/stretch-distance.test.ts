/** The largest distance of a stretch from the whole, against one found by looking at every stretch. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ks } from '../../../services/core/distance/ks.ts';
import { CategoricalSketch } from '../../../services/core/sketch/categorical-sketch.ts';
import { mergeColumnSketches } from '../../../services/core/sketch/column-sketch.ts';
import { NumericSketch } from '../../../services/core/sketch/numeric-sketch.ts';
import { largestStretchDistance } from '../../../services/profile/stretch-distance.ts';

const ROWS = 10;

function sketchOf(values: readonly number[]): NumericSketch {
  const sketch = new NumericSketch();
  for (const value of values) sketch.add(value);
  return sketch;
}

const cut = (values: readonly number[], length: number) =>
  Array.from({ length: Math.floor(values.length / length) }, (_, index) =>
    sketchOf(values.slice(index * length, (index + 1) * length)),
  );

describe('the largest distance of a stretch', () => {
  const series = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 60, maxLength: 200 });

  it('is that of the stretch of a window’s length that is furthest off', () => {
    fc.assert(
      fc.property(series, fc.integer({ min: 1, max: 6 }), (values, length) => {
        const rows = values.slice(0, values.length - (values.length % ROWS));
        const whole = sketchOf(rows);
        const found = largestStretchDistance({
          whole,
          blocks: cut(rows, ROWS),
          blockRows: ROWS,
          rowsMin: length * ROWS,
          rowsMax: length * ROWS,
        });
        let largest = 0;
        for (let from = 0; from + length * ROWS <= rows.length; from += ROWS) {
          largest = Math.max(largest, ks(whole, sketchOf(rows.slice(from, from + length * ROWS))));
        }
        expect(found).toBeCloseTo(largest, 9);
      }),
      { numRuns: 60 },
    );
  });

  it('is no smaller where shorter windows are judged too', () => {
    fc.assert(
      fc.property(series, (values) => {
        const blocks = cut(values, ROWS);
        const whole = mergeColumnSketches(blocks);
        const of = (rowsMin: number) =>
          largestStretchDistance({ whole, blocks, blockRows: ROWS, rowsMin, rowsMax: 40 })!;
        expect(of(10)).toBeGreaterThanOrEqual(of(20));
        expect(of(20)).toBeGreaterThanOrEqual(of(40));
      }),
      { numRuns: 60 },
    );
  });

  it('is not known where blocks are longer than windows, or there are none', () => {
    const blocks = cut([1, 2, 3, 4, 5, 6, 7, 8], 4);
    const whole = mergeColumnSketches(blocks);
    const of = (some: typeof blocks) =>
      largestStretchDistance({ whole, blocks: some, blockRows: 400, rowsMin: 1, rowsMax: 100 });
    expect(of(blocks)).toBeNull();
    expect(of([])).toBeNull();
  });

  it('of categories is the largest change of a share', () => {
    const part = (counts: Readonly<Record<string, number>>) =>
      CategoricalSketch.restore({
        missingCount: 0,
        otherCount: 0,
        counts: new Map(Object.entries(counts)),
      });
    const blocks = [part({ a: 10 }), part({ a: 5, b: 5 }), part({ b: 10 })];
    const whole = mergeColumnSketches(blocks);
    expect(
      largestStretchDistance({ whole, blocks, blockRows: 10, rowsMin: 10, rowsMax: 10 }),
    ).toBeCloseTo(0.5, 9);
  });
});
