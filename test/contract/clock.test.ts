/** The clock contract on both adapters, and the order in which a virtual clock wakes its sleepers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSystemClock } from '../../services/platform/clock/system-clock.ts';
import { createVirtualClock } from '../../services/platform/clock/virtual-clock.ts';
import { describeClockContract } from './clock.contract.ts';

describeClockContract('system', () => {
  const clock = createSystemClock();
  return { clock, pass: (durationMs) => clock.sleep(durationMs) };
});

describeClockContract('virtual', () => {
  const clock = createVirtualClock(1_000);
  return { clock, pass: (durationMs) => clock.advance(durationMs) };
});

describe('system clock', () => {
  it('leaves no timer and no listener behind', async () => {
    const clock = createSystemClock();
    const controller = new AbortController();
    const before = timerCount();
    const sleeping = clock.sleep(60_000, controller.signal);
    expect(timerCount()).toBe(before + 1);
    controller.abort();
    await sleeping;
    expect(timerCount()).toBe(before);
  });
});

function timerCount(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
}

describe('virtual clock', () => {
  it('wakes sleepers by due time and then by age, each at its own time', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 12 }),
        fc.array(fc.integer({ min: 0, max: 10 }), { maxLength: 6 }),
        async (durations, steps) => {
          const clock = createVirtualClock(0);
          const woken: { index: number; atMs: number }[] = [];
          durations.forEach((durationMs, index) => {
            void clock.sleep(durationMs).then(() => woken.push({ index, atMs: clock.nowMs() }));
          });
          for (const step of steps) await clock.advance(step);
          const endMs = steps.reduce((sum, step) => sum + step, 0);
          const expected = durations
            .map((atMs, index) => ({ index, atMs }))
            .filter(({ atMs }) => atMs <= endMs)
            .sort((a, b) => a.atMs - b.atMs || a.index - b.index);
          expect(woken).toEqual(expected);
          expect(clock.nowMs()).toBe(endMs);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('lets what a wake-up sets in motion finish before time goes on', async () => {
    const clock = createVirtualClock(0);
    const seen: string[] = [];
    const work = async () => {
      for (let round = 1; round <= 3; round += 1) {
        await clock.sleep(10);
        for (let hop = 0; hop < 50; hop += 1) await Promise.resolve();
        await clock.sleep(0);
        seen.push(`${round} at ${clock.nowMs()}`);
      }
    };
    void work();
    await clock.advance(25);
    expect(seen).toEqual(['1 at 10', '2 at 20']);
    await clock.advance(5);
    expect(seen).toEqual(['1 at 10', '2 at 20', '3 at 30']);
  });

  it('refuses to go back', async () => {
    await expect(createVirtualClock(0).advance(-1)).rejects.toThrow(RangeError);
  });
});
