/**
 * One timer for many deadlines: it wakes at the earliest it was asked for, or earlier and in vain where
 * what it was asked for is over by then.
 */
import type { Clock } from '../platform/clock/clock.ts';

export interface DeadlineTimer {
  /** Wakes at this monotonic time or before; Infinity asks for nothing. */
  wakeBy(dueMs: number): void;
  stop(): void;
}

export function createDeadlineTimer(clock: Clock, wake: () => void): DeadlineTimer {
  let armedMs = Number.POSITIVE_INFINITY;
  let abort: AbortController | null = null;

  function disarm(): void {
    armedMs = Number.POSITIVE_INFINITY;
    abort?.abort();
    abort = null;
  }

  return {
    wakeBy(dueMs) {
      if (dueMs >= armedMs) return;
      disarm();
      const own = new AbortController();
      abort = own;
      armedMs = dueMs;
      clock.sleep(Math.max(0, dueMs - clock.monotonicMs()), own.signal).then(() => {
        if (abort !== own) return;
        armedMs = Number.POSITIVE_INFINITY;
        abort = null;
        wake();
      });
    },
    stop: disarm,
  };
}
