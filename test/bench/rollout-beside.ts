/**
 * Which rows were beside a batch of the shadow: it ran or was taken in while they were on their way, or
 * they waited behind rows of which that is true.
 */
import { commonMs } from './rollout-arrivals.ts';

export class BesideShadow {
  /** No row is on its way. */
  readonly #isIdle: () => boolean;
  /** Of the batch that runs or is taken in. */
  #batchRowsLeft = 0;
  #isBeside = false;
  #endMs = 0;

  constructor(isIdle: () => boolean) {
    this.#isIdle = isIdle;
  }

  /** Of a row that is answered now. */
  get isBeside(): boolean {
    return this.#isBeside;
  }

  batchStarted(rowCount: number): void {
    this.#batchRowsLeft = rowCount;
    this.#isBeside = true;
  }

  batchRowTaken(): void {
    this.#batchRowsLeft -= 1;
    this.#endWhenIdle();
  }

  arrived(atMs: number): void {
    // While the thread was held, which is why it was not seen before.
    if (atMs < this.#endMs) this.#isBeside = true;
  }

  answered(): void {
    this.#endWhenIdle();
  }

  #endWhenIdle(): void {
    if (!this.#isBeside || this.#batchRowsLeft > 0 || !this.#isIdle()) return;
    this.#isBeside = false;
    this.#endMs = commonMs();
  }
}
