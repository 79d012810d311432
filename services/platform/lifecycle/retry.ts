/**
 * Bounded retry of transient failures, with exponential backoff and full jitter.
 *
 * Only errors whose code is *transient* are retried; everything else, and the last attempt's error,
 * is thrown to the caller, who stops loudly. What bounds it is time, because a dependency that is
 * restarted, moved or upgraded takes minutes however often it is asked.
 */
import { isTransient } from '../../core/errors.ts';
import {
  RETRY_BACKOFF_MS_MAX,
  RETRY_BACKOFF_MS_MIN,
  RETRY_PATIENCE_MS,
} from '../../core/limits.ts';
import type { Clock } from '../clock/clock.ts';

export interface RetryOptions {
  readonly clock: Clock;
  /** Aborting ends the waiting; what then still fails gets a few quick attempts more. */
  readonly signal: AbortSignal;
  readonly onRetry: (error: Error, attempt: number) => void;
}

/** A passing fault must not turn a start or an orderly stop into a failure, nor hold it up. */
const QUICK_ATTEMPTS_MAX = 3;

export async function retryTransient<T>(
  options: RetryOptions,
  attemptOnce: () => Promise<T>,
): Promise<T> {
  const { clock, signal, onRetry } = options;
  const startedMs = clock.monotonicMs();
  let stoppingAttempt = 0;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await attemptOnce();
    } catch (error) {
      if (signal.aborted) stoppingAttempt += 1;
      const spent =
        clock.monotonicMs() - startedMs >= RETRY_PATIENCE_MS ||
        stoppingAttempt >= QUICK_ATTEMPTS_MAX;
      if (!isTransient(error) || spent) throw error;
      onRetry(error as Error, attempt);
      const ceilingMs = Math.min(RETRY_BACKOFF_MS_MAX, RETRY_BACKOFF_MS_MIN * 2 ** (attempt - 1));
      if (signal.aborted) await clock.sleep(RETRY_BACKOFF_MS_MIN);
      else await clock.sleep(ceilingMs * (0.5 + Math.random() / 2), signal);
    }
  }
}

/** A few attempts in quick succession: for a start, which is to fail fast on what is not there. */
export async function retryQuickly<T>(clock: Clock, attemptOnce: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await attemptOnce();
    } catch (error) {
      if (!isTransient(error) || attempt >= QUICK_ATTEMPTS_MAX) throw error;
      await clock.sleep(RETRY_BACKOFF_MS_MIN);
    }
  }
}
