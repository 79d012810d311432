/** Event times as data files write them: text of a date, or a number since 1970 in some unit. */

const DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}|$)/;

/** Whether text begins as an ISO 8601 date does; whether it can serve as an event time is another matter. */
export function looksLikeInstant(text: string): boolean {
  return DATE.test(text);
}

export type NumericTimeUnit = 's' | 'ms' | 'us';

const MS_PER: Readonly<Record<NumericTimeUnit, number>> = { s: 1_000, ms: 1, us: 0.001 };

/** By magnitude: seconds stay below 10^11 until the year 5138, milliseconds below 10^14. */
export function numericUnitOf(largest: number): NumericTimeUnit {
  if (largest < 1e11) return 's';
  return largest < 1e14 ? 'ms' : 'us';
}

export function msPer(unit: NumericTimeUnit): number {
  return MS_PER[unit];
}
