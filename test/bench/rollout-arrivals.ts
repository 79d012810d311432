/**
 * Events that arrive whether or not they are answered: a thread that says, about once a millisecond, how
 * many have arrived since it last did. Their number is Poisson distributed.
 *
 * A thread of its own, as arrivals come from outside: a service that stands still does not hold them up.
 */
import { performance } from 'node:perf_hooks';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { createDraw, drawGap } from '../support/draw.ts';

const TICK_MS = 1;

export interface Arrivals {
  /** 0: none. */
  setRate(eventsPerSecond: number): void;
  close(): Promise<void>;
}

/** Monotonic, the same in every thread of the process. */
export function commonMs(): number {
  return performance.timeOrigin + performance.now();
}

/** `onTick`: so many have arrived at this time, by `commonMs`. */
export function startArrivals(onTick: (count: number, atMs: number) => void): Arrivals {
  const rate = new Float64Array(new SharedArrayBuffer(8));
  const thread = new Worker(new URL(import.meta.url), { workerData: rate });
  thread.on('message', ([count, atMs]: readonly [number, number]) => onTick(count, atMs));
  return {
    setRate(eventsPerSecond) {
      rate[0] = eventsPerSecond / 1_000;
    },
    async close() {
      await thread.terminate();
    },
  };
}

function sendArrivals(rate: Float64Array): void {
  const draw = createDraw(3);
  const gate = new Int32Array(new SharedArrayBuffer(4));
  let lastMs = commonMs();
  for (let dueMs = lastMs; ; dueMs = Math.max(dueMs + TICK_MS, commonMs())) {
    Atomics.wait(gate, 0, 0, Math.max(0, dueMs - commonMs()));
    const nowMs = commonMs();
    const expected = rate[0]! * (nowMs - lastMs);
    lastMs = nowMs;
    let count = 0;
    for (let at = drawGap(draw, 1); at < expected; at += drawGap(draw, 1)) count += 1;
    if (count > 0) parentPort!.postMessage([count, nowMs]);
  }
}

if (!isMainThread) sendArrivals(workerData as Float64Array);
