/**
 * Versions of a model that share the events: each is measured beside the others, in the report of the
 * whole and in one of its own, and nothing else of what is judged changes by it.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asBuffer } from '../../../services/core/message/message-codec.ts';
import { type Pane, type PaneSource, paneCodec } from '../../../services/core/message/pane.ts';
import { type Report, reportCodec } from '../../../services/core/message/report.ts';
import {
  type ColumnSketch,
  createColumnSketch,
  encodeColumnSketch,
} from '../../../services/core/sketch/column-sketch.ts';
import { tumblingPlan } from '../../../services/core/window/window-plan.ts';
import { createEvaluatorEvents } from '../../../services/evaluator/events.ts';
import { EvaluatorShard, type EvaluatorShardOptions } from '../../../services/evaluator/shard.ts';
import { EMPTY_EVALUATOR } from '../../../services/evaluator/state.ts';
import { createMemoryTelemetry } from '../../../services/platform/telemetry/memory-telemetry.ts';

type Values = readonly (number | null)[];

function sketchOf(values: Values): ColumnSketch {
  const sketch = createColumnSketch('numeric');
  for (const value of values)
    if (value === null) sketch.addMissing();
    else sketch.add(value);
  return sketch;
}

const REFERENCE = { rowCount: 9, calibrations: new Map(), sets: new Map(), slices: new Map() };

const OPTIONS: EvaluatorShardOptions = {
  ...{ monitor: 'm', run: 'r', reportsTopic: 'reports', monotonicMs: () => 0 },
  events: createEvaluatorEvents(createMemoryTelemetry()),
  contributors: (['events', 'predictions'] as const).map((source) => ({ source, partition: 0 })),
  ...{ windows: [tumblingPlan(1_000)], reviseMs: 2_000 },
  baselines: [{ kind: 'reference' }, { kind: 'trailing', windows: 1 }],
  columns: [{ name: 'level', type: 'numeric', drift: { kind: 'budget', priority: 1 } }],
  outputs: [{ name: 'score', type: 'numeric', drift: { kind: 'budget', priority: 1 } }],
  ...{ sets: [], countMin: 2, distances: [], falseAlarms: { max: 1, per: 'day' } },
  reference: {
    ...REFERENCE,
    columns: new Map([
      ['level', sketchOf([1, 2, 3, 4])],
      ['score', sketchOf([0.1, 0.2, 0.3, 0.4])],
    ]),
  },
};

interface Part {
  readonly source: PaneSource;
  readonly slice: string;
  readonly values: Values;
  readonly kind?: 'late';
}

/** Windows of one second; each is a list of what was measured in it, or comes late for it. */
function judge(windows: readonly (readonly Part[])[], options = OPTIONS): readonly Report[] {
  const shard = new EvaluatorShard(options, EMPTY_EVALUATOR);
  const sequences = { events: 0, predictions: 0 };
  const write = (source: PaneSource, fields: Partial<Pane>) => {
    const value = paneCodec.encode({
      ...{ monitor: 'm', source, partition: 0, sequence: sequences[source]++, kind: 'progress' },
      ...{ startMs: 0, endMs: 0, slice: '', count: 0, sealedThroughMs: 0, columns: [] },
      ...fields,
    });
    const at = { topic: 'panes', partition: 0, offset: 0 };
    shard.accept({ ...at, key: null, value, headers: {}, timestampMs: 0 });
  };
  for (const [index, parts] of windows.entries()) {
    for (const { source, slice, values, kind = 'sealed' } of parts) {
      const startMs = (kind === 'late' ? index - 1 : index) * 1_000;
      const name = source === 'events' ? 'level' : 'score';
      const sketch = asBuffer(encodeColumnSketch(sketchOf(values)));
      write(source, {
        ...{ kind, slice, startMs, endMs: startMs + 1_000, count: values.length },
        ...{ columns: [{ name, sketch }], sealedThroughMs: index * 1_000 },
      });
    }
    for (const { source } of options.contributors) {
      write(source, { sealedThroughMs: (index + 1) * 1_000 });
    }
  }
  return shard.takeChanges().outputs.map(({ value }) => reportCodec.decode(value!));
}

/** One window: as many events as scores, all versions' together. */
function split(versions: Readonly<Record<string, Values>>): readonly Part[] {
  const all = Object.values(versions).flat();
  return [
    { source: 'events', slice: '', values: all.map((_, row) => row % 5) },
    { source: 'predictions', slice: '', values: all },
    ...Object.entries(versions).map(([version, values]): Part => {
      return { source: 'predictions', slice: `model=${version}`, values };
    }),
  ];
}

const whole = (reports: readonly Report[]) => reports.find(({ slice }) => slice === '')!;
const unnumbered = ({ sequence: _, ...report }: Report) => report;

function exactKs(left: readonly number[], right: readonly number[]): number {
  const below = (values: readonly number[], x: number) =>
    values.filter((value) => value <= x).length / values.length;
  return Math.max(...[...left, ...right].map((x) => Math.abs(below(left, x) - below(right, x))));
}

describe('the report of the whole', () => {
  it('says of each version how many it answered and what, beside the one that answered most', () => {
    // Few enough that the sketches hold every value.
    const score = fc.integer({ min: 0, max: 40 }).map((step) => step / 40);
    const scores = fc.array(score, { minLength: 1, maxLength: 30 });
    const versions = fc.dictionary(fc.stringMatching(/^[a-z0-9.-]{1,5}$/), scores, {
      ...{ minKeys: 1, maxKeys: 4, noNullPrototype: true },
    });
    fc.assert(
      fc.property(versions, (values) => {
        const names = Object.keys(values).sort();
        const reported = whole(judge([split(values)])).versions;
        expect(reported.map(({ version }) => version)).toEqual(names);
        const countMax = Math.max(...names.map((name) => values[name]!.length));
        const most = names.find((name) => values[name]!.length === countMax)!;
        for (const { version, count, comparedWith, outputs } of reported) {
          const own = values[version]!;
          const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
          const squares = own.reduce((sum, value) => sum + (value - mean) ** 2, 0);
          expect({ count, comparedWith }).toEqual({ count: own.length, comparedWith: most });
          const [output] = outputs;
          expect(output!.mean).toBeCloseTo(mean, 9);
          expect(output!.ks).toBeCloseTo(exactKs(values[most]!, own), 9);
          if (own.length === 1) expect(output!.standardDeviation).toBeNull();
          else
            expect(output!.standardDeviation).toBeCloseTo(Math.sqrt(squares / (own.length - 1)), 9);
        }
      }),
      { numRuns: 100 },
    );
  });

  it('has them against the first baseline alone, and none where nothing is split', () => {
    const shared = judge([split({ 1: [0.1, 0.2], 2: [0.3, 0.4] })]);
    const listed = shared.filter(({ versions }) => versions.length > 0);
    expect(listed.map(({ slice, baseline }) => [slice, baseline])).toEqual([['', 'reference']]);
    const alone = judge([split({ 1: [0.1, 0.2] }).slice(0, 2)]);
    expect(alone.flatMap(({ versions }) => versions)).toEqual([]);
  });

  it('says of a version that said nothing that there is nothing to compare', () => {
    const [, silent] = whole(judge([split({ 1: [0.1, 0.2, 0.3], 2: [null, null] })])).versions;
    expect(silent).toEqual({
      ...{ version: '2', count: 2, comparedWith: '1' },
      outputs: [{ name: 'score', mean: null, standardDeviation: null, ks: null }],
    });
  });

  it('counts in its revision what a version answered late', () => {
    const late = (slice: string): Part => {
      return { source: 'predictions', slice, values: [0.9], kind: 'late' };
    };
    const first = split({ 1: [0.1, 0.2], 2: [0.3, 0.4] });
    const second = [late(''), late('model=2')];
    const reports = judge([first, second, [], []]);
    const revised = reports.filter(({ revision }) => revision === 1);
    expect(revised.map(({ slice, baseline }) => `${slice} ${baseline}`)).toEqual([
      ...[' reference', ' trailing 1', 'model=2 reference', 'model=2 trailing 1'],
    ]);
    expect(revised[0]!.versions.map(({ version, count }) => [version, count])).toEqual([
      ['1', 2],
      ['2', 3],
    ]);
    expect(revised[2]).toMatchObject({ count: 3, slice: 'model=2' });
  });
});

describe('the report of a version', () => {
  const far = split({ 1: [0.1, 0.2, 0.3, 0.4], 2: [0.9, 0.9, 0.95, 0.99, 0.99] });

  it('holds its outputs alone against those of the whole reference, and judges nothing', () => {
    const report = judge([far]).find(({ slice }) => slice === 'model=2')!;
    expect(report).toMatchObject({ count: 5, verdict: 'ok', budget: '', versions: [] });
    expect(report.columns).toMatchObject([
      { name: 'score', distances: { ks: 1 }, threshold: null, verdict: 'ok', statistics: [] },
    ]);
    expect(report.columns[0]!.bins).not.toEqual([]);
  });

  it('is never a drift, whatever it answers and whatever it is held against', () => {
    const scores = fc.array(fc.double({ noNaN: true }), { maxLength: 20 });
    const windows = fc.array(
      fc.record({ 1: scores, 2: scores }).map((versions) => split(versions)),
      { minLength: 1, maxLength: 3 },
    );
    const drift = fc.constantFrom(
      { kind: 'budget', priority: 1 } as const,
      { kind: 'threshold', distance: 'ks', threshold: 0.01 } as const,
    );
    fc.assert(
      fc.property(windows, drift, (parts, rule) => {
        const outputs = [{ name: 'score', type: 'numeric', drift: rule } as const];
        for (const report of judge(parts, { ...OPTIONS, outputs })) {
          if (report.slice !== '') expect(report.verdict).not.toBe('drift');
        }
      }),
      { numRuns: 60 },
    );
  });

  it('says so where there is no reference of the outputs, or too little to compare', () => {
    const reference = { ...REFERENCE, columns: new Map([['level', sketchOf([1, 2])]]) };
    const verdictOf = (reports: readonly Report[]) =>
      reports.find(({ slice, baseline }) => slice === 'model=2' && baseline === 'reference')!
        .verdict;
    expect(verdictOf(judge([far], { ...OPTIONS, reference }))).toBe('no-reference');
    expect(verdictOf(judge([split({ 1: [0.1, 0.2], 2: [0.3] })]))).toBe('insufficient-data');
  });

  it('is held against its own windows before by a trailing baseline', () => {
    const near = split({ 1: [0.1, 0.2, 0.3, 0.4], 2: [0.9, 0.9, 0.95, 0.99, 0.99] });
    const reports = judge([far, near]).filter(
      ({ slice, baseline }) => slice === 'model=2' && baseline !== 'reference',
    );
    expect(reports.map(({ columns }) => columns[0]!.distances)).toEqual([{}, { ks: 0 }]);
  });
});

describe('everything else', () => {
  it('is judged as if the versions were not there: same verdicts, same budget', () => {
    const scores = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 });
    const windows = fc.array(fc.record({ 1: scores, 2: scores, 3: scores }), {
      ...{ minLength: 1, maxLength: 3 },
    });
    fc.assert(
      fc.property(windows, (all) => {
        const parts = all.map((versions) => split(versions));
        const withVersions = judge(parts).filter(({ slice }) => slice === '');
        const without = judge(parts.map((part) => part.slice(0, 2)));
        expect(withVersions.map((report) => unnumbered({ ...report, versions: [] }))).toEqual(
          without.map(unnumbered),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('of a monitor without a model is a slice like any other, whatever its column is called', () => {
    const parts: readonly Part[] = ['', 'model=t'].map((slice) => {
      return { source: 'events', slice, values: [9, 9, 9] };
    });
    const contributors = [{ source: 'events', partition: 0 }] as const;
    const fixed = { kind: 'threshold', distance: 'ks', threshold: 0.5 } as const;
    const columns = [{ name: 'level', type: 'numeric', drift: fixed }] as const;
    const slices = new Map([['model=t', new Map([['level', sketchOf([1, 2])]])]]);
    const options = { ...OPTIONS, contributors, columns, outputs: [], falseAlarms: null };
    const reference = { ...OPTIONS.reference!, slices };
    const reports = judge([parts], { ...options, reference });
    expect(
      reports
        .filter(({ baseline }) => baseline === 'reference')
        .map(({ slice, verdict, versions }) => [slice, verdict, versions]),
    ).toEqual([
      ['', 'drift', []],
      ['model=t', 'drift', []],
    ]);
  });
});
