/** What the profile chose and why, in sentences: for `--explain` and for the JSON of `profile`. */
import { type ColumnCalibration, inflationAt } from '../core/decision/column-calibration.ts';
import type { NumericSketch } from '../core/sketch/numeric-sketch.ts';
import type { ProfiledColumn, ProfileResult } from './profile.ts';
import { ROWS_PER_WINDOW_MIN } from './propose.ts';

/** Below this an inflation is hardly more than the caution of its estimate. */
const HANGING_INFLATION = 2;

export interface ColumnExplanation {
  readonly name: string;
  readonly type: string;
  readonly role: string;
  readonly missing: string;
  readonly range: string;
  readonly calibration: string;
}

export interface Explanation {
  readonly columns: readonly ColumnExplanation[];
  readonly window: string;
  readonly relations: readonly string[];
}

export function explainProfile(result: ProfileResult): Explanation {
  return {
    columns: result.columns.map((column) => ({
      name: column.name,
      type: `${column.type}: ${column.evidence.replace(/\d{4,}/g, grouped)}`,
      role: `${column.role}: ${roleReason(column)}`,
      missing: missingText(column, result.rowCount),
      range: rangeText(column, result),
      calibration: calibrationText(column, result),
    })),
    window: windowText(result),
    relations: result.relations.map(
      ({ expression, rowCount }) => `${expression}, on all ${grouped(rowCount)} rows with both`,
    ),
  };
}

/** Rows of the data in one of the proposed windows. */
export function rowsPerWindow({ rowCount, span, window }: ProfileResult): number {
  const perWindow = (rowCount * window.ms) / Math.max(span.endMs - span.startMs, 1);
  return Math.round(Math.min(rowCount, perWindow));
}

export function missingText({ missingCount }: ProfiledColumn, rowCount: number): string {
  if (missingCount === 0) return 'never missing';
  const share = (100 * missingCount) / rowCount;
  const percent = share >= 0.1 ? share.toFixed(1) : share.toPrecision(1);
  return `missing in ${percent} % of the rows (${grouped(missingCount)} of ${grouped(rowCount)})`;
}

function roleReason({ role, note }: ProfiledColumn): string {
  if (role === 'context') return `not judged, it ${note ?? 'is named so'}`;
  if (role === 'label') return 'named as the label; validated, never judged';
  const judged = role === 'prediction' ? 'named as the prediction; judged' : 'judged';
  return note === null ? judged : `${judged}; ${note}`;
}

function rangeText(column: ProfiledColumn, { reference }: ProfileResult): string {
  if (column.type === 'categorical') return 'none: a new value is measured as drift';
  const sketch = reference.columns.get(column.name);
  if (sketch?.kind !== 'numeric' || sketch.count === 0) return 'none: it is not judged';
  const seen = `seen ${shown(sketch.minimum)} to ${shown(sketch.maximum)}`;
  if (column.range === null) return `none: ${seen}, ${noRangeReason(column, sketch)}`;
  const { minimum, maximum } = column.range;
  const isOpen = minimum === null || maximum === null;
  const margin = `and its spread of ${shown(sketch.maximum - sketch.minimum)} as a margin, rounded, not past 0 where no value was`;
  const open = isOpen ? '; no bound where the tail is long' : '';
  return `[${minimum}, ${maximum}]: ${seen}, ${margin}${open}`;
}

function noRangeReason({ role, grows }: ProfiledColumn, sketch: NumericSketch): string {
  if (role === 'label') return 'and a label is not refused for its value';
  if (grows) return 'but it never falls, so that values to come lie beyond';
  const infinityCount = sketch.positiveInfinityCount + sketch.negativeInfinityCount;
  if (infinityCount > 0) return `and ${infinityCount} infinite ones, which a range would refuse`;
  if (sketch.minimum === sketch.maximum) return 'and a constant that starts to move is drift';
  return 'with long tails, whose next largest value nobody knows';
}

function calibrationText(column: ProfiledColumn, result: ProfileResult): string {
  const { role, name } = column;
  if (role === 'label' || role === 'context') return 'none: it is not judged';
  if (result.uncalibrated !== null) return `none: ${result.uncalibrated}`;
  const calibration = result.reference.calibrations.get(name);
  if (calibration === undefined) return 'none: too few rows, or the type changed on the way';
  const count = rowsPerWindow(result);
  const worst = worstInflation(calibration, count);
  if (worst === null) return 'none: the blocks say nothing';
  const independent = Math.max(1, Math.round(count / worst.inflation));
  const hang = worst.inflation < HANGING_INFLATION ? 'hardly hang' : 'hang';
  return `values ${hang} together in time: ${grouped(count)} rows tell as much as ${grouped(independent)} independent ones (${worst.statistic})`;
}

interface WorstInflation {
  readonly statistic: string;
  readonly inflation: number;
}

/** Of the statistic that is inflated most at this count. */
function worstInflation(calibration: ColumnCalibration, count: number): WorstInflation | null {
  let worst: WorstInflation | null = null;
  for (const statistic of Object.keys(calibration.inflation)) {
    const inflation = inflationAt(calibration, statistic, count);
    if (worst === null || inflation > worst.inflation) worst = { statistic, inflation };
  }
  return worst;
}

function windowText(result: ProfileResult): string {
  const rows = rowsPerWindow(result);
  const longest = rows < ROWS_PER_WINDOW_MIN ? ', the longest there is' : '';
  return `${result.window.text}: the shortest round length that holds ${ROWS_PER_WINDOW_MIN} rows at the rate of the data, about ${grouped(rows)}${longest}`;
}

function shown(value: number): string {
  return String(Number(value.toPrecision(6)));
}

/** 1234567 → 1 234 567. */
function grouped(count: number | string): string {
  return String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ' ');
}
