/**
 * Finds the rows that make a batch fail, by running halves of it within a budget of further runs.
 *
 * Breadth first: where the budget ends before every bad row stands alone, the pieces left are as small
 * as it allowed, and the rows beside a bad one are few. If the first half of a failing piece succeeds,
 * the second is known to fail and is halved at once; a single row is always run by itself before it is
 * blamed. One bad row of 2^k costs between k + 1 and 2k runs.
 */
import type { Part } from './batch-queue.ts';

export interface Piece<R> {
  readonly parts: readonly Part<R>[];
  readonly rowCount: number;
}

interface Suspect<R> {
  parts: readonly Part<R>[];
  rowCount: number;
  /** The other half, where this one is the second. */
  readonly first: Suspect<R> | null;
  hasSucceeded: boolean;
}

export class Bisection<R> {
  readonly #suspects: Suspect<R>[] = [];
  #current: Suspect<R> | null = null;
  #runsLeft: number;

  /** Of a batch that has failed; `runsMax` more runs may be made. */
  constructor(batch: Piece<R>, runsMax: number) {
    this.#runsLeft = runsMax;
    this.#halve(batch);
  }

  /** The piece to run next; `null`: nothing is left, or the budget is spent. */
  next(): Piece<R> | null {
    for (;;) {
      if (this.#runsLeft === 0) return null;
      const suspect = this.#suspects.shift();
      if (suspect === undefined) return null;
      if (suspect.rowCount > 1 && suspect.first?.hasSucceeded === true) {
        this.#halve(suspect);
        continue;
      }
      this.#runsLeft -= 1;
      this.#current = suspect;
      return suspect;
    }
  }

  /** The piece given last has succeeded. */
  succeeded(): void {
    if (this.#current !== null) this.#current.hasSucceeded = true;
  }

  /** The piece given last has failed. False: it is one row, which is found. */
  failed(): boolean {
    const current = this.#current;
    if (current === null || current.rowCount === 1) return false;
    this.#halve(current);
    return true;
  }

  /** Of the piece given last only these rows are left, at least one: the others have been answered. */
  narrow(piece: Piece<R>): void {
    if (this.#current === null) return;
    this.#current.parts = piece.parts;
    this.#current.rowCount = piece.rowCount;
  }

  /** The piece given last runs again; false: no budget. */
  again(): boolean {
    if (this.#runsLeft === 0) return false;
    this.#runsLeft -= 1;
    return true;
  }

  /** What the budget did not suffice for. */
  takeUnresolved(): readonly Part<R>[] {
    return this.#suspects.splice(0).flatMap(({ parts }) => parts);
  }

  #halve(piece: Piece<R>): void {
    const rows = piece.rowCount >> 1;
    const [left, right] = splitParts(piece.parts, rows);
    const first: Suspect<R> = { parts: left, rowCount: rows, first: null, hasSucceeded: false };
    const rowCount = piece.rowCount - rows;
    this.#suspects.push(first, { parts: right, rowCount, first, hasSucceeded: false });
  }
}

/** The first `rows` rows, and the rest. */
export function splitParts<R>(
  parts: readonly Part<R>[],
  rows: number,
): readonly [readonly Part<R>[], readonly Part<R>[]] {
  const left: Part<R>[] = [];
  const right: Part<R>[] = [];
  let missing = rows;
  for (const { request, fromRow, toRow } of parts) {
    const middle = Math.min(toRow, fromRow + missing);
    if (middle > fromRow) left.push({ request, fromRow, toRow: middle });
    if (middle < toRow) right.push({ request, fromRow: middle, toRow });
    missing -= middle - fromRow;
  }
  return [left, right];
}
