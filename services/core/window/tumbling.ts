/**
 * Arithmetic of tumbling panes and windows: half-open stretches of event time `[start, end)`, aligned
 * to 1970-01-01T00:00:00Z. All times are milliseconds and non-negative.
 */

export interface Stretch {
  readonly startMs: number;
  /** Exclusive. */
  readonly endMs: number;
}

export function stretchAt(timeMs: number, lengthMs: number): Stretch {
  const startMs = Math.floor(timeMs / lengthMs) * lengthMs;
  return { startMs, endMs: startMs + lengthMs };
}

/** The longest pane of which every window is a whole number. */
export function paneLengthMs(windowLengthsMs: readonly number[]): number {
  return windowLengthsMs.reduce(greatestCommonDivisor, 0);
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
  return Math.floor(watermarkMs / options.paneLengthMs) * options.paneLengthMs;
}

function greatestCommonDivisor(left: number, right: number): number {
  let a = left;
  let b = right;
  while (b !== 0) [a, b] = [b, a % b];
  return a;
}
