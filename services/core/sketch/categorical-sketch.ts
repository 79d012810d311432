/**
 * What is kept of a categorical column: exact counts of up to `CATEGORIES_MAX` values, first come
 * first counted, how many values beyond them there were, and how many were missing.
 *
 * A value is cut at `CATEGORY_LENGTH_MAX` characters, and half a surrogate pair becomes U+FFFD, so
 * that every category can be written as UTF-8 and read back. Merging adds up; where more than the
 * limit come together it keeps the most frequent (at a tie, the first by code units) and counts the
 * rest as other, in whatever order the sketches are given.
 */
import { CATEGORIES_MAX, CATEGORY_LENGTH_MAX } from '../limits.ts';

export interface CategoricalSketchState {
  readonly missingCount: number;
  readonly otherCount: number;
  readonly counts: ReadonlyMap<string, number>;
}

export class CategoricalSketch {
  readonly kind = 'categorical';
  #counts = new Map<string, number>();
  #count = 0;
  #otherCount = 0;
  #missingCount = 0;

  static restore(state: CategoricalSketchState): CategoricalSketch {
    const sketch = new CategoricalSketch();
    sketch.#missingCount = state.missingCount;
    sketch.#otherCount = state.otherCount;
    sketch.#count = state.otherCount;
    for (const [category, count] of state.counts) {
      sketch.#counts.set(category, count);
      sketch.#count += count;
    }
    return sketch;
  }

  add(value: string): void {
    this.#count++;
    const known = this.#counts.get(value);
    if (known !== undefined) {
      this.#counts.set(value, known + 1);
      return;
    }
    const category = categoryOf(value);
    const count = this.#counts.get(category);
    if (count !== undefined) this.#counts.set(category, count + 1);
    else if (this.#counts.size < CATEGORIES_MAX) this.#counts.set(category, 1);
    else this.#otherCount++;
  }

  addMissing(count = 1): void {
    this.#missingCount += count;
  }

  /** Values that are not missing, other ones included. */
  get count(): number {
    return this.#count;
  }

  get missingCount(): number {
    return this.#missingCount;
  }

  /** Values beyond the categories that are counted. */
  get otherCount(): number {
    return this.#otherCount;
  }

  /** By category; in no particular order. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** Takes in all of `others` at once; they are left as they are. */
  mergeAll(others: readonly CategoricalSketch[]): void {
    const counts = new Map(this.#counts);
    for (const other of others) {
      this.#count += other.#count;
      this.#missingCount += other.#missingCount;
      this.#otherCount += other.#otherCount;
      for (const [category, count] of other.#counts) {
        counts.set(category, (counts.get(category) ?? 0) + count);
      }
    }
    this.#counts = counts;
    if (counts.size <= CATEGORIES_MAX) return;
    const ranked = [...counts].sort(
      ([left, leftCount], [right, rightCount]) => rightCount - leftCount || (left < right ? -1 : 1),
    );
    this.#counts = new Map(ranked.slice(0, CATEGORIES_MAX));
    for (const [, count] of ranked.slice(CATEGORIES_MAX)) this.#otherCount += count;
  }
}

/** The category a value is counted as. */
function categoryOf(value: string): string {
  const kept = value.length > CATEGORY_LENGTH_MAX ? value.slice(0, CATEGORY_LENGTH_MAX) : value;
  if (!/[\ud800-\udfff]/.test(kept)) return kept;
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(new TextEncoder().encode(kept));
}
