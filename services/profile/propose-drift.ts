/**
 * How the proposed monitor judges: the false-alarm budget, the fewest rows of a window, and for every
 * judged column what it takes to alarm under that budget.
 *
 * A column whose neighbouring rows are much alike is worth few independent ones, and a budget that
 * keeps its promise then hears next to nothing. Where the reference is long enough to know that, so it
 * is, and said. Where it holds only a few windows, the column gets a fixed threshold, just above what
 * stretches of the reference itself do if that hears more, and takes no part of the budget.
 */
import { FALSE_ALARMS_DEFAULT, type FalseAlarms, windowBudget } from '../core/decision/budget.ts';
import type { Reference } from '../core/monitor/reference.ts';
import type { ColumnSketch } from '../core/sketch/column-sketch.ts';
import type { MeasuredColumn } from './build-reference.ts';
import { type DetectableChange, detectableChange } from './detectable-change.ts';
import type { RoundDuration } from './propose.ts';
import type { Reading } from './read-pass.ts';
import { readAs } from './sketch-pair.ts';
import { largestStretchDistance } from './stretch-distance.ts';

export interface ColumnDriftPlan {
  /** What a window of the proposed size alarms at under the budget. */
  readonly detectable: DetectableChange;
  readonly rule:
    | { readonly kind: 'budget' }
    /** `strayed`: how far a stretch of the reference, of `countMin` rows or more, lies from the whole. */
    | { readonly kind: 'threshold'; readonly threshold: number; readonly strayed: number }
    /** It only ever grows: every window lies elsewhere. */
    | { readonly kind: 'unjudged' };
}

export interface DriftPlan {
  readonly falseAlarms: FalseAlarms;
  readonly countMin: number;
  /** Rows of the data in one of the proposed windows. */
  readonly rowsPerWindow: number;
  /** By name; the judged columns. */
  readonly columns: ReadonlyMap<string, ColumnDriftPlan>;
}

const PER_MONTH: FalseAlarms = { max: 1, per: 'month' };
const DAY_MS = 24 * 3_600_000;
const COUNT_MIN = 100;
/** A fixed threshold does not grow as the window shrinks, so shorter ones are left alone. */
const COUNT_MIN_FIXED = 500;
/** More than this share of the values having to move is too deaf: a shift of 0.9 standard deviations. */
const DISTANCE_MAX = 0.35;
/** Half of the values: a column as good as unwatched. */
export const DEAF_DISTANCE = 0.5;
const STRAY_MARGIN = 0.03;
const THRESHOLD_STEP = 0.05;
const THRESHOLD_MIN = 0.1;
/** Half of the values elsewhere is drift, whatever the reference does, where it is too short to tell. */
const THRESHOLD_MAX = 0.5;
/** With as many windows in the reference it can tell how far an ordinary one goes. */
const WINDOWS_TELLING_MIN = 8;

export interface DriftOptions {
  readonly reading: Reading;
  readonly found: readonly MeasuredColumn[];
  readonly reference: Reference;
  readonly window: RoundDuration;
  readonly rowsPerWindow: number;
}

export function proposeDrift(options: DriftOptions): DriftPlan {
  const { reading, found, rowsPerWindow } = options;
  // Every set takes its part of the budget as a column does.
  const setCount = options.reference.sets.size;
  const falseAlarms = proposeFalseAlarms(reading.time !== null, options.window);
  const judged = found.filter(({ plan }) => plan.role === 'feature' || plan.role === 'prediction');
  const detectableOf = columnDetection(options, falseAlarms);
  const all = judged.map((column) => detectableOf(column, judged.length + setCount));
  const halfRows = Math.max(1, Math.floor(rowsPerWindow / 2));
  const fixedCountMin = Math.max(
    Math.min(COUNT_MIN, halfRows),
    Math.min(COUNT_MIN_FIXED, halfRows),
  );
  const rules = judged.map((column, index): ColumnDriftPlan['rule'] => {
    const { distance } = all[index]!;
    if (distance <= DISTANCE_MAX) return { kind: 'budget' };
    if (column.plan.grows) return { kind: 'unjudged' };
    // That windows differ so much by themselves is then known, not guessed: no threshold mends it.
    if (reading.rowCount >= WINDOWS_TELLING_MIN * rowsPerWindow) return { kind: 'budget' };
    const strayed = strayedOf(options, column, fixedCountMin);
    if (strayed === null || thresholdAbove(strayed) >= distance) return { kind: 'budget' };
    return { kind: 'threshold', threshold: thresholdAbove(strayed), strayed };
  });
  const inBudget = setCount + rules.filter(({ kind }) => kind === 'budget').length;
  const hasFixed = rules.some(({ kind }) => kind === 'threshold');
  const columns = judged.map((column, index): [string, ColumnDriftPlan] => {
    const rule = rules[index]!;
    const detectable = rule.kind === 'budget' ? detectableOf(column, inBudget) : all[index]!;
    return [column.name, { detectable, rule }];
  });
  return {
    falseAlarms,
    countMin: hasFixed ? fixedCountMin : Math.min(COUNT_MIN, halfRows),
    rowsPerWindow,
    columns: new Map(columns),
  };
}

/** Seconds that are row numbers have no months, and of windows longer than a day a month has too few. */
function proposeFalseAlarms(isTimed: boolean, window: RoundDuration): FalseAlarms {
  return isTimed && window.ms <= DAY_MS ? PER_MONTH : FALSE_ALARMS_DEFAULT;
}

function columnDetection(
  { reference, window, rowsPerWindow }: DriftOptions,
  falseAlarms: FalseAlarms,
): (column: MeasuredColumn, sharedBy: number) => DetectableChange {
  const { alpha } = windowBudget({
    falseAlarms,
    slideMs: window.ms,
    sliceCount: 1 + reference.slices.size,
    windowPlanCount: 1,
    baselineCount: 1,
  });
  return ({ name }, sharedBy) =>
    detectableChange({
      reference: reference.columns.get(name)!,
      calibration: reference.calibrations.get(name) ?? null,
      rowCount: rowsPerWindow,
      alpha: alpha / sharedBy,
    });
}

function strayedOf(
  { reading, reference, rowsPerWindow }: DriftOptions,
  { name, index, plan }: MeasuredColumn,
  rowsMin: number,
): number | null {
  const { blocks } = reading;
  if (blocks === null) return null;
  const stretches: ColumnSketch[] = blocks
    .blocksOf(index, plan.type)
    .map((block) => readAs(block, plan.valueType));
  return largestStretchDistance({
    whole: reference.columns.get(name)!,
    blocks: stretches,
    blockRows: blocks.blockRows,
    rowsMin,
    rowsMax: rowsPerWindow,
  });
}

function thresholdAbove(strayed: number): number {
  const steps = Math.ceil((strayed + STRAY_MARGIN) / THRESHOLD_STEP);
  const rounded = Number((steps * THRESHOLD_STEP).toFixed(2));
  return Math.min(THRESHOLD_MAX, Math.max(THRESHOLD_MIN, rounded));
}
