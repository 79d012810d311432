/**
 * Bounded retry of transient failures, with exponential backoff and full jitter.
 *
 * Only errors whose code is *transient* are retried; everything else, and the last attempt's error,
 * is thrown to the caller, who stops loudly.
 */
import { isTransient } from '../../core/errors.ts';
import {
  RETRY_ATTEMPTS_MAX,
  RETRY_BACKOFF_MS_MAX,
  RETRY_BACKOFF_MS_MIN,
} from '../../core/limits.ts';
import type { Clock } from '../clock/clock.ts';

export interface RetryOptions {
  readonly clock: Clock;
  /** Aborting ends the waiting; the last error is thrown. */
  readonly signal: AbortSignal;
  readonly onRetry: (error: Error, attempt: number) => void;
}

export async function retryTransient<T>(
  options: RetryOptions,
  attemptOnce: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await attemptOnce();
    } catch (error) {
      if (!isTransient(error) || attempt >= RETRY_ATTEMPTS_MAX || options.signal.aborted)
        throw error;
      options.onRetry(error as Error, attempt);
      const ceilingMs = Math.min(RETRY_BACKOFF_MS_MAX, RETRY_BACKOFF_MS_MIN * 2 ** (attempt - 1));
      await options.clock.sleep(ceilingMs * (0.5 + Math.random() / 2), options.signal);
    }
  }
}
