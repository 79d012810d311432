/**
 * The process's own monotonic time for watching threads: not the pipeline's `Clock`, as a thread is
 * stuck in real time even where the pipeline runs on a virtual clock. A sleep here never keeps the
 * process alive.
 */
import { performance } from 'node:perf_hooks';
import type { SeatClock } from './model-worker-seat.ts';

export function createThreadClock(): SeatClock {
  return {
    monotonicMs: () => performance.now(),
    sleep(durationMs, signal) {
      if (signal?.aborted === true) return Promise.resolve();
      return new Promise((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        const timer = setTimeout(wake, durationMs);
        timer.unref();
        signal?.addEventListener('abort', wake, { once: true });
      });
    },
  };
}
