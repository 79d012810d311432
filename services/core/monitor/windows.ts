/**
 * Which lengths a monitor's tumbling windows may have, and the same monitor with other ones.
 *
 * A pane is as long as the greatest common divisor of the lengths, so that every window is a whole
 * number of panes and one state serves all of them; lengths with little in common would need very
 * many, and are refused.
 */
import { CodedError } from '../errors.ts';
import { OPEN_PANES_MAX } from '../limits.ts';
import { paneLengthMs } from '../window/tumbling.ts';
import type { Monitor } from './monitor.ts';

export const WINDOW_LENGTH_MS_MIN = 1_000;

/** Why these lengths cannot be run, `null` where they can. */
export function windowsMistake(
  lengthsMs: readonly number[],
  allowedLatenessMs: number,
): string | null {
  if (lengthsMs.length === 0) return 'expected at least one window length';
  for (const length of lengthsMs) {
    if (!Number.isSafeInteger(length) || length < WINDOW_LENGTH_MS_MIN) {
      return `a window of ${length} ms is too short, expected at least 1s`;
    }
  }
  if (new Set(lengthsMs).size !== lengthsMs.length) return 'the same window length is given twice';
  const paneMs = paneLengthMs(lengthsMs);
  if (paneMs < WINDOW_LENGTH_MS_MIN) {
    return `the windows have only ${paneMs} ms in common, expected lengths that are multiples of a common length of at least 1s`;
  }
  const openPanes = Math.ceil((Math.max(...lengthsMs) + allowedLatenessMs) / paneMs);
  if (openPanes > OPEN_PANES_MAX) {
    return `the longest window and the allowed lateness need ${openPanes} panes of ${paneMs} ms, expected at most ${OPEN_PANES_MAX}`;
  }
  return null;
}

/** The same monitor with other windows, for a replay. Throws `configuration.invalid`. */
export function overrideWindows(monitor: Monitor, lengthsMs: readonly number[]): Monitor {
  const mistake = windowsMistake(lengthsMs, monitor.allowedLatenessMs);
  if (mistake !== null) throw new CodedError('configuration.invalid', `windows: ${mistake}`);
  return { ...monitor, windowLengthsMs: [...lengthsMs].sort((a, b) => a - b) };
}
