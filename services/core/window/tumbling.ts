/**
 * Arithmetic of tumbling panes and windows: half-open stretches of event time `[start, end)`, aligned
 * to 2000-01-01T00:00:00Z. That is a midnight, so minutes, hours and days fall where a clock has
 * them, and the time of row 0 where a table has none of its own, so windows of rows begin there.
 */

const ORIGIN_MS = 946_684_800_000;

export interface Stretch {
  readonly startMs: number;
  /** Exclusive. */
  readonly endMs: number;
}

export function stretchAt(timeMs: number, lengthMs: number): Stretch {
  const startMs = edgeBefore(timeMs, lengthMs);
  return { startMs, endMs: startMs + lengthMs };
}

/** The last edge between stretches of this length at or before a time. */
export function edgeBefore(timeMs: number, lengthMs: number): number {
  return Math.floor((timeMs - ORIGIN_MS) / lengthMs) * lengthMs + ORIGIN_MS;
}

/** The longest pane of which every one of these stretches is a whole number. */
export function paneLengthMs(lengthsMs: readonly number[]): number {
  return lengthsMs.reduce(greatestCommonDivisor, 0);
}

/**
 * Every pane that ends at or before the result may be sealed: the watermark (highest event time less
 * the allowed lateness) rounded down to a pane's edge. Never below 0.
 */
export function sealedThroughMs(options: {
  readonly eventTimeMsMax: number;
  readonly allowedLatenessMs: number;
  readonly paneLengthMs: number;
}): number {
  const watermarkMs = Math.max(0, options.eventTimeMsMax - options.allowedLatenessMs);
  return Math.max(0, edgeBefore(watermarkMs, options.paneLengthMs));
}

function greatestCommonDivisor(left: number, right: number): number {
  let a = left;
  let b = right;
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
