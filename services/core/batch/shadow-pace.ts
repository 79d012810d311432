/**
 * How long shadows rest after a run, so that whoever answers events is not disturbed by them.
 *
 * A shadow runs only while nobody else waits, but what comes while it runs waits for it, and what it
 * said is taken in on the thread that answers. How many answers that delays is the shadow's share of
 * that thread's time. So beside others it takes a thousandth of it: as rare as that, a delay is beyond
 * the slowest hundredth, however long it is. A run on a worker delays others only by the core that they
 * share, and takes a hundredth. Beside nobody a shadow takes half of the time.
 */
import { HOP_MS, type RunPlace } from './place-runs.ts';

const THREAD_REST_BESIDE_OTHERS = 999;
const WORKER_REST_BESIDE_OTHERS = 99;
const REST_ALONE = 1;

export class ShadowPace {
  #restUntilMs = Number.NEGATIVE_INFINITY;
  /** The run that ended last. */
  #isBesideOthers = false;
  #othersRan = false;

  /** Of all shadows together. */
  get restUntilMs(): number {
    return this.#restUntilMs;
  }

  othersRan(): void {
    this.#othersRan = true;
  }

  /** Others count from the end of one run of a shadow to that of the next. */
  shadowRan(place: RunPlace, durationMs: number, nowMs: number): void {
    this.#isBesideOthers = this.#othersRan;
    this.#othersRan = false;
    const isInline = place === 'inline';
    const workerRest = this.#isBesideOthers ? WORKER_REST_BESIDE_OTHERS : REST_ALONE;
    this.#restUntilMs = nowMs + (isInline ? 0 : durationMs * workerRest);
    this.#tookThread(isInline ? durationMs : HOP_MS);
  }

  /** What the run said has been taken in. */
  shadowSettled(durationMs: number, nowMs: number): void {
    this.#restUntilMs = Math.max(this.#restUntilMs, nowMs);
    this.#tookThread(durationMs);
  }

  #tookThread(durationMs: number): void {
    const rest = this.#isBesideOthers ? THREAD_REST_BESIDE_OTHERS : REST_ALONE;
    this.#restUntilMs += durationMs * rest;
  }
}
