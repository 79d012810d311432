/**
 * What `monitor.yaml` says about windows and drift as written, and what it stands for: the windows,
 * what they are held against, and the rule that each column, output and set is judged by.
 */
import type { FalseAlarms } from '../../core/decision/budget.ts';
import { type DistanceName, USUAL_DISTANCES } from '../../core/distance/distances.ts';
import type { ColumnSet, ColumnType, DriftRule, SetDriftRule } from '../../core/monitor/monitor.ts';
import type { Baseline } from '../../core/window/baseline.ts';
import { tumblingPlan, type WindowPlan } from '../../core/window/window-plan.ts';
import { parseDuration } from './duration.ts';

export type WindowFile = string | { readonly length: string; readonly slide: string };

export type BaselineFile =
  | 'reference'
  | { readonly trailing: number }
  | { readonly calendar: number };

export interface FixedThresholdFile {
  readonly distance?: DistanceName;
  readonly threshold: number;
}

export interface PriorityFile {
  readonly priority: number;
}

export type DriftFile = FixedThresholdFile | PriorityFile | false;

export interface DriftSectionFile {
  readonly countMin?: number;
  readonly falseAlarms?: FalseAlarms;
  readonly baselines?: readonly BaselineFile[];
  readonly distances?: readonly DistanceName[];
  readonly threshold?: Readonly<Partial<Record<ColumnType, number | FixedThresholdFile>>>;
}

export interface SetFile {
  readonly columns: readonly string[];
  readonly drift?: PriorityFile | false;
}

/** Where nothing else is written. */
const THRESHOLD = 0.1;
const ORDINARY: SetDriftRule = { kind: 'budget', priority: 1 };
const BASELINES: readonly BaselineFile[] = ['reference'];

/** By type, the rule of a column or output that has none of its own. */
export type UsualRules = Readonly<Record<ColumnType, DriftRule>>;

/** Milliseconds of a duration the schema has let through. */
export function durationMs(written: string | number): number {
  return parseDuration(String(written)) ?? 0;
}

export function toWindowPlan(window: WindowFile): WindowPlan {
  if (typeof window === 'string') return tumblingPlan(durationMs(window));
  return { lengthMs: durationMs(window.length), slideMs: durationMs(window.slide) };
}

export function toBaselines(section: DriftSectionFile | undefined): readonly Baseline[] {
  return (section?.baselines ?? BASELINES).map((baseline) => {
    if (baseline === 'reference') return { kind: 'reference' };
    return 'trailing' in baseline
      ? { kind: 'trailing', windows: baseline.trailing }
      : { kind: 'calendar', weeks: baseline.calendar };
  });
}

/** A plain number is a distance of the usual kind for the type. */
export function toThreshold(
  written: number | FixedThresholdFile,
  type: ColumnType,
): Extract<DriftRule, { kind: 'threshold' }> {
  const { distance, threshold } =
    typeof written === 'number' ? { threshold: written } : { distance: undefined, ...written };
  return { kind: 'threshold', distance: distance ?? USUAL_DISTANCES[type], threshold };
}

export function usualRules(section: DriftSectionFile | undefined): UsualRules {
  const ruleOf = (type: ColumnType): DriftRule => {
    const written = section?.threshold?.[type];
    if (written !== undefined) return toThreshold(written, type);
    return section?.falseAlarms === undefined ? toThreshold(THRESHOLD, type) : ORDINARY;
  };
  return { numeric: ruleOf('numeric'), categorical: ruleOf('categorical') };
}

/** `null` where it is not judged. */
export function toDriftRule(
  drift: DriftFile | undefined,
  type: ColumnType,
  usual: UsualRules,
): DriftRule | null {
  if (drift === undefined) return usual[type];
  if (drift === false) return null;
  return 'priority' in drift
    ? { kind: 'budget', priority: drift.priority }
    : toThreshold(drift, type);
}

/** A set has no usual threshold: without a false-alarm budget it is measured only. */
export function toColumnSets(
  sets: Readonly<Record<string, SetFile>> | undefined,
  section: DriftSectionFile | undefined,
): readonly ColumnSet[] {
  const usual = section?.falseAlarms === undefined ? null : ORDINARY;
  return Object.entries(sets ?? {}).map(([name, { columns, drift }]) => {
    if (drift === undefined) return { name, columns, drift: usual };
    const rule: SetDriftRule | null =
      drift === false ? null : { kind: 'budget', priority: drift.priority };
    return { name, columns, drift: rule };
  });
}
