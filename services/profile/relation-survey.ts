/**
 * Which of two numbers of a row is never the larger one: pairs of columns a ≤ b that hold on every
 * row where both have a value.
 *
 * All pairs start out as candidates and the first counterexample ends one, so that after a few rows
 * only those are left that are worth looking at. Pairs whose ranges lie apart in a segment of rows
 * cost one comparison for the whole segment.
 */
import type { Segment } from './slice-sketches.ts';

/** Columns that are looked at, the first of the file: pairs grow with their square. */
export const RELATION_COLUMNS_MAX = 256;

export interface HeldRelation {
  /** Column indexes: the value of `lower` is never above that of `upper`. */
  readonly lower: number;
  readonly upper: number;
  /** Rows with both. */
  readonly rowCount: number;
}

interface Extent {
  readonly numbers: Float64Array;
  readonly presentCount: number;
  readonly minimum: number;
  readonly maximum: number;
}

export class RelationSurvey {
  readonly #columns: number[] = [];
  #pairs: { lower: number; upper: number; rowCount: number }[] = [];

  addColumn(index: number): void {
    if (this.#columns.length === RELATION_COLUMNS_MAX) return;
    for (const other of this.#columns) {
      this.#pairs.push({ lower: other, upper: index, rowCount: 0 });
      this.#pairs.push({ lower: index, upper: other, rowCount: 0 });
    }
    this.#columns.push(index);
  }

  /** The next `count` rows of the columns. */
  add(segments: readonly Segment[], count: number): void {
    if (this.#pairs.length === 0) return;
    const extents: Extent[] = [];
    for (const { index, numbers } of segments) extents[index] = extentOf(numbers, count);
    let kept = 0;
    for (const pair of this.#pairs) {
      const held = heldCount(extents[pair.lower], extents[pair.upper], count);
      if (held === -1) continue;
      pair.rowCount += held;
      this.#pairs[kept++] = pair;
    }
    this.#pairs.length = kept;
  }

  /** Forgets pairs with a column for which this is false. */
  retain(isNumeric: (index: number) => boolean): void {
    this.#pairs = this.#pairs.filter(({ lower, upper }) => isNumeric(lower) && isNumeric(upper));
  }

  get held(): readonly HeldRelation[] {
    return this.#pairs.filter(({ rowCount }) => rowCount > 0);
  }
}

function extentOf(numbers: Float64Array, count: number): Extent {
  let presentCount = 0;
  let minimum = Number.POSITIVE_INFINITY;
  let maximum = Number.NEGATIVE_INFINITY;
  for (let row = 0; row < count; row += 1) {
    const number = numbers[row]!;
    if (number < minimum) minimum = number;
    if (number > maximum) maximum = number;
    if (!Number.isNaN(number)) presentCount += 1;
  }
  return { numbers, presentCount, minimum, maximum };
}

/** Rows on which it holds; −1 where one breaks it. */
function heldCount(lower: Extent | undefined, upper: Extent | undefined, count: number): number {
  if (lower === undefined || upper === undefined) return 0;
  if (lower.presentCount === 0 || upper.presentCount === 0) return 0;
  const isComplete = lower.presentCount === count && upper.presentCount === count;
  if (isComplete && lower.maximum <= upper.minimum) return count;
  let held = 0;
  for (let row = 0; row < count; row += 1) {
    const low = lower.numbers[row]!;
    const high = upper.numbers[row]!;
    if (low > high) return -1;
    if (low <= high) held += 1;
  }
  return held;
}
