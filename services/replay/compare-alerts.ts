/** Two runs' alerts side by side: what did the one say, what the other? Pure. */
import type { Alert, AlertState } from '../core/message/alert.ts';

export interface AlertPair {
  readonly windowStart: string;
  readonly windowEnd: string;
  readonly rule: string;
  readonly column: string;
  readonly slice: string;
  readonly baseline: string;
  /** `null`: said nothing. */
  readonly left: AlertState | null;
  readonly right: AlertState | null;
}

/** By window end; one line for each window, rule, column, slice and baseline that either spoke of. */
export function compareAlerts(
  left: readonly Alert[],
  right: readonly Alert[],
): readonly AlertPair[] {
  const pairs = new Map<string, AlertPair>();
  const add = (alert: Alert, side: 'left' | 'right') => {
    const { windowStart, windowEnd, rule, column, slice, baseline, state } = alert;
    const subject = { windowStart, windowEnd, rule, column, slice, baseline };
    const key = JSON.stringify([windowEnd, windowStart, rule, column, slice, baseline]);
    const known = pairs.get(key) ?? { ...subject, left: null, right: null };
    pairs.set(key, { ...known, [side]: state });
  };
  for (const alert of left) add(alert, 'left');
  for (const alert of right) add(alert, 'right');
  return [...pairs].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pair]) => pair);
}
