/** Columns to judge, for the tests of the decision. */
import type { ComparedColumn } from '../../../../services/core/decision/decide-column.ts';
import { judgeWindow } from '../../../../services/core/decision/decide-window.ts';
import { CategoricalSketch } from '../../../../services/core/sketch/categorical-sketch.ts';
import type { NumericSketch } from '../../../../services/core/sketch/numeric-sketch.ts';
import { sample, sketchOf } from '../sketch/samples.ts';

export const BUDGET = { alpha: 0.01, sentence: 'one window in a hundred' };

export function normalSketch(
  seed: number,
  count: number,
  change: { readonly shift?: number; readonly scale?: number } = {},
): NumericSketch {
  const { shift = 0, scale = 1 } = change;
  return sketchOf(sample('normal', seed, count).map((value) => value * scale + shift));
}

export function categories(counts: Readonly<Record<string, number>>): CategoricalSketch {
  const sketch = new CategoricalSketch();
  for (const [category, count] of Object.entries(counts)) {
    for (let index = 0; index < count; index++) sketch.add(category);
  }
  return sketch;
}

export function column(
  reference: ComparedColumn['reference'],
  window: ComparedColumn['window'],
  rest: Partial<ComparedColumn> = {},
): ComparedColumn {
  return {
    name: 'age',
    reference,
    window,
    calibration: null,
    priority: 1,
    threshold: null,
    ...rest,
  };
}

/** One column that has the whole budget. */
export function judgeOne(judged: ComparedColumn) {
  const count = judged.window.count + judged.window.missingCount;
  const window = judgeWindow({ columns: [judged], count, budget: BUDGET, countMin: 30 });
  return { window, column: window.columns[0]! };
}
