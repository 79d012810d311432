/**
 * The false-alarm budget: how often a monitor may alarm with nothing drifting, and what is left of
 * it for one test.
 *
 * `{ max: 1, per: 'month' }` allows one alarm a month over all windows, slices and window lengths
 * together; a window may then use its share by time. Within a window the budget is divided over
 * columns by priority, and within a column over its statistics by weight. Everything is divided by
 * Bonferroni's inequality, which holds whatever the columns have to do with each other; so do windows
 * that overlap.
 */

import { percent } from './percent.ts';

const DAY_MS = 24 * 3_600_000;
const PERIODS_MS = {
  hour: 3_600_000,
  day: DAY_MS,
  week: 7 * DAY_MS,
  /** The shortest one: the promise holds in February. */
  month: 28 * DAY_MS,
  year: 365 * DAY_MS,
} as const;

export type BudgetPeriod = keyof typeof PERIODS_MS | 'window';

export interface FalseAlarms {
  /** Alarms; for `window`, the share of windows. */
  readonly max: number;
  readonly per: BudgetPeriod;
}

/** Where time means nothing, or a month holds too few windows: one window in a hundred. */
export const FALSE_ALARMS_DEFAULT: FalseAlarms = { max: 0.01, per: 'window' };
/** A window is not worth more than this, however generous the budget. */
const WINDOW_ALPHA_MAX = 0.5;

/** The probability with which one window of one slice may alarm by chance. */
export interface WindowBudget {
  readonly alpha: number;
  /** As stated in a report. */
  readonly sentence: string;
}

/**
 * `slideMs`: from one window to the next; the length of tumbling ones. `sliceCount`: the whole and
 * every slice, at least 1. `windowPlanCount`, `baselineCount`: of the monitor, at least 1.
 */
export function windowBudget(options: {
  readonly falseAlarms: FalseAlarms;
  readonly slideMs: number;
  readonly sliceCount: number;
  readonly windowPlanCount: number;
  readonly baselineCount: number;
}): WindowBudget {
  const { falseAlarms, slideMs, windowPlanCount } = options;
  const { max, per } = falseAlarms;
  const perWindow = per === 'window' ? max : (max * slideMs) / PERIODS_MS[per];
  // A budget per window already counts the windows of every plan; what is judged of one shares it.
  const perPlan = options.sliceCount * options.baselineCount;
  const series = per === 'window' ? perPlan : perPlan * windowPlanCount;
  const alpha = Math.min(WINDOW_ALPHA_MAX, perWindow / series);
  const stated = per === 'window' ? `${percent(max)} of windows` : `${max} a ${per}`;
  const shared = series === 1 ? '' : `, shared by ${series} series of windows`;
  return { alpha, sentence: `false alarms: ${stated}${shared}; ${percent(alpha)} of this window` };
}

/** The parts of `alpha`, in proportion to the weights; they add up to it. */
export function shareBudget(alpha: number, weights: readonly number[]): readonly number[] {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => (sum > 0 ? (alpha * weight) / sum : 0));
}
