/** What every clock must do. `pass` lets time go by: for real, or by advancing a virtual clock. */
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../services/platform/clock/clock.ts';

export interface ClockUnderTest {
  readonly clock: Clock;
  pass(durationMs: number): Promise<void>;
}

export function describeClockContract(name: string, create: () => ClockUnderTest): void {
  describe(`Clock contract: ${name}`, () => {
    it('sleeps for the duration, measured by itself', async () => {
      const { clock, pass } = create();
      const start = { now: clock.nowMs(), monotonic: clock.monotonicMs() };
      let awake = false;
      const sleeping = clock.sleep(30).then(() => {
        awake = true;
      });
      await pass(10);
      expect(awake).toBe(false);
      await pass(40);
      expect(awake).toBe(true);
      await sleeping;
      expect(clock.monotonicMs() - start.monotonic).toBeGreaterThanOrEqual(30);
      expect(clock.nowMs() - start.now).toBeGreaterThanOrEqual(29);
    });

    it('wakes at once when the signal aborts, before or during the sleep', async () => {
      const { clock } = create();
      const controller = new AbortController();
      const startMs = clock.monotonicMs();
      const sleeping = [
        clock.sleep(60_000, controller.signal),
        clock.sleep(1e12, controller.signal),
      ];
      controller.abort();
      await Promise.all(sleeping);
      await clock.sleep(60_000, controller.signal);
      expect(clock.monotonicMs() - startMs).toBeLessThan(1_000);
    });

    it('gives the event loop a turn when there is nothing to wait for', async () => {
      const { clock } = create();
      for (const durationMs of [0, -1, Number.NaN]) {
        let turned = false;
        setImmediate(() => {
          turned = true;
        });
        await clock.sleep(durationMs);
        expect(turned).toBe(true);
      }
    });

    it('never goes back', async () => {
      const { clock, pass } = create();
      let lastMs = clock.monotonicMs();
      for (let count = 0; count < 20; count += 1) {
        await pass(count % 3);
        expect(clock.monotonicMs()).toBeGreaterThanOrEqual(lastMs);
        lastMs = clock.monotonicMs();
      }
    });
  });
}
