/**
 * A clock that stands still until somebody advances it: for tests, scenarios and replays.
 *
 * `advance` wakes sleepers one at a time, ordered by when they are due and then by when they fell
 * asleep, and lets everything a wake-up set in motion settle before the next one. So a run is the
 * same every time, however long the machine takes over it.
 */
import type { Clock } from './clock.ts';

export interface VirtualClock extends Clock {
  /** Moves time forward; resolves when every sleeper due by then has been woken and has settled. */
  advance(durationMs: number): Promise<void>;
}

interface Sleeper {
  readonly dueMs: number;
  wake(): void;
}

/**
 * Turns of the event loop after each wake-up. One drains every microtask; the others let work that
 * itself takes a turn (a model run, a breath between batches) finish at the same virtual time.
 */
const SETTLE_TURNS = 8;

export function createVirtualClock(startMs = 0): VirtualClock {
  /** Ascending by `dueMs`; those due together in the order they fell asleep. */
  const sleepers: Sleeper[] = [];
  let nowMs = startMs;

  function insert(sleeper: Sleeper): void {
    let index = sleepers.length;
    while (index > 0 && sleepers[index - 1]!.dueMs > sleeper.dueMs) index -= 1;
    sleepers.splice(index, 0, sleeper);
  }

  function sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    if (!(durationMs > 0)) return turn();
    return new Promise((resolve) => {
      const end = (): void => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      const sleeper: Sleeper = { dueMs: nowMs + durationMs, wake: end };
      const abort = (): void => {
        sleepers.splice(sleepers.indexOf(sleeper), 1);
        end();
      };
      signal?.addEventListener('abort', abort, { once: true });
      insert(sleeper);
    });
  }

  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs - startMs,
    sleep,
    async advance(durationMs) {
      if (!(durationMs >= 0)) throw new RangeError(`time cannot advance by ${durationMs} ms`);
      const endMs = nowMs + durationMs;
      await settle();
      while (sleepers.length > 0 && sleepers[0]!.dueMs <= endMs) {
        const sleeper = sleepers.shift()!;
        nowMs = sleeper.dueMs;
        sleeper.wake();
        await settle();
      }
      nowMs = endMs;
    },
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function settle(): Promise<void> {
  for (let count = 0; count < SETTLE_TURNS; count += 1) await turn();
}
