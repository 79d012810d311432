/**
 * The instant an event says it happened, from the field and unit the monitor names.
 *
 * Whole milliseconds since 1970, fractions rounded down, so that an event belongs to the pane it
 * happened in. Avro's timestamp-millis and timestamp-micros are plain longs here.
 */
import { EVENT_TIME_MS_MAX } from '../limits.ts';
import type { EventTimeUnit } from '../monitor/monitor.ts';
import { describeValue, ReadFailure } from './read-failure.ts';

/**
 * RFC 3339 with the parts it allows to vary: `T` or a space, seconds and their fraction optional, an
 * offset or `Z`; without an offset the time is UTC.
 */
const DATE_TIME =
  /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:([Zz])|([+-])(\d\d):?(\d\d))?$/;

/** What a double of seconds since 1970 may lack of a whole millisecond by rounding, and less. */
const ROUNDING_MS = 0.001;

/** Throws a `ReadFailure`: `time.invalid` or `time.out-of-range`. */
export function readEventTime(value: unknown, unit: EventTimeUnit): number {
  const eventTimeMs = unit === 'iso8601' ? parseDateTime(value) : fromNumber(value, unit);
  if (eventTimeMs >= 0 && eventTimeMs < EVENT_TIME_MS_MAX) return eventTimeMs;
  const found = `${describeValue(value)} (${unit})`;
  throw new ReadFailure('time.out-of-range', `event time is ${found}, expected 1970 to 2099`);
}

function fromNumber(value: unknown, unit: 's' | 'ms' | 'us'): number {
  // A long beyond 2^53 is out of range in any unit, whatever its exact value.
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number' || !Number.isFinite(number)) {
    const message = `event time is ${describeValue(value)}, expected a number of ${unit} since 1970`;
    throw new ReadFailure('time.invalid', message);
  }
  switch (unit) {
    case 's':
      return Math.floor(number * 1_000 + ROUNDING_MS);
    case 'ms':
      return Math.floor(number);
    case 'us':
      return Math.floor(number / 1_000);
  }
}

function parseDateTime(value: unknown): number {
  const match = typeof value === 'string' ? DATE_TIME.exec(value) : null;
  if (match === null) throw invalidDateTime(value);
  const part = (group: number): number => Number(match[group] ?? 0);
  const [year, month, day] = [part(1), part(2), part(3)];
  const [hour, minute, second] = [part(4), part(5), part(6)];
  const [offsetHour, offsetMinute] = [part(10), part(11)];
  const ms = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'));
  const dayExists = day >= 1 && day <= dayCount(year, month);
  const timeExists =
    hour < 24 && minute < 60 && second < 60 && offsetHour < 24 && offsetMinute < 60;
  if (!dayExists || !timeExists) throw invalidDateTime(value);
  const offsetMinutes = (match[9] === '-' ? -1 : 1) * (offsetHour * 60 + offsetMinute);
  // Years before 100 would mean 1900 and later here, which is as far out of range.
  return Date.UTC(year, month - 1, day, hour, minute - offsetMinutes, second, ms);
}

function dayCount(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  if (month < 1 || month > 12) return 0;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

function invalidDateTime(value: unknown): ReadFailure {
  const expected = 'expected an ISO 8601 date and time such as 2024-05-01T12:00:00Z';
  return new ReadFailure('time.invalid', `event time is ${describeValue(value)}, ${expected}`);
}
