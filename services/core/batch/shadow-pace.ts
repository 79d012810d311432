/**
 * How long shadows rest after a run, so that whoever answers events is not disturbed by them.
 *
 * A shadow runs only while nobody else waits, but what comes while it runs waits for it, or shares the
 * cores with it, and what it said is taken in on the thread that answers. How many answers that delays
 * is the shadow's share of the time. So beside others a shadow takes a hundredth of it, its run and the
 * taking in together: their slowest hundredth stays what it is. Beside nobody it takes half.
 */

const REST_BESIDE_OTHERS = 99;
const REST_ALONE = 1;

export class ShadowPace {
  #restUntilMs = Number.NEGATIVE_INFINITY;
  /** Of what the last run took. */
  #rest = REST_ALONE;
  #othersRan = false;

  /** Of all shadows together. */
  get restUntilMs(): number {
    return this.#restUntilMs;
  }

  othersRan(): void {
    this.#othersRan = true;
  }

  /** Others count from the end of one run of a shadow to that of the next. */
  shadowRan(durationMs: number, nowMs: number): void {
    this.#rest = this.#othersRan ? REST_BESIDE_OTHERS : REST_ALONE;
    this.#othersRan = false;
    this.#restUntilMs = nowMs + durationMs * this.#rest;
  }

  /** What the run said has been taken in. */
  shadowSettled(durationMs: number, nowMs: number): void {
    this.#restUntilMs = Math.max(this.#restUntilMs, nowMs) + durationMs * this.#rest;
  }
}
