/** How fast a replay goes: when a record is due. */
import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../../services/platform/clock/virtual-clock.ts';
import { createPacer, FULL_PACE, PACE_GAP_MS_MAX } from '../../../services/replay/pace.ts';

describe('a pace', () => {
  it('of full speed waits for nothing', () => {
    const pacer = createPacer(FULL_PACE, createVirtualClock());
    expect([0, 5_000_000, null].map((timeMs) => pacer.delayMs(timeMs))).toEqual([0, 0, 0]);
  });

  it('of so many records a second spreads them evenly, and catches up', async () => {
    const clock = createVirtualClock();
    const pacer = createPacer({ kind: 'rate', recordsPerSecond: 4 }, clock);
    expect([0, 1, 2].map(() => pacer.delayMs(null))).toEqual([0, 250, 500]);
    await clock.advance(2_000);
    expect([0, 1].map(() => pacer.delayMs(null))).toEqual([-1_250, -1_000]);
  });

  it('as recorded keeps the distances in time, divided by the factor', async () => {
    const clock = createVirtualClock();
    const pacer = createPacer({ kind: 'speed', factor: 10 }, clock);
    expect(pacer.delayMs(70_000)).toBe(0);
    expect(pacer.delayMs(90_000)).toBe(2_000);
    await clock.advance(1_500);
    expect(pacer.delayMs(90_000)).toBe(500);
    expect(pacer.delayMs(80_000)).toBe(-500);
    expect(pacer.delayMs(null)).toBe(0);
  });

  it('as recorded is not led astray by a time far off, before or after', async () => {
    const clock = createVirtualClock();
    const pacer = createPacer({ kind: 'speed', factor: 1 }, clock);
    expect(pacer.delayMs(1_000)).toBe(0);
    expect(pacer.delayMs(Date.parse('2099-01-01T00:00:00Z'))).toBe(PACE_GAP_MS_MAX);
    await clock.advance(PACE_GAP_MS_MAX);
    expect(pacer.delayMs(2_000)).toBe(0);
    expect(pacer.delayMs(5_000)).toBe(3_000);
    expect(pacer.delayMs(0)).toBe(-2_000);
  });
});
