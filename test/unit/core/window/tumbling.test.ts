/** Arithmetic of panes and windows. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVENT_TIME_MS_MAX } from '../../../../services/core/limits.ts';
import { rowTimeMs } from '../../../../services/core/monitor/event-from-row.ts';
import {
  paneLengthMs,
  sealedThroughMs,
  stretchAt,
} from '../../../../services/core/window/tumbling.ts';

const MIDNIGHT_MS = Date.parse('2000-01-01T00:00:00Z');
const timeMs = fc.integer({ min: 0, max: EVENT_TIME_MS_MAX });
const lengthMs = fc.integer({ min: 1, max: 40 * 24 * 3_600_000 });

describe('stretchAt', () => {
  it('holds the time, is as long as asked, and is aligned to midnight of 2000-01-01', () => {
    fc.assert(
      fc.property(timeMs, lengthMs, (time, length) => {
        const { startMs, endMs } = stretchAt(time, length);
        expect(startMs <= time && time < endMs).toBe(true);
        expect(endMs - startMs).toBe(length);
        expect(Math.abs(startMs - MIDNIGHT_MS) % length).toBe(0);
      }),
    );
  });

  it('begins with row 0 of a table that has no time of its own', () => {
    fc.assert(
      fc.property(lengthMs, (length) => {
        expect(stretchAt(rowTimeMs(0), length).startMs).toBe(rowTimeMs(0));
      }),
    );
  });
});

describe('paneLengthMs', () => {
  it('divides every window, and nothing longer does', () => {
    const factors = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(factors, fc.integer({ min: 1, max: 1_000 }), (multiples, unit) => {
        const lengths = multiples.map((multiple) => multiple * unit);
        const pane = paneLengthMs(lengths);
        expect(lengths.every((length) => length % pane === 0)).toBe(true);
        let dividesAll = 0;
        for (let length = pane + 1; length <= Math.min(...lengths); length += 1) {
          if (lengths.every((multiple) => multiple % length === 0)) dividesAll = length;
        }
        expect(dividesAll).toBe(0);
      }),
      { numRuns: 30 },
    );
  });
});

describe('sealedThroughMs', () => {
  it('is the last edge that no event on time can still come before', () => {
    fc.assert(
      fc.property(timeMs, fc.nat(1_000_000), lengthMs, (eventTimeMsMax, lateness, length) => {
        const options = { eventTimeMsMax, allowedLatenessMs: lateness, paneLengthMs: length };
        const edge = sealedThroughMs(options);
        const watermark = Math.max(0, eventTimeMsMax - lateness);
        expect(edge === 0 || stretchAt(edge, length).startMs === edge).toBe(true);
        expect(edge <= watermark && watermark < edge + length).toBe(true);
      }),
    );
  });
});
