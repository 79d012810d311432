/**
 * Which windows there are: their length, and how far one starts after the other.
 *
 * Windows start at whole multiples of the slide from 2000-01-01T00:00:00Z. A slide as long as the
 * window makes them tumble: every event is in exactly one. A shorter one makes them overlap.
 */
import { edgeBefore, type Stretch } from './tumbling.ts';

export interface WindowPlan {
  readonly lengthMs: number;
  /** A whole part of the length. */
  readonly slideMs: number;
}

export function tumblingPlan(lengthMs: number): WindowPlan {
  return { lengthMs, slideMs: lengthMs };
}

/** Tells plans apart; part of stored keys and of alert series. */
export function planKey({ lengthMs, slideMs }: WindowPlan): string {
  return lengthMs === slideMs ? String(lengthMs) : `${lengthMs}/${slideMs}`;
}

/** Every window that holds this time, the first one to end first. */
export function windowsAt(timeMs: number, { lengthMs, slideMs }: WindowPlan): Stretch[] {
  const lastStartMs = edgeBefore(timeMs, slideMs);
  const windows: Stretch[] = [];
  for (let startMs = lastStartMs + slideMs - lengthMs; startMs <= lastStartMs; startMs += slideMs) {
    windows.push({ startMs, endMs: startMs + lengthMs });
  }
  return windows;
}

/** The end of the last window that holds this time. */
export function lastWindowEndMs(timeMs: number, { lengthMs, slideMs }: WindowPlan): number {
  return edgeBefore(timeMs, slideMs) + lengthMs;
}
