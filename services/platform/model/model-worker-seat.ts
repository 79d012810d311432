/**
 * One place of a pool, and the thread in it, which changes when one dies or is given up.
 *
 * A thread that ends is followed by another: at once, unless the one before it had answered nothing
 * either; then after a growing wait, so that a model that cannot be opened any more costs no loop.
 */
import { CodedError } from '../../core/errors.ts';
import { RETRY_BACKOFF_MS_MAX, RETRY_BACKOFF_MS_MIN } from '../../core/limits.ts';
import type { Clock } from '../clock/clock.ts';
import { messageOf } from './model-error.ts';
import type { CostSample } from './model-runtime.ts';
import type { ModelWorker, StartModelWorker } from './model-worker.ts';

export type SeatClock = Pick<Clock, 'monotonicMs' | 'sleep'>;

export interface SeatEvents {
  onReady(costSamples: readonly CostSample[]): void;
  onAnswered(): void;
  /** A thread ended before it was ready. */
  onFailed(error: CodedError): void;
  /** A thread that was given up has come back and ended. */
  onReturned(): void;
}

export interface ModelWorkerSeat {
  /** The thread that takes batches; `null` where none is ready. */
  ready(): ModelWorker | null;
  /** `empty`: given up, and no thread comes unless `fill` is called. */
  state(): 'ready' | 'starting' | 'waiting' | 'empty';
  /** Starts a thread where there is none. */
  fill(): void;
  /** Gives the thread up, which leaves the seat empty. */
  abandon(error: CodedError): void;
  close(): Promise<void>;
}

export function createModelWorkerSeat(
  start: StartModelWorker,
  clock: SeatClock,
  events: SeatEvents,
): ModelWorkerSeat {
  const closing = new AbortController();
  let worker: ModelWorker | null = null;
  let isReady = false;
  let isWaiting = false;
  /** Threads in a row that ended without an answer. */
  let failureCount = 0;

  function fill(): void {
    if (worker !== null || closing.signal.aborted) return;
    let own: ModelWorker;
    try {
      own = start({
        onReady(costSamples) {
          if (worker !== own) return;
          isReady = true;
          events.onReady(costSamples);
        },
        onAnswered() {
          failureCount = 0;
          events.onAnswered();
        },
        onEnded(error) {
          if (worker === own) leave(error);
          else events.onReturned();
        },
      });
      worker = own;
    } catch (error) {
      // The machine gives no further thread.
      leave(new CodedError('inference.worker', messageOf(error), { cause: error }));
    }
  }

  function leave(error: CodedError): void {
    const wasReady = isReady;
    worker = null;
    isReady = false;
    failureCount += 1;
    if (wasReady && failureCount === 1) fill();
    else void fillLater();
    if (!wasReady) events.onFailed(error);
  }

  async function fillLater(): Promise<void> {
    const waitMs = Math.min(RETRY_BACKOFF_MS_MIN * 2 ** (failureCount - 1), RETRY_BACKOFF_MS_MAX);
    isWaiting = true;
    await clock.sleep(waitMs, closing.signal);
    isWaiting = false;
    fill();
  }

  return {
    ready: () => (isReady ? worker : null),
    state() {
      if (worker !== null) return isReady ? 'ready' : 'starting';
      return isWaiting ? 'waiting' : 'empty';
    },
    fill,
    abandon(error) {
      const own = worker;
      worker = null;
      isReady = false;
      own?.abandon(error);
    },
    async close() {
      closing.abort();
      await worker?.close();
    },
  };
}
