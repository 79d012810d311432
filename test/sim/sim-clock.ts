/**
 * Virtual time for a simulation: the same order of waking as the virtual clock of the embedded mode,
 * at a fraction of its cost, because a run wakes sleepers by the ten thousand.
 *
 * Nothing that runs here takes a turn of the event loop of its own: a sleep of 0 ms is a sleeper like
 * others, due at once. So everything that a wake-up set in motion has settled when the microtasks are
 * done, and that is what `process.nextTick` waits for. Time is in whole milliseconds: a wait for a
 * tiny fraction of one would be over before time has moved, for ever.
 */
import type { VirtualClock } from '../../services/platform/clock/virtual-clock.ts';

/** Wake-ups at one moment, above which time is taken to stand still for ever. */
const WAKES_MAX = 100_000;

interface Sleeper {
  readonly dueMs: number;
  wake(): void;
}

export function createSimClock(startMs: number): VirtualClock {
  /** Ascending by `dueMs`; those due together in the order they fell asleep. */
  const sleepers: Sleeper[] = [];
  let nowMs = startMs;
  let wakes = 0;

  function insert(sleeper: Sleeper): void {
    let index = sleepers.length;
    while (index > 0 && sleepers[index - 1]!.dueMs > sleeper.dueMs) index -= 1;
    sleepers.splice(index, 0, sleeper);
  }

  function sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true) return Promise.resolve();
    return new Promise((resolve) => {
      const dueMs = nowMs + Math.max(0, Math.ceil(durationMs));
      if (signal === undefined) return insert({ dueMs, wake: resolve });
      const abort = (): void => {
        sleepers.splice(sleepers.indexOf(sleeper), 1);
        resolve();
      };
      const sleeper: Sleeper = {
        dueMs,
        wake() {
          signal.removeEventListener('abort', abort);
          resolve();
        },
      };
      signal.addEventListener('abort', abort, { once: true });
      insert(sleeper);
    });
  }

  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs - startMs,
    sleep,
    async advance(durationMs) {
      const endMs = nowMs + durationMs;
      await settle();
      while (sleepers.length > 0 && sleepers[0]!.dueMs <= endMs) {
        const sleeper = sleepers.shift()!;
        wakes = sleeper.dueMs > nowMs ? 0 : wakes + 1;
        if (wakes > WAKES_MAX) throw new Error(`somebody wakes for ever at ${nowMs} ms`);
        nowMs = sleeper.dueMs;
        sleeper.wake();
        await settle();
      }
      nowMs = endMs;
    },
  };
}

function settle(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
