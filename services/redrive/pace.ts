/**
 * A rate limit: a token bucket that holds one batch. The first batch goes at once, every other when
 * the tokens of those before it have come in.
 */
import type { Clock } from '../platform/clock/clock.ts';

/** Resolves when `count` records may go; earlier where `signal` aborts. */
export type Pace = (count: number, signal: AbortSignal) => Promise<void>;

export function createPace(clock: Clock, ratePerSecond: number): Pace {
  let readyMs = clock.monotonicMs();
  return async (count, signal) => {
    const waitMs = readyMs - clock.monotonicMs();
    if (waitMs > 0) await clock.sleep(waitMs, signal);
    readyMs = Math.max(readyMs, clock.monotonicMs()) + (count / ratePerSecond) * 1_000;
  };
}
