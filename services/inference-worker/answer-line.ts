/**
 * What one assignment has taken and not yet sent, in the order of its partition: answers come in any
 * order, and leave from the front as far as there are answers.
 */
import type { OutgoingRecord } from '../core/message/record.ts';

export interface Slot {
  /** Of the record that waits for its answer. */
  readonly offset: number;
  answer: OutgoingRecord | null;
}

export class AnswerLine {
  readonly #slots: Slot[] = [];
  #sent = 0;

  /** Records that have not left. */
  get length(): number {
    return this.#slots.length - this.#sent;
  }

  take(offset: number): Slot {
    const slot: Slot = { offset, answer: null };
    this.#slots.push(slot);
    return slot;
  }

  /** The answers at the front, at most so many; they stay until `sent` says that they have left. */
  answered(countMax: number): readonly Slot[] {
    let end = this.#sent;
    while (end < this.#slots.length && end - this.#sent < countMax) {
      if (this.#slots[end]!.answer === null) break;
      end += 1;
    }
    return this.#slots.slice(this.#sent, end);
  }

  sent(count: number): void {
    this.#sent += count;
    // Cutting the front of an array moves the rest: done once for many.
    if (this.#sent < 1_024 && this.#sent < this.#slots.length) return;
    this.#slots.splice(0, this.#sent);
    this.#sent = 0;
  }
}
