/** The verdict on one window: against its threshold, its reference and its number of events. */
import { describe, expect, it } from 'vitest';
import type { DistanceName } from '../../../services/core/distance/distances.ts';
import type { MeasuredColumn } from '../../../services/core/monitor/measured-columns.ts';
import {
  type ColumnSketch,
  createColumnSketch,
} from '../../../services/core/sketch/column-sketch.ts';
import { evaluateWindow } from '../../../services/evaluator/evaluate.ts';

const fixed = (distance: DistanceName, threshold: number) =>
  ({ kind: 'threshold', distance, threshold }) as const;
const LEVEL: MeasuredColumn = { name: 'level', type: 'numeric', drift: fixed('ks', 0.5) };
const STATION: MeasuredColumn = {
  name: 'station',
  type: 'categorical',
  drift: fixed('l_infinity', 0.5),
};

function numbers(values: readonly (number | null)[]): ColumnSketch {
  const sketch = createColumnSketch('numeric');
  for (const value of values) value === null ? sketch.addMissing() : sketch.add(value);
  return sketch;
}

function words(values: readonly string[]): ColumnSketch {
  const sketch = createColumnSketch('categorical');
  for (const value of values) sketch.add(value);
  return sketch;
}

const upTo = (count: number, shift = 0) => Array.from({ length: count }, (_, i) => i + shift);
const REFERENCE = new Map<string, ColumnSketch>([
  ['level', numbers(upTo(100))],
  ['station', words(['a', 'a', 'b', 'b'])],
]);

function judge(options: {
  readonly sketches: Readonly<Record<string, ColumnSketch>>;
  readonly columns?: readonly MeasuredColumn[];
  readonly count?: number;
  readonly reference?: ReadonlyMap<string, ColumnSketch> | null;
  readonly distances?: readonly DistanceName[];
}) {
  const { sketches, columns = [LEVEL, STATION], count = 100, reference = REFERENCE } = options;
  const content = { count, sketches: new Map(Object.entries(sketches)), sets: new Map() };
  const expected = reference === null ? null : { sketches: reference, sets: new Map() };
  const untested = { calibrations: new Map(), budget: null, distances: options.distances ?? [] };
  return evaluateWindow({
    ...{ columns, sets: [], content, reference: expected, countMin: 50 },
    ...untested,
  });
}

describe('a column', () => {
  it('drifts when its distance reaches its threshold, and not before', () => {
    const half = numbers(upTo(100, 50));
    const at = (threshold: number) =>
      judge({ sketches: { level: half }, columns: [{ ...LEVEL, drift: fixed('ks', threshold) }] })
        .columns[0]!;
    const distance = at(1).distances.ks!;
    expect(distance).toBeCloseTo(0.5, 1);
    expect(at(distance).verdict).toBe('drift');
    expect(at(distance * 1.0001).verdict).toBe('ok');
  });

  it('is compared by KS where it is numeric and by L∞ where it is categorical', () => {
    const { columns } = judge({
      sketches: { level: numbers(upTo(100)), station: words(['a', 'a', 'a', 'b']) },
    });
    expect(columns.map((column) => Object.keys(column.distances))).toEqual([
      ['ks'],
      ['l_infinity'],
    ]);
    expect(columns[0]!.distances.ks).toBe(0);
    expect(columns[1]!.distances.l_infinity).toBeCloseTo(0.25, 12);
  });

  it('shows the distances asked for besides the one it is judged by, where they take its type', () => {
    const { columns } = judge({
      sketches: { level: numbers(upTo(100)), station: words(['a', 'b']) },
      columns: [{ ...LEVEL, drift: fixed('psi', 0.2) }, STATION],
      distances: ['wasserstein', 'psi'],
    });
    expect(columns.map((column) => Object.keys(column.distances))).toEqual([
      ['psi', 'wasserstein'],
      ['l_infinity', 'psi'],
    ]);
  });

  it('drifts by the distance its threshold is of', () => {
    const half = numbers(upTo(100, 50));
    const by = (drift: MeasuredColumn['drift']) =>
      judge({ sketches: { level: half }, columns: [{ ...LEVEL, drift }] }).columns[0]!;
    expect(by(fixed('psi', 1))).toMatchObject({ verdict: 'drift', decisive: 'psi', threshold: 1 });
    expect(by(fixed('psi', 1_000))).toMatchObject({ verdict: 'ok', decisive: null });
  });

  it('shows both sides bin by bin', () => {
    const { columns } = judge({
      sketches: { level: numbers(upTo(100, 50)), station: words(['a', 'c']) },
    });
    for (const { bins } of columns) {
      const sum = (side: 'share' | 'referenceShare') =>
        bins.reduce((total, bin) => total + bin[side], 0);
      expect(sum('share')).toBeCloseTo(1, 9);
      expect(sum('referenceShare')).toBeCloseTo(1, 9);
    }
    expect(columns[1]!.bins).toContainEqual(
      expect.objectContaining({ label: 'b', referenceShare: 0.5, share: 0 }),
    );
  });

  it('without a threshold is measured and never drifts', () => {
    const far = judge({
      sketches: { level: numbers(upTo(100, 1_000)) },
      columns: [{ ...LEVEL, drift: null }],
    });
    expect(far.columns[0]).toMatchObject({ verdict: 'ok', threshold: null });
    expect(far.columns[0]!.distances.ks).toBe(1);
  });

  it('that is missing throughout is no judgement', () => {
    const { columns } = judge({ sketches: { level: numbers([null, null]) }, columns: [LEVEL] });
    expect(columns[0]).toMatchObject({
      verdict: 'insufficient-data',
      count: 0,
      missingCount: 2,
      distances: {},
    });
  });

  it('that no pane holds is no judgement', () => {
    const { columns } = judge({ sketches: {}, columns: [LEVEL] });
    expect(columns[0]).toMatchObject({ verdict: 'insufficient-data', count: 0, missingCount: 0 });
  });

  it('that the reference does not know says so, however few events there are', () => {
    for (const count of [1, 1_000]) {
      const unknown = new Map([['station', words(['a'])]]);
      const sketches = { level: numbers([1]) };
      const { columns } = judge({ sketches, columns: [LEVEL], count, reference: unknown });
      expect(columns[0]!.verdict).toBe('no-reference');
    }
  });

  it('of another type than in the reference is not compared', () => {
    const { columns } = judge({ sketches: { level: words(['a', 'b']) }, columns: [LEVEL] });
    expect(columns[0]).toMatchObject({ verdict: 'insufficient-data', distances: {} });
  });
});

describe('a window', () => {
  const level = numbers(upTo(100));
  const drifted = numbers(upTo(100, 1_000));
  const station = words(['a', 'b']);

  it('with fewer events than asked for is no judgement, and still shows its numbers', () => {
    const thin = judge({ sketches: { level: drifted, station }, count: 49 });
    expect(thin.verdict).toBe('insufficient-data');
    expect(thin.columns[0]).toMatchObject({ verdict: 'insufficient-data', distances: { ks: 1 } });
    expect(judge({ sketches: { level: drifted, station }, count: 50 }).verdict).toBe('drift');
  });

  it('drifts when one column does', () => {
    expect(judge({ sketches: { level: drifted, station } }).verdict).toBe('drift');
    expect(judge({ sketches: { level, station } }).verdict).toBe('ok');
  });

  it('is ok when one column is and the others cannot be judged', () => {
    expect(judge({ sketches: { level } }).verdict).toBe('ok');
  });

  it('without any reference says so', () => {
    expect(judge({ sketches: { level, station }, reference: null }).verdict).toBe('no-reference');
  });

  it('reports its columns in the order of the monitor', () => {
    const { columns } = judge({ sketches: { station, level } });
    expect(columns.map((column) => column.name)).toEqual(['level', 'station']);
  });
});
