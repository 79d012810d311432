/** What the profile chose and why, in sentences: for `--explain` and for the JSON of `profile`. */
import { type ColumnCalibration, inflationAt } from '../core/decision/column-calibration.ts';
import { USUAL_DISTANCES } from '../core/distance/distances.ts';
import type { NumericSketch } from '../core/sketch/numeric-sketch.ts';
import type { ProfiledColumn, ProfileResult } from './profile.ts';
import { ROWS_PER_WINDOW_MIN } from './propose.ts';
import type { ColumnDriftPlan } from './propose-drift.ts';

/** Below this an inflation is hardly more than the caution of its estimate. */
const HANGING_INFLATION = 2;
/** Characters of a category's name. */
const CATEGORY_SHOWN_MAX = 40;

export interface ColumnExplanation {
  readonly name: string;
  readonly type: string;
  readonly role: string;
  readonly missing: string;
  readonly range: string;
  readonly calibration: string;
  readonly detection: string;
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
      detection: detectionText(column, result),
    })),
    window: windowText(result),
    relations: result.relations.map(
      ({ expression, rowCount }) => `${expression}, on all ${grouped(rowCount)} rows with both`,
    ),
  };
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
  const count = result.drift.rowsPerWindow;
  const worst = worstInflation(calibration, count);
  if (worst === null) return 'none: the blocks say nothing';
  const independent = Math.max(1, Math.round(count / worst.inflation));
  const hang = worst.inflation < HANGING_INFLATION ? 'hardly hang' : 'hang';
  const order = result.event.eventTime.header === null ? 'from row to row' : 'in time';
  return `values ${hang} together ${order}: ${grouped(count)} rows tell as much as ${grouped(independent)} independent ${independent === 1 ? 'one' : 'ones'} (${worst.statistic})`;
}

function detectionText(column: ProfiledColumn, { drift }: ProfileResult): string {
  const plan = drift.columns.get(column.name);
  if (plan === undefined) return 'none: it is not judged';
  const rows = `a window of ${grouped(drift.rowsPerWindow)} rows`;
  const { rule } = plan;
  if (rule.kind === 'budget') return `${rows} ${alarmText(plan)}`;
  const underBudget = `under the budget ${rows} ${alarmText(plan)}`;
  if (rule.kind === 'unjudged')
    return `none: ${underBudget}, and every window of it lies elsewhere`;
  const distance = USUAL_DISTANCES[column.type];
  return `${distance} of ${rule.threshold}, fixed: ${underBudget}; stretches of ${grouped(drift.countMin)} rows and more of the reference lie up to ${rule.strayed.toFixed(2)} from the whole`;
}

/** What of a column makes a window alarm under the budget. */
export function alarmText({ detectable }: ColumnDriftPlan): string {
  const { shift, distance, category } = detectable;
  if (distance > 1) return 'alarms at no shift at all';
  if (category !== null) {
    const [from, to] = categoryShares(category.share, distance);
    const name = JSON.stringify(category.name.slice(0, CATEGORY_SHOWN_MAX));
    return `alarms when the share of ${name} goes from ${from} to about ${to}`;
  }
  const share = `${Math.round(100 * distance)} % of the values lying elsewhere`;
  if (shift === null) return `alarms from ${share}`;
  return `alarms from a shift of about ${shift.toFixed(2)} standard deviations, or ${share}`;
}

function categoryShares(share: number, change: number): readonly [string, string] {
  const to = share >= 0.5 ? share - change : share + change;
  return [percent(share), percent(Math.max(0, to))];
}

function percent(share: number): string {
  return `${Number((100 * share).toFixed(1))} %`;
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

function windowText({ window, isWindowGiven, drift }: ProfileResult): string {
  const rows = drift.rowsPerWindow;
  if (isWindowGiven) return `${window.text}, as asked for: about ${grouped(rows)} rows of the data`;
  const longest = rows < ROWS_PER_WINDOW_MIN ? ', the longest there is' : '';
  return `${window.text}: the shortest round length that holds ${ROWS_PER_WINDOW_MIN} rows at the rate of the data, about ${grouped(rows)}${longest}`;
}

function shown(value: number): string {
  return String(Number(value.toPrecision(6)));
}

/** 1234567 → 1 234 567. */
function grouped(count: number | string): string {
  return String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ' ');
}
