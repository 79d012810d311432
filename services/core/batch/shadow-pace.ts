/**
 * How long shadows rest after a run, so that whoever answers events is not disturbed by them.
 *
 * A shadow runs only while nobody else waits, but what comes meanwhile waits for it, and what it said is
 * taken in on the thread that answers. How many answers that delays is the shadow's share of the time.
 * So beside others it takes a two-thousandth: the rows it delays, with those that queue up behind them,
 * are less than a tenth of the slowest hundredth, however long they wait. Beside nobody it takes half.
 */

const REST_BESIDE_OTHERS = 1_999;
const REST_ALONE = 1;
/** A pause of the machine during a run is not the shadow's, and must not silence it for an hour. */
const REST_MS_MAX = 10_000;

export class ShadowPace {
  #restUntilMs = Number.NEGATIVE_INFINITY;
  /** Of what was held last. */
  #rest = REST_ALONE;
  #othersRan = false;

  /** Of all shadows together. */
  get restUntilMs(): number {
    return this.#restUntilMs;
  }

  othersRan(): void {
    this.#othersRan = true;
  }

  /**
   * `heldMs`: for how long it held what others use. Others count from the end of one run of a shadow to
   * that of the next.
   */
  shadowRan(heldMs: number, nowMs: number): void {
    this.#rest = this.#othersRan ? REST_BESIDE_OTHERS : REST_ALONE;
    this.#othersRan = false;
    this.#restFrom(nowMs, heldMs, nowMs);
  }

  /** What the run said has been taken in. */
  shadowSettled(heldMs: number, nowMs: number): void {
    this.#restFrom(Math.max(this.#restUntilMs, nowMs), heldMs, nowMs);
  }

  #restFrom(fromMs: number, heldMs: number, nowMs: number): void {
    this.#restUntilMs = Math.min(fromMs + heldMs * this.#rest, nowMs + REST_MS_MAX);
  }
}
