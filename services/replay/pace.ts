/**
 * How fast a replay goes: at full speed, at a number of records a second, or as the records say they
 * were made, some times as fast.
 *
 * The record says when it is due and the publisher waits; what is late is sent at once and catches up.
 * Time that jumps by more than `PACE_GAP_MS_MAX` of waiting, one way or the other, is not waited for
 * any longer than that: one event dated a year ahead must hold up neither the replay nor, by what it
 * did to the schedule, the pace of those after it.
 */
import type { Clock } from '../platform/clock/clock.ts';

export type Pace =
  | { readonly kind: 'full' }
  | { readonly kind: 'rate'; readonly recordsPerSecond: number }
  /** 1: as it was recorded; 10: ten times as fast. */
  | { readonly kind: 'speed'; readonly factor: number };

export const FULL_PACE: Pace = { kind: 'full' };

/** The longest silence of a source that is kept, in time of the replay. */
export const PACE_GAP_MS_MAX = 60_000;

export interface Pacer {
  /** How long the next record has yet to wait, milliseconds; 0 or less: it is due. */
  delayMs(timeMs: number | null): number;
}

export function createPacer(pace: Pace, clock: Clock): Pacer {
  switch (pace.kind) {
    case 'full':
      return { delayMs: () => 0 };
    case 'rate':
      return ratePacer(1_000 / pace.recordsPerSecond, clock);
    case 'speed':
      return speedPacer(pace.factor, clock);
  }
}

function ratePacer(intervalMs: number, clock: Clock): Pacer {
  let startedMs: number | null = null;
  let count = 0;
  return {
    delayMs() {
      startedMs ??= clock.monotonicMs();
      const dueMs = startedMs + count * intervalMs;
      count += 1;
      return dueMs - clock.monotonicMs();
    },
  };
}

function speedPacer(factor: number, clock: Clock): Pacer {
  /** A time of the source, and the moment it was due. */
  let anchor: { readonly timeMs: number; readonly dueMs: number } | null = null;
  return {
    delayMs(timeMs) {
      if (timeMs === null) return 0;
      const nowMs = clock.monotonicMs();
      anchor ??= { timeMs, dueMs: nowMs };
      const delayMs = anchor.dueMs + (timeMs - anchor.timeMs) / factor - nowMs;
      if (Math.abs(delayMs) <= PACE_GAP_MS_MAX) return delayMs;
      const cutMs = delayMs > 0 ? PACE_GAP_MS_MAX : 0;
      anchor = { timeMs, dueMs: nowMs + cutMs };
      return cutMs;
    },
  };
}
