import { describe, expect, it, vi } from 'vitest';
import { judgeWindow } from '../../../../services/core/decision/decide-window.ts';
import { CumulativeCurve } from '../../../../services/core/sketch/cumulative-curve.ts';
import { sketchOf } from '../sketch/samples.ts';
import { BUDGET, categories, column, judgeOne, normalSketch } from './column-samples.ts';

const reference = normalSketch(1, 10_000);

describe('a numeric column', () => {
  it('that moved is said to be lower, with the numbers', () => {
    const judged = judgeOne(column(reference, normalSketch(2, 2_000, { shift: -0.5 }))).column;
    expect(judged.verdict).toBe('drift');
    expect(judged.decisive).toBe('location');
    expect(judged.sentence).toMatch(
      /^age is lower: a typical value moved from -?0\.0\d+ to -0\.[45]\d*; /,
    );
  });

  it('that spread is said to be spread, and by how much', () => {
    const judged = judgeOne(column(reference, normalSketch(3, 5_000, { scale: 1.5 }))).column;
    expect(judged.decisive).toBe('scale');
    expect(judged.sentence).toContain('spread more widely');
    const scale = judged.statistics.find(({ name }) => name === 'scale')!;
    expect(Math.exp(scale.effect)).toBeCloseTo(1.5, 1);
  });

  it('does not alarm for a shift that is certain and small', () => {
    const judged = judgeOne(
      column(normalSketch(4, 200_000), normalSketch(5, 200_000, { shift: 0.05 })),
    );
    const location = judged.column.statistics[0]!;
    expect(location.pValue!).toBeLessThan(1e-9);
    expect(location.exceeds).toBe(false);
    expect(judged.window.verdict).toBe('ok');
  });

  it('does not alarm for a shift that is large and uncertain', () => {
    const judged = judgeOne(column(reference, normalSketch(6, 40, { shift: 0.3 }))).column;
    expect(Math.abs(judged.statistics[0]!.effect)).toBeGreaterThan(0.14);
    expect(judged.verdict).toBe('ok');
  });

  it('is deaf to an outlier, and not deafened by it', () => {
    const still = sketchOf([...quantiles(1_000, 0), 1e6]);
    const shifted = sketchOf([...quantiles(1_000, 1), 1e6]);
    expect(judgeOne(column(reference, still)).column.verdict).toBe('ok');
    expect(judgeOne(column(reference, shifted)).column.verdict).toBe('drift');
  });

  it('that was constant drifts when it begins to move', () => {
    const constant = sketchOf(new Float64Array(5_000).fill(3));
    expect(judgeOne(column(constant, sketchOf(new Float64Array(500).fill(3)))).column.verdict).toBe(
      'ok',
    );
    const moving = judgeOne(column(constant, normalSketch(7, 500, { shift: 3 })));
    expect(moving.column.verdict).toBe('drift');
    expect(moving.column.decisive).toBe('ks');
  });

  it('drifts by missing and by not finite values alone', () => {
    const missing = normalSketch(8, 950);
    missing.addMissing(50);
    const judged = judgeOne(column(reference, missing)).column;
    expect(judged.decisive).toBe('missing');
    expect(judged.sentence).toBe('age is missing more often: 5 % of the time, before 0 %.');
    const notFinite = normalSketch(9, 950);
    for (let index = 0; index < 50; index++) notFinite.add(index % 2 === 0 ? Number.NaN : Infinity);
    expect(judgeOne(column(reference, notFinite)).column.decisive).toBe('not_finite');
  });

  it('that is all missing now drifts, though there is nothing to compare', () => {
    const gone = sketchOf([]);
    gone.addMissing(500);
    const judged = judgeOne(column(reference, gone)).column;
    expect([judged.verdict, judged.decisive]).toEqual(['drift', 'missing']);
  });
});

describe('a categorical column', () => {
  const before = categories({ web: 5_000, branch: 3_000, agent: 1_000, phone: 1_000 });

  it('names the category that moved', () => {
    const now = categories({ web: 400, branch: 300, agent: 100, phone: 200 });
    const judged = judgeOne(column(before, now, { name: 'channel' })).column;
    expect(judged.decisive).toBe('category');
    expect(judged.sentence).toContain('"phone" more often: 20 % of the time, before 10 %.');
  });

  it('is ok as it was', () => {
    const now = categories({ web: 500, branch: 300, agent: 100, phone: 100 });
    expect(judgeOne(column(before, now)).column.verdict).toBe('ok');
  });

  it('drifts by values nobody has seen', () => {
    const now = categories({ web: 480, branch: 290, agent: 100, phone: 95, telegraph: 35 });
    expect(judgeOne(column(before, now)).column.decisive).toBe('unseen');
  });

  it('drifts where everything moves a little', () => {
    const names = Array.from({ length: 20 }, (_, index) => `category-${index}`);
    const even = categories(Object.fromEntries(names.map((name) => [name, 1_000])));
    const uneven = categories(
      Object.fromEntries(names.map((name, index) => [name, index % 2 === 0 ? 140 : 60])),
    );
    const mix = judgeOne(column(even, uneven)).column.statistics.find(({ name }) => name === 'mix');
    expect(mix!.exceeds).toBe(true);
    expect(mix!.effect).toBeCloseTo(0.2, 10);
  });

  it('is not compared with a numeric one', () => {
    const judged = judgeOne(column(before, reference)).column;
    expect(judged.verdict).toBe('insufficient-data');
    expect(judged.sentence).toContain('numeric and was categorical');
  });
});

describe('a window', () => {
  it('with too few events is insufficient, which is not ok', () => {
    const few = judgeOne(column(reference, normalSketch(10, 29)));
    expect(few.window.verdict).toBe('insufficient-data');
    expect(few.column.sentence).toContain('29 events, too few');
  });

  it('drifts by one column of many, and says so of that one only', () => {
    const columns = Array.from({ length: 20 }, (_, index) =>
      column(reference, normalSketch(100 + index, 2_000, { shift: index === 7 ? 0.4 : 0 }), {
        name: `x${index}`,
      }),
    );
    const judged = judgeWindow({ columns, count: 2_000, budget: BUDGET, countMin: 30 });
    expect(judged.verdict).toBe('drift');
    expect(
      judged.columns.filter(({ verdict }) => verdict === 'drift').map(({ name }) => name),
    ).toEqual(['x7']);
    expect(judged.budget).toBe(BUDGET);
  });

  it('gives a column of higher priority a lower critical value, and divides one budget', () => {
    const columns = [1, 3].map((priority) =>
      column(reference, normalSketch(11, 1_000, { shift: 0.1 }), { priority }),
    );
    const judged = judgeWindow({ columns, count: 1_000, budget: BUDGET, countMin: 30 });
    const [low, high] = judged.columns.map(({ statistics }) => statistics[0]!.criticalValue!);
    expect(high!).toBeLessThan(low!);
  });

  it('obeys a fixed threshold, which takes nothing from the budget of the others', () => {
    const window = normalSketch(12, 1_000, { shift: 0.1 });
    const fixed = column(reference, window, { threshold: { distance: 'ks', threshold: 0.02 } });
    const judge = (columns: ReturnType<typeof column>[]) =>
      judgeWindow({ columns, count: 1_000, budget: BUDGET, countMin: 30 }).columns;
    const [first] = judge([fixed]);
    expect([first!.verdict, first!.decisive, first!.statistics[0]!.criticalValue]).toEqual([
      'drift',
      'ks',
      null,
    ]);
    expect(judge([column(reference, window), fixed])[0]).toEqual(
      judge([column(reference, window)])[0],
    );
    expect(judge([{ ...fixed, threshold: { distance: 'ks', threshold: 0.9 } }])[0]!.verdict).toBe(
      'ok',
    );
  });

  it('takes other effect floors where they are given', () => {
    const shifted = normalSketch(13, 100_000, { shift: 0.08 });
    const options = { count: 100_000, budget: BUDGET, countMin: 30 };
    const columns = [column(normalSketch(14, 100_000), shifted)];
    expect(judgeWindow({ ...options, columns }).verdict).toBe('ok');
    const effectFloors = { location: 0.05 };
    expect(judgeWindow({ ...options, columns, effectFloors }).verdict).toBe('drift');
  });

  it('needs larger statistics where rows depend on each other', () => {
    const calibration = { inflation: { location: [{ count: 1_000, inflation: 5 }] } };
    const window = normalSketch(15, 1_000, { shift: 0.2 });
    const plain = judgeOne(column(reference, window)).column.statistics[0]!;
    const calibrated = judgeOne(column(reference, window, { calibration })).column.statistics[0]!;
    expect(plain.statistic / calibrated.statistic).toBeCloseTo(Math.sqrt(5), 1);
  });

  it('reads as many places of its sketches at a million values as at ten thousand', () => {
    const readings = [10_000, 1_000_000].map((count) => {
      const judged = column(normalSketch(16, count), normalSketch(17, count));
      const spies = (['belowFrom', 'atOrBelowFrom'] as const).map((name) =>
        vi.spyOn(CumulativeCurve.prototype, name),
      );
      judgeOne(judged);
      const calls = spies.reduce((sum, spy) => sum + spy.mock.calls.length, 0);
      for (const spy of spies) spy.mockRestore();
      return calls;
    });
    expect(readings[0]).toBeGreaterThan(0);
    expect(readings[1]!).toBeLessThan(1.25 * readings[0]!);
  });
});

/** Evenly spread normal values, `shift` further up. */
function quantiles(count: number, shift: number): number[] {
  const even = normalSketch(1, 10_000);
  return Array.from({ length: count }, (_, index) => even.quantile((index + 0.5) / count) + shift);
}
