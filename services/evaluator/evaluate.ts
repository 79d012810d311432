/**
 * The decision of the evaluator, pure: a window's columns against the reference, from sketches alone.
 *
 * What is judged is settled by `core/decision`: a column drifts when its change is worth an alarm and
 * too improbable for its part of the false-alarm budget, or reaches its fixed threshold. What is here
 * is what that leaves: columns without a reference, columns that are only measured, and the report.
 */
import type { WindowBudget } from '../core/decision/budget.ts';
import type { ColumnCalibration } from '../core/decision/column-calibration.ts';
import { comparedBins } from '../core/decision/compared-bins.ts';
import type { ComparedColumn, JudgedColumn } from '../core/decision/decide-column.ts';
import { judgeWindow } from '../core/decision/decide-window.ts';
import { Comparison } from '../core/distance/comparison.ts';
import {
  DISTANCES,
  type DistanceName,
  measureDistances,
  USUAL_DISTANCES,
} from '../core/distance/distances.ts';
import type { ColumnReport, Verdict } from '../core/message/report.ts';
import type { MeasuredColumn } from '../core/monitor/measured-columns.ts';
import type { MeasuredSet } from '../core/monitor/measured-sets.ts';
import { comparedSet, setReport } from './evaluate-set.ts';
import { verdictOf } from './verdict-of.ts';
import type { ColumnSketches, WindowContent } from './window-content.ts';

export interface Judgement {
  readonly verdict: Verdict;
  readonly budget: string;
  readonly columns: readonly ColumnReport[];
}

export interface EvaluateOptions {
  readonly columns: readonly MeasuredColumn[];
  readonly sets: readonly MeasuredSet[];
  readonly content: WindowContent;
  /** What the window is held against; `null` where the slice has none. */
  readonly reference: ColumnSketches | null;
  /** By column name; a column without one is taken to have independent values. */
  readonly calibrations: ReadonlyMap<string, ColumnCalibration>;
  readonly countMin: number;
  /** `null` where every column has a fixed threshold. */
  readonly budget: WindowBudget | null;
  /** Measured besides the one a column is judged by, where they take its type. */
  readonly distances: readonly DistanceName[];
}

/** Nothing is spent where every threshold is fixed. */
const NO_BUDGET: WindowBudget = { alpha: 0, sentence: '' };

export function evaluateWindow(options: EvaluateOptions): Judgement {
  const { content, countMin } = options;
  const budget = options.budget ?? NO_BUDGET;
  const judged = judgeWindow({
    columns: options.columns.flatMap((column) => comparedColumn(column, options) ?? []),
    sets: options.sets.flatMap((set) => comparedSet(set, options) ?? []),
    count: content.count,
    budget,
    countMin,
  });
  const columnNamed = new Map(judged.columns.map((column) => [column.name, column]));
  const setNamed = new Map(judged.sets.map((set) => [set.name, set]));
  const columns = [
    ...options.columns.map((column) =>
      columnReport(column, columnNamed.get(column.name) ?? null, options),
    ),
    ...options.sets.map((set) => setReport(set, setNamed.get(set.name) ?? null, options)),
  ];
  return { verdict: windowVerdict(columns), budget: budget.sentence, columns };
}

/** `null` where the column is not judged, or has nothing on one side to be judged by. */
function comparedColumn(column: MeasuredColumn, options: EvaluateOptions): ComparedColumn | null {
  const { name, drift } = column;
  const window = options.content.sketches.get(name);
  const reference = options.reference?.sketches.get(name);
  if (drift === null || window === undefined || reference === undefined) return null;
  return {
    name,
    reference,
    window,
    calibration: options.calibrations.get(name) ?? null,
    priority: drift.kind === 'budget' ? drift.priority : 0,
    threshold: drift.kind === 'threshold' ? drift : null,
  };
}

function columnReport(
  column: MeasuredColumn,
  judged: JudgedColumn | null,
  options: EvaluateOptions,
): ColumnReport {
  const { name, type } = column;
  const sketch = options.content.sketches.get(name) ?? null;
  const reference = options.reference?.sketches.get(name) ?? null;
  const comparison =
    sketch !== null && reference !== null && sketch.kind === reference.kind
      ? new Comparison(reference, sketch)
      : null;
  const statistics = judged?.statistics ?? [];
  return {
    name,
    type,
    count: sketch?.count ?? 0,
    missingCount: sketch?.missingCount ?? 0,
    distances: comparison === null ? {} : distancesOf(column, comparison, options),
    threshold: reportedThreshold(column, statistics),
    verdict: verdictOf(judged, { ...options, sketch, reference }),
    statistics: statistics.map(({ pValue: _, ...statistic }) => statistic),
    decisive: judged?.decisive ?? null,
    shape: null,
    bins: sketch === null || reference === null ? [] : comparedBins(reference, sketch),
    sentence: judged?.sentence ?? '',
  };
}

/** Under a budget: how far `ks`, or the category that moved most, must go at this window's size. */
function reportedThreshold(
  { drift }: MeasuredColumn,
  statistics: JudgedColumn['statistics'],
): number | null {
  if (drift?.kind !== 'budget') return drift?.threshold ?? null;
  const distance = statistics.find(({ name }) => name === 'ks' || name === 'category');
  if (distance === undefined) return null;
  const { effect, effectMin, statistic, criticalValue } = distance;
  if (criticalValue === null || statistic === 0) return effectMin;
  return Math.max(effectMin, Math.abs((effect * criticalValue) / statistic));
}

function distancesOf(
  { type, drift }: MeasuredColumn,
  comparison: Comparison,
  { distances }: EvaluateOptions,
): Readonly<Record<string, number>> {
  const { reference, window } = comparison;
  if (window.count === 0 || reference.count === 0) return {};
  const first = drift?.kind === 'threshold' ? drift.distance : USUAL_DISTANCES[type];
  const names = [...new Set([first, ...distances])];
  return measureDistances(
    comparison,
    names.filter((name) => DISTANCES[name].kinds.includes(reference.kind)),
  );
}

/** One drifting column makes the window drift; otherwise the window is as good as its columns. */
function windowVerdict(columns: readonly ColumnReport[]): Verdict {
  const verdicts = new Set(columns.map((column) => column.verdict));
  if (verdicts.has('drift')) return 'drift';
  if (verdicts.has('ok')) return 'ok';
  return verdicts.has('insufficient-data') ? 'insufficient-data' : 'no-reference';
}
