/** Event times: every unit to whole milliseconds, everything else refused with its reason. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readEventTime } from '../../../../services/core/codec/event-time.ts';
import { ReadFailure } from '../../../../services/core/codec/read-failure.ts';
import { EVENT_TIME_MS_MAX } from '../../../../services/core/limits.ts';
import type { EventTimeUnit } from '../../../../services/core/monitor/monitor.ts';

function codeOf(value: unknown, unit: EventTimeUnit): string {
  try {
    return String(readEventTime(value, unit));
  } catch (failure) {
    if (failure instanceof ReadFailure) return failure.code;
    throw failure;
  }
}

describe('numbers', () => {
  test.each([
    ['s', 1_700_000_000, 1_700_000_000_000],
    ['s', 1_700_000_000.25, 1_700_000_000_250],
    ['s', 1.001, 1_001],
    ['s', 1.0019, 1_001],
    ['ms', 1_700_000_000_000, 1_700_000_000_000],
    ['ms', 12.9, 12],
    ['us', 1_700_000_000_000_999, 1_700_000_000_000],
    ['ms', 0, 0],
    ['ms', EVENT_TIME_MS_MAX - 1, EVENT_TIME_MS_MAX - 1],
  ] as const)('%s %s is %s ms', (unit, value, eventTimeMs) => {
    expect(readEventTime(value, unit)).toBe(eventTimeMs);
  });

  test('whole milliseconds survive being written as seconds', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: EVENT_TIME_MS_MAX - 1 }), (eventTimeMs) => {
        expect(readEventTime(eventTimeMs / 1_000, 's')).toBe(eventTimeMs);
      }),
    );
  });

  test.each([
    ['ms', -1, 'time.out-of-range'],
    ['ms', EVENT_TIME_MS_MAX, 'time.out-of-range'],
    ['ms', 253_402_300_799_000, 'time.out-of-range'],
    ['us', 2n ** 62n, 'time.out-of-range'],
    ['s', 1_700_000_000_000, 'time.out-of-range'],
    ['s', Number.NaN, 'time.invalid'],
    ['s', Number.POSITIVE_INFINITY, 'time.invalid'],
    ['ms', null, 'time.invalid'],
    ['ms', '1700000000000', 'time.invalid'],
  ] as const)('%s %s is %s', (unit, value, code) => {
    expect(codeOf(value, unit)).toBe(code);
  });
});

describe('dates', () => {
  test('what toISOString writes is read back, in any offset', () => {
    const offsets = fc.integer({ min: -14 * 60, max: 14 * 60 });
    const day = 24 * 3_600_000;
    const times = fc.integer({ min: day, max: EVENT_TIME_MS_MAX - day });
    fc.assert(
      fc.property(times, offsets, (eventTimeMs, offsetMinutes) => {
        const local = new Date(eventTimeMs + offsetMinutes * 60_000).toISOString().slice(0, -1);
        const minutes = Math.abs(offsetMinutes);
        const [hh, mm] = [Math.trunc(minutes / 60), minutes % 60].map((n) =>
          String(n).padStart(2, '0'),
        );
        const sign = offsetMinutes < 0 ? '-' : '+';
        expect(readEventTime(`${local}${sign}${hh}:${mm}`, 'iso8601')).toBe(eventTimeMs);
        expect(readEventTime(`${local}${sign}${hh}${mm}`, 'iso8601')).toBe(eventTimeMs);
      }),
    );
  });

  test.each([
    ['2024-05-01T12:00:00Z', '2024-05-01T12:00:00.000Z'],
    ['2024-05-01 12:00:00', '2024-05-01T12:00:00.000Z'],
    ['2024-05-01T12:00', '2024-05-01T12:00:00.000Z'],
    ['2024-05-01T12:00:00.123456789Z', '2024-05-01T12:00:00.123Z'],
    ['2024-05-01T12:00:00.5Z', '2024-05-01T12:00:00.500Z'],
    ['2000-02-29T23:59:59+00:00', '2000-02-29T23:59:59.000Z'],
    ['1970-01-01T01:00:00+01:00', '1970-01-01T00:00:00.000Z'],
  ])('%s is %s', (text, expected) => {
    expect(new Date(readEventTime(text, 'iso8601')).toISOString()).toBe(expected);
  });

  test.each([
    '',
    'yesterday',
    '2024-05-01',
    '2024-02-30T00:00:00Z',
    '2023-02-29T00:00:00Z',
    '2100-02-29T00:00:00Z',
    '2024-13-01T00:00:00Z',
    '2024-00-01T00:00:00Z',
    '2024-05-00T00:00:00Z',
    '2024-05-01T24:00:00Z',
    '2024-05-01T12:60:00Z',
    '2024-05-01T12:00:60Z',
    '2024-05-01T12:00:00+25:00',
    '2024-05-01T12:00:00 Z',
    '2024-05-01T12:00:00Z ',
    '24-05-01T12:00:00Z',
    '+012024-05-01T12:00:00Z',
    1_700_000_000_000,
    null,
  ])('%s is not a date and time', (value) => {
    expect(codeOf(value, 'iso8601')).toBe('time.invalid');
  });

  test.each(['9999-12-31T23:59:59Z', '1969-12-31T23:59:59Z', '0001-01-01T00:00:00Z'])(
    '%s is out of range',
    (text) => expect(codeOf(text, 'iso8601')).toBe('time.out-of-range'),
  );
});
