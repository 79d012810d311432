/**
 * The decision of the evaluator, pure: a window's columns against the reference, from sketches alone.
 *
 * What is judged is settled by `core/decision`: a column drifts when its change is worth an alarm and
 * too improbable for its part of the false-alarm budget, or reaches its fixed threshold. What is here
 * is what that leaves: columns without a reference, columns that are only measured, and the report.
 */
import type { WindowBudget } from '../core/decision/budget.ts';
import type { ColumnCalibration } from '../core/decision/column-calibration.ts';
import type { ComparedColumn, JudgedColumn } from '../core/decision/decide-column.ts';
import { judgeWindow } from '../core/decision/decide-window.ts';
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
  readonly budget: string;
  readonly columns: readonly ColumnReport[];
}

export interface EvaluateOptions {
  readonly columns: readonly MeasuredColumn[];
  readonly content: WindowContent;
  /** By column name; `null` where the slice has none. */
  readonly reference: ReadonlyMap<string, ColumnSketch> | null;
  /** By column name; a column without one is taken to have independent values. */
  readonly calibrations: ReadonlyMap<string, ColumnCalibration>;
  readonly countMin: number;
  /** `null` where every column has a fixed threshold. */
  readonly budget: WindowBudget | null;
}

/** Nothing is spent where every threshold is fixed. */
const NO_BUDGET: WindowBudget = { alpha: 0, sentence: '' };

export function evaluateWindow(options: EvaluateOptions): Judgement {
  const { content, countMin } = options;
  const budget = options.budget ?? NO_BUDGET;
  const compared = options.columns.flatMap((column) => comparedColumn(column, options) ?? []);
  const judged = judgeWindow({ columns: compared, count: content.count, budget, countMin });
  const byName = new Map(judged.columns.map((column) => [column.name, column]));
  const columns = options.columns.map((column) =>
    columnReport(column, byName.get(column.name) ?? null, options),
  );
  return { verdict: windowVerdict(columns), budget: budget.sentence, columns };
}

/** `null` where the column is not judged, or has nothing on one side to be judged by. */
function comparedColumn(column: MeasuredColumn, options: EvaluateOptions): ComparedColumn | null {
  const { name, threshold } = column;
  const window = options.content.sketches.get(name);
  const reference = options.reference?.get(name);
  if (threshold === null || window === undefined || reference === undefined) return null;
  return {
    name,
    reference,
    window,
    calibration: options.calibrations.get(name) ?? null,
    priority: 1,
    threshold: threshold === 'budget' ? null : threshold,
  };
}

function columnReport(
  column: MeasuredColumn,
  judged: JudgedColumn | null,
  options: EvaluateOptions,
): ColumnReport {
  const { name, type } = column;
  const sketch = options.content.sketches.get(name) ?? null;
  const reference = options.reference?.get(name) ?? null;
  const distances = sketch === null || reference === null ? {} : distancesOf(sketch, reference);
  const statistics = judged?.statistics ?? [];
  return {
    name,
    type,
    count: sketch?.count ?? 0,
    missingCount: sketch?.missingCount ?? 0,
    distances,
    threshold: reportedThreshold(column, statistics),
    verdict: columnVerdict(judged, { ...options, sketch, reference }),
    statistics: statistics.map(({ pValue: _, ...statistic }) => statistic),
    decisive: judged?.decisive ?? null,
    sentence: judged?.sentence ?? '',
  };
}

function columnVerdict(
  judged: JudgedColumn | null,
  found: Pick<EvaluateOptions, 'content' | 'countMin'> & {
    readonly sketch: ColumnSketch | null;
    readonly reference: ColumnSketch | null;
  },
): Verdict {
  if (found.reference === null) return 'no-reference';
  if (judged !== null) return judged.verdict;
  return found.sketch === null || found.content.count < found.countMin ? 'insufficient-data' : 'ok';
}

/** Under a budget: how far `ks`, or the category that moved most, must go at this window's size. */
function reportedThreshold(
  { threshold }: MeasuredColumn,
  statistics: JudgedColumn['statistics'],
): number | null {
  if (threshold !== 'budget') return threshold;
  const distance = statistics.find(({ name }) => name === 'ks' || name === 'category');
  if (distance === undefined) return null;
  const { effect, effectMin, statistic, criticalValue } = distance;
  if (criticalValue === null || statistic === 0) return effectMin;
  return Math.max(effectMin, Math.abs((effect * criticalValue) / statistic));
}

function distancesOf(window: ColumnSketch, reference: ColumnSketch): Record<string, number> {
  if (window.count === 0 || reference.count === 0) return {};
  if (window.kind === 'numeric' && reference.kind === 'numeric') {
    return { ks: ks(reference, window) };
  }
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
