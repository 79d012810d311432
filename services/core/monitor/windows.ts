/**
 * Which windows a monitor may have, what has to be kept of the stream for them, and the same monitor
 * with other ones.
 *
 * A pane is as long as the greatest common divisor of all slides and kept stretches, so that each is
 * a whole number of panes and one state serves all of them; lengths with little in common would need
 * very many, and are refused.
 */
import { CodedError } from '../errors.ts';
import { OPEN_PANES_MAX, WINDOW_SLIDES_MAX } from '../limits.ts';
import { type Baseline, keptLengthMs, WEEK_MS } from '../window/baseline.ts';
import { paneLengthMs } from '../window/tumbling.ts';
import { planKey, tumblingPlan, type WindowPlan } from '../window/window-plan.ts';
import type { Monitor } from './monitor.ts';

export const WINDOW_LENGTH_MS_MIN = 1_000;

export type WindowsOfMonitor = Pick<Monitor, 'windows' | 'baselines'>;

/** Lengths of the tumbling stretches that the monitor's baselines keep, ascending. */
export function keptLengthsMs({ windows, baselines }: WindowsOfMonitor): readonly number[] {
  const lengthsMs = windows.flatMap((plan) =>
    baselines.flatMap((baseline) => keptLengthMs(baseline, plan) ?? []),
  );
  return [...new Set(lengthsMs)].sort((a, b) => a - b);
}

/** The windows to judge and the stretches to keep, as plans without repeats. */
export function windowPlans(monitor: WindowsOfMonitor): readonly WindowPlan[] {
  const plans = [...monitor.windows, ...keptLengthsMs(monitor).map(tumblingPlan)];
  return [...new Map(plans.map((plan) => [planKey(plan), plan])).values()];
}

export function monitorPaneLengthMs(monitor: WindowsOfMonitor): number {
  return paneLengthMs(windowPlans(monitor).map(({ slideMs }) => slideMs));
}

/** Why these windows cannot be run, `null` where they can. */
export function windowsMistake(
  monitor: WindowsOfMonitor & Pick<Monitor, 'allowedLatenessMs' | 'reviseMs'>,
): string | null {
  const { windows, allowedLatenessMs, reviseMs } = monitor;
  if (windows.length === 0) return 'expected at least one window length';
  for (const plan of windows) {
    const mistake = planMistake(plan, monitor.baselines);
    if (mistake !== null) return mistake;
  }
  if (new Set(windows.map(planKey)).size !== windows.length)
    return 'the same window is given twice';
  const paneMs = monitorPaneLengthMs(monitor);
  if (paneMs < WINDOW_LENGTH_MS_MIN) {
    return `the windows have only ${paneMs} ms in common, expected lengths and slides that are multiples of a common length of at least 1s`;
  }
  const longestMs = Math.max(...windowPlans(monitor).map(({ lengthMs }) => lengthMs));
  const openPanes = Math.ceil((longestMs + allowedLatenessMs + reviseMs) / paneMs);
  if (openPanes > OPEN_PANES_MAX) {
    const revision = reviseMs === 0 ? '' : ', with the time for revisions,';
    return `the longest window and the allowed lateness${revision} need ${openPanes} panes of ${paneMs} ms, expected at most ${OPEN_PANES_MAX}`;
  }
  return null;
}

function planMistake(plan: WindowPlan, baselines: readonly Baseline[]): string | null {
  const { lengthMs, slideMs } = plan;
  for (const [what, milliseconds] of Object.entries({ window: lengthMs, slide: slideMs })) {
    if (!Number.isSafeInteger(milliseconds) || milliseconds < WINDOW_LENGTH_MS_MIN) {
      return `a ${what} of ${milliseconds} ms is too short, expected at least 1s`;
    }
  }
  if (lengthMs % slideMs !== 0) {
    return `a window of ${lengthMs} ms is no whole multiple of its slide of ${slideMs} ms`;
  }
  if (lengthMs / slideMs > WINDOW_SLIDES_MAX) {
    return `a window of ${lengthMs} ms that slides by ${slideMs} ms overlaps ${lengthMs / slideMs} times, expected at most ${WINDOW_SLIDES_MAX}`;
  }
  if (lengthMs > WEEK_MS && baselines.some(({ kind }) => kind === 'calendar')) {
    return `a window of ${lengthMs} ms is longer than a week, which a calendar baseline cannot be`;
  }
  return null;
}

/** The same monitor with other windows, for a replay. Throws `configuration.invalid`. */
export function overrideWindows(monitor: Monitor, plans: readonly WindowPlan[]): Monitor {
  const changed = { ...monitor, windows: sortedPlans(plans) };
  const mistake = windowsMistake(changed);
  if (mistake !== null) throw new CodedError('configuration.invalid', `windows: ${mistake}`);
  return changed;
}

export function sortedPlans(plans: readonly WindowPlan[]): readonly WindowPlan[] {
  return [...plans].sort((a, b) => a.lengthMs - b.lengthMs || a.slideMs - b.slideMs);
}
