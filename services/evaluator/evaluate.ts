/**
 * The decision of the evaluator, pure: a window's columns against the reference.
 *
 * Distances come from sketches alone. A column drifts when its distance reaches its threshold; a
 * window with fewer events than `countMin` is `insufficient-data`, which is not `ok`.
 */
import { ks } from '../core/distance/ks.ts';
import { lInfinity } from '../core/distance/l-infinity.ts';
import type { ColumnReport, Verdict } from '../core/message/report.ts';
import type { MeasuredColumn } from '../core/monitor/measured-columns.ts';
import type { ColumnSketch } from '../core/sketch/column-sketch.ts';

export interface WindowContent {
  readonly count: number;
  /** By column name; a column without a single pane is absent. */
  readonly sketches: ReadonlyMap<string, ColumnSketch>;
}

export interface Judgement {
  readonly verdict: Verdict;
  readonly columns: readonly ColumnReport[];
}

/** `reference`: by column name; `null` where the slice has none. */
export function evaluateWindow(options: {
  readonly columns: readonly MeasuredColumn[];
  readonly content: WindowContent;
  readonly reference: ReadonlyMap<string, ColumnSketch> | null;
  readonly countMin: number;
}): Judgement {
  const { content, reference, countMin } = options;
  const columns = options.columns.map((column) => {
    const sketch = content.sketches.get(column.name) ?? null;
    const expected = reference?.get(column.name) ?? null;
    return judgeColumn(column, { sketch, expected, enough: content.count >= countMin });
  });
  return { verdict: windowVerdict(columns), columns };
}

function judgeColumn(
  column: MeasuredColumn,
  found: {
    readonly sketch: ColumnSketch | null;
    readonly expected: ColumnSketch | null;
    readonly enough: boolean;
  },
): ColumnReport {
  const { sketch, expected } = found;
  const distances = sketch === null || expected === null ? {} : distancesOf(sketch, expected);
  const [distance] = Object.values(distances);
  return {
    name: column.name,
    type: column.type,
    count: sketch?.count ?? 0,
    missingCount: sketch?.missingCount ?? 0,
    distances,
    threshold: column.threshold,
    verdict: verdictOf(column.threshold, distance, expected !== null, found.enough),
  };
}

function verdictOf(
  threshold: number | null,
  distance: number | undefined,
  hasReference: boolean,
  enough: boolean,
): Verdict {
  if (!hasReference) return 'no-reference';
  if (!enough || distance === undefined) return 'insufficient-data';
  return threshold !== null && distance >= threshold ? 'drift' : 'ok';
}

function distancesOf(window: ColumnSketch, reference: ColumnSketch): Record<string, number> {
  if (window.count === 0 || reference.count === 0) return {};
  if (window.kind === 'numeric' && reference.kind === 'numeric')
    return { ks: ks(reference, window) };
  if (window.kind === 'categorical' && reference.kind === 'categorical') {
    return { l_infinity: lInfinity(reference, window) };
  }
  return {};
}

/** One drifting column makes the window drift; otherwise the window is as good as its columns. */
function windowVerdict(columns: readonly ColumnReport[]): Verdict {
  const verdicts = new Set(columns.map((column) => column.verdict));
  if (verdicts.has('drift')) return 'drift';
  if (verdicts.has('ok')) return 'ok';
  return verdicts.has('insufficient-data') ? 'insufficient-data' : 'no-reference';
}
