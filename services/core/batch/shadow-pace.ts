/**
 * How long shadows rest after a run, so that whoever answers events is not disturbed by them.
 *
 * A shadow runs only while nobody else waits, but what comes while it runs waits for it, or shares the
 * cores with it. How often that happens is the shadow's share of the time, and it is felt in the slowest
 * hundredth of the answers. So the more the others run, the longer a shadow rests: its own run times a
 * hundred times the share of the time in which they ran. Beside a version that is busy for a tenth of
 * the time it may run for nearly as long; beside one that is busy for a third, for a thirtieth of it.
 */

const REST_OF_BUSY_SHARE = 100;
/** Beside nobody: half of the time. */
const REST_MIN = 1;
/** Of one lane that never pauses; workers may add up to more. */
const BUSY_SHARE_MAX = 1;

export class ShadowPace {
  #othersMs = 0;
  #sinceMs = Number.NaN;
  #restUntilMs = Number.NEGATIVE_INFINITY;

  /** Of all shadows together. */
  get restUntilMs(): number {
    return this.#restUntilMs;
  }

  othersRan(durationMs: number, nowMs: number): void {
    if (Number.isNaN(this.#sinceMs)) this.#sinceMs = nowMs - durationMs;
    this.#othersMs += durationMs;
  }

  /** The others are measured from the end of one run of a shadow to that of the next. */
  shadowRan(durationMs: number, nowMs: number): void {
    const elapsedMs = nowMs - this.#sinceMs;
    const share = elapsedMs > 0 ? Math.min(BUSY_SHARE_MAX, this.#othersMs / elapsedMs) : 0;
    this.#restUntilMs = nowMs + durationMs * Math.max(REST_MIN, REST_OF_BUSY_SHARE * share);
    this.#othersMs = 0;
    this.#sinceMs = nowMs;
  }
}
