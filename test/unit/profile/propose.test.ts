/** Proposals: ranges that let drift through, windows that hold enough rows. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createColumnSketch } from '../../../services/core/sketch/column-sketch.ts';
import { proposeLateness, proposeRange, proposeWindow } from '../../../services/profile/propose.ts';

/** Values spread evenly, without tails. */
const evenly = (minimum: number, maximum: number) => ({
  minimum,
  maximum,
  quantile: (q: number) => minimum + q * (maximum - minimum),
});

describe('proposeRange', () => {
  it.each([
    [
      { minimum: 0, maximum: 1 },
      { minimum: 0, maximum: 2 },
    ],
    [
      { minimum: 32.54, maximum: 41.95 },
      { minimum: 23.1, maximum: 51.4 },
    ],
    [
      { minimum: -124.3, maximum: -114.5 },
      { minimum: -134.1, maximum: -104.7 },
    ],
    [
      { minimum: -9, maximum: -1 },
      { minimum: -17, maximum: 0 },
    ],
    [{ minimum: 5, maximum: 5 }, null],
    [{ minimum: Number.POSITIVE_INFINITY, maximum: Number.NEGATIVE_INFINITY }, null],
    [{ minimum: -1e308, maximum: 1e308 }, null],
  ])('%j → %j', ({ minimum, maximum }, expected) => {
    expect(proposeRange(evenly(minimum, maximum))).toEqual(expected);
  });

  it.each([
    [
      'above',
      [...Array.from({ length: 1_000 }, (_, n) => n / 1_000), 50],
      { minimum: 0, maximum: null },
    ],
    [
      'below',
      [...Array.from({ length: 1_000 }, (_, n) => -n / 1_000), -50],
      { minimum: null, maximum: 0 },
    ],
    ['on both sides', [...Array.from({ length: 1_000 }, (_, n) => n / 1_000), 50, -50], null],
  ])('leaves the end of a long tail open: %s', (_, values, expected) => {
    const sketch = createColumnSketch('numeric');
    for (const value of values) sketch.add(value);
    expect(proposeRange(sketch)).toEqual(expected);
  });

  it('leaves the whole spread as margin, but for a sign never seen', () => {
    const bound = fc.double({ noNaN: true, min: -1e12, max: 1e12 });
    fc.assert(
      fc.property(bound, bound, (a, b) => {
        const seen = { minimum: Math.min(a, b), maximum: Math.max(a, b) };
        const spread = seen.maximum - seen.minimum;
        const range = proposeRange(evenly(seen.minimum, seen.maximum));
        if (range === null) return;
        const slack = 1e-9 * (Math.abs(seen.minimum) + Math.abs(seen.maximum));
        const low = seen.minimum >= 0 ? Math.max(0, seen.minimum - spread) : seen.minimum - spread;
        const high = seen.maximum <= 0 ? Math.min(0, seen.maximum + spread) : seen.maximum + spread;
        expect(range.minimum).toBeLessThanOrEqual(low + slack);
        expect(range.maximum).toBeGreaterThanOrEqual(high - slack);
        expect(range.minimum).toBeLessThanOrEqual(seen.minimum);
        expect(range.maximum).toBeGreaterThanOrEqual(seen.maximum);
        if (seen.minimum >= 0) expect(range.minimum).toBeGreaterThanOrEqual(0);
        if (seen.maximum <= 0) expect(range.maximum).toBeLessThanOrEqual(0);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('proposeWindow', () => {
  const hour = 3_600_000;
  it.each([
    [5_832, 5_831 * hour, '60d'],
    [1_000, 999_000, '15m'],
    [100_000, 99_999_000, '15m'],
    [3_000_000, hour, '1m'],
    [10, 9 * hour, '60d'],
    [10, 9_000 * hour, '365d'],
    [1, 0, '1m'],
  ])('%i rows over %i ms: %s', (rows, spanMs, expected) => {
    expect(proposeWindow(rows, spanMs).text).toBe(expected);
  });
});

describe('proposeLateness', () => {
  const window = { text: '1m', ms: 60_000 };
  const daysMs = 86_400_000;
  it('covers the disorder it saw', () => {
    expect(proposeLateness(0, daysMs, window)?.text).toBe('1m');
    expect(proposeLateness(60_001, daysMs, window)?.text).toBe('5m');
  });

  it('says nothing of rows in no order, or where it would hold too many windows open', () => {
    expect(proposeLateness(daysMs / 5, daysMs, window)).toBeNull();
    expect(proposeLateness(2 * daysMs, 100 * daysMs, window)).toBeNull();
  });
});
