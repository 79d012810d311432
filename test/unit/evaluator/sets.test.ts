/** A set of columns in a window's report: its verdict, its threshold, its share of the budget. */
import { describe, expect, it } from 'vitest';
import type { MeasuredSet } from '../../../services/core/monitor/measured-sets.ts';
import type { SetSketch } from '../../../services/core/sketch/set-sketch.ts';
import { encodeSetSketch } from '../../../services/core/sketch/set-sketch-codec.ts';
import { evaluateWindow } from '../../../services/evaluator/evaluate.ts';
import { mergeColumns } from '../../../services/evaluator/window-content.ts';
import {
  correlated,
  type RowSampler,
  sampleRows,
  setOf,
  setReference,
  tiedBySign,
} from '../core/sketch/set-samples.ts';

const REFERENCE = setReference(sampleRows(correlated(3, 0.5), 1, 20_000));
const { specification } = REFERENCE;
const SET: MeasuredSet = {
  name: 'inputs',
  columns: specification.columns.map(({ name }) => name),
  drift: { kind: 'budget', priority: 1 },
  reference: REFERENCE,
};
const windowOf = (sampler: RowSampler, count = 2_000) =>
  setOf(specification, sampleRows(sampler, 5, count));

function judge(
  window: SetSketch | null,
  options: {
    readonly set?: MeasuredSet;
    readonly baseline?: SetSketch | null;
    readonly alpha?: number;
  } = {},
) {
  const { set = SET, baseline = REFERENCE.sketch, alpha = 0.001 } = options;
  const judgement = evaluateWindow({
    columns: [],
    sets: [set],
    content: {
      count: window === null ? 2_000 : window.count + window.leftOutCount,
      sketches: new Map(),
      sets: new Map(window === null ? [] : [[set.name, window]]),
    },
    reference: {
      sketches: new Map(),
      sets: new Map(baseline === null ? [] : [[set.name, baseline]]),
    },
    calibrations: new Map(),
    countMin: 200,
    budget: { alpha, sentence: 'budget' },
    distances: [],
  });
  return { ...judgement.columns[0]!, windowVerdict: judgement.verdict };
}

describe('a set', () => {
  it('that is as it was is ok, with its distances and a threshold above them', () => {
    const report = judge(windowOf(correlated(3, 0.5)));
    expect(report).toMatchObject({
      ...{ name: 'inputs', type: 'set', count: 2_000, missingCount: 0, bins: [], shape: null },
      ...{ verdict: 'ok', windowVerdict: 'ok', decisive: null },
    });
    expect(Object.keys(report.distances)).toEqual(['mmd', 'correlation_change']);
    expect(report.distances.mmd).toBeLessThan(report.threshold!);
    expect(report.statistics.map(({ name }) => name)).toEqual([
      'correlation',
      'joint',
      'projection',
    ]);
  });

  it('drifts when correlations do, and says which', () => {
    const report = judge(windowOf(correlated(3, 0)));
    expect(report).toMatchObject({
      verdict: 'drift',
      windowVerdict: 'drift',
      decisive: 'correlation',
    });
    expect(report.sentence).toMatch(
      /^inputs: the correlation of c\d and c\d moved from 0\.\d\d to -?0\.0\d\.$/,
    );
  });

  it('drifts by what no two of its columns show, at the threshold it reports', () => {
    const made = setReference(sampleRows(correlated(3, 0), 1, 20_000));
    const set = { ...SET, reference: made };
    const window = setOf(made.specification, sampleRows(tiedBySign, 5, 2_000));
    const report = judge(window, { set, baseline: made.sketch });
    expect(report.verdict).toBe('drift');
    expect(report.distances.mmd).toBeGreaterThanOrEqual(report.threshold!);
    const joint = report.statistics.find(({ name }) => name === 'joint')!;
    expect(joint).toMatchObject({ exceeds: true, effect: report.distances.mmd });
    expect(report.statistics.find(({ name }) => name === 'correlation')!.exceeds).toBe(false);
    expect(joint.effectMin).toBeLessThanOrEqual(report.threshold!);
  });

  it('has a threshold that its distance reaches exactly where the joint statistic is critical', () => {
    for (const alpha of [1e-2, 1e-4, 1e-8, 1e-16]) {
      for (const correlation of [0.55, 0.45, 0.4, 0.3]) {
        const report = judge(windowOf(correlated(3, correlation), 400), { alpha });
        const joint = report.statistics.find(({ name }) => name === 'joint')!;
        expect(report.distances.mmd! >= report.threshold!).toBe(joint.exceeds);
      }
    }
  });

  it('that is not judged is measured and never drifts', () => {
    const report = judge(windowOf(correlated(3, 0)), { set: { ...SET, drift: null } });
    expect(report).toMatchObject({ verdict: 'ok', threshold: null, statistics: [] });
    expect(report.distances.correlation_change).toBeGreaterThan(0.4);
  });

  it('with too few complete rows is no judgement, however many events there are', () => {
    const window = windowOf(correlated(3, 0), 150);
    window.addLeftOut(2_000);
    expect(judge(window)).toMatchObject({
      ...{ verdict: 'insufficient-data', count: 150, missingCount: 2_000, threshold: null },
      sentence: 'inputs has 150 complete rows, too few to judge by or all alike.',
    });
  });

  it('on one side only is no judgement', () => {
    expect(judge(null)).toMatchObject({ verdict: 'insufficient-data', distances: {}, count: 0 });
    const without = judge(windowOf(correlated(3, 0)), { baseline: null });
    expect(without).toMatchObject({ verdict: 'no-reference', distances: {} });
  });

  it('takes its part of the budget by priority', () => {
    const window = windowOf(correlated(3, 0.5));
    const critical = (priority: number) =>
      judge(window, { set: { ...SET, drift: { kind: 'budget', priority } } }).statistics[0]!;
    expect(critical(1).criticalValue).toBe(critical(5).criticalValue);
    const other = { ...SET, name: 'other', drift: { kind: 'budget', priority: 9 } as const };
    const together = evaluateWindow({
      columns: [],
      sets: [SET, other],
      content: {
        count: 2_000,
        sketches: new Map(),
        sets: new Map([
          ['inputs', window],
          ['other', window],
        ]),
      },
      reference: {
        sketches: new Map(),
        sets: new Map([
          ['inputs', REFERENCE.sketch],
          ['other', REFERENCE.sketch],
        ]),
      },
      ...{ calibrations: new Map(), countMin: 200, distances: [] },
      budget: { alpha: 0.001, sentence: '' },
    });
    const [small, large] = together.columns.map(({ statistics }) => statistics[0]!.criticalValue!);
    expect(small).toBeGreaterThan(large!);
    expect(large).toBeGreaterThan(critical(1).criticalValue!);
  });
});

describe('sets in panes', () => {
  const pane = (sketch: SetSketch) => ({
    columns: [{ name: 'inputs', sketch: encodeSetSketch(sketch) }],
  });
  const specifications = new Map([['inputs', specification]]);

  it('are merged as the rows they were made of', () => {
    const rows = sampleRows(correlated(3, 0.5), 9, 1_000);
    const parts = [rows.slice(0, 300), rows.slice(300)].map((some) =>
      pane(setOf(specification, some)),
    );
    const { sets, sketches } = mergeColumns(parts, specifications);
    const { count, sums, products, features } = setOf(specification, rows).state;
    expect(sketches.size).toBe(0);
    expect(sets.get('inputs')!.state).toMatchObject({ count, sums, products, features });
  });

  it('of an earlier reference are left out', () => {
    const earlier = { ...specification, seed: 77 };
    const rows = sampleRows(correlated(3, 0.5), 9, 100);
    const parts = [pane(setOf(earlier, rows)), pane(setOf(specification, rows))];
    expect(mergeColumns(parts, specifications).sets.get('inputs')!.count).toBe(100);
    expect(mergeColumns(parts.slice(0, 1), specifications).sets.size).toBe(0);
  });
});
