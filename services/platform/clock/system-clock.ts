/**
 * The machine's own clock. `sleep` waits on one timer and takes it away when the signal aborts;
 * `sleep(0)` gives the event loop one turn without the millisecond a timer would cost.
 */
import { performance } from 'node:perf_hooks';
import type { Clock } from './clock.ts';

/** Node fires a timer at once when its delay does not fit 32 bits; longer sleeps go in pieces. */
const TIMER_MS_MAX = 2_147_483_647;

export function createSystemClock(): Clock {
  return {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    async sleep(durationMs, signal) {
      if (!(durationMs > 0)) {
        if (signal?.aborted !== true) await new Promise<void>((resolve) => setImmediate(resolve));
        return;
      }
      const endMs = performance.now() + durationMs;
      for (;;) {
        const leftMs = endMs - performance.now();
        if (leftMs <= 0 || signal?.aborted === true) return;
        await sleepOnce(Math.min(leftMs, TIMER_MS_MAX), signal);
      }
    },
  };
}

function sleepOnce(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, durationMs);
    signal?.addEventListener('abort', wake, { once: true });
  });
}
