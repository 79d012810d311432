/**
 * What is kept of a categorical column: exact counts of up to `CATEGORIES_MAX` categories, and how
 * many values were missing. Where there are more categories, it keeps the most frequent ones by
 * Space-Saving (A. Metwally, D. Agrawal, A. El Abbadi, 2005) and an estimate of how many there are.
 *
 * What holds beyond the limit: a category that is held was there at least `counts.get(c)` times and at
 * most `countErrors.get(c)` times more; one that is not held was there at most `absentCountMax` times;
 * and none of these errors exceeds the number of values divided by `CATEGORIES_MAX`, after merges too
 * (M. Cafaro, M. Pulimeno, P. Tempesta, 2016, for many parts at once). So whatever makes up a
 * thousandth of a column is held, whenever it came.
 *
 * A value is cut at `CATEGORY_LENGTH_MAX` characters, and half a surrogate pair becomes U+FFFD, so
 * that every category can be written as UTF-8 and read back. What a sketch becomes depends on its
 * counts alone; parts may be merged in any order.
 */
import { CATEGORIES_MAX, CATEGORY_LENGTH_MAX } from '../limits.ts';
import { CARDINALITY_ERROR, HyperLogLog } from './hyper-log-log.ts';
import { LeastFrequent } from './least-frequent.ts';

export interface CategoricalSketchState {
  readonly missingCount: number;
  /** Values that are in no count. */
  readonly otherCount: number;
  readonly counts: ReadonlyMap<string, number>;
  /** Absent or `null` while every category is held. */
  readonly beyond?: BeyondLimitState | null;
}

/** What is kept in addition once there are more categories than can be held. */
export interface BeyondLimitState {
  readonly absentCountMax: number;
  /** Of every category that is held. */
  readonly countErrors: ReadonlyMap<string, number>;
  readonly seen: HyperLogLog;
}

interface BeyondLimit extends BeyondLimitState {
  absentCountMax: number;
  countErrors: Map<string, number>;
}

const NO_ERRORS: ReadonlyMap<string, number> = new Map();

export class CategoricalSketch {
  readonly kind = 'categorical';
  #counts = new Map<string, number>();
  #count = 0;
  #otherCount = 0;
  #missingCount = 0;
  #beyond: BeyondLimit | null = null;
  /** Made when first needed. */
  #leastFrequent: LeastFrequent | null = null;

  static restore(state: CategoricalSketchState): CategoricalSketch {
    const sketch = new CategoricalSketch();
    sketch.#missingCount = state.missingCount;
    sketch.#otherCount = state.otherCount;
    sketch.#count = state.otherCount;
    for (const [category, count] of state.counts) {
      sketch.#counts.set(category, count);
      sketch.#count += count;
    }
    if (state.beyond) {
      const { absentCountMax, countErrors, seen } = state.beyond;
      sketch.#beyond = { absentCountMax, countErrors: new Map(countErrors), seen };
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
    else if (this.#counts.size < CATEGORIES_MAX && this.absentCountMax === 0)
      this.#counts.set(category, 1);
    else this.#addBeyond(category);
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

  /** Values that are in no count: of categories that are not held, or from before they were. */
  get otherCount(): number {
    return this.#otherCount;
  }

  /** By category, never too many; in no particular order. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** By how much a count may be too small, by category; empty while all counts are exact. */
  get countErrors(): ReadonlyMap<string, number> {
    return this.#beyond?.countErrors ?? NO_ERRORS;
  }

  /** How often a category that is not held may have been there; 0 while all are held. */
  get absentCountMax(): number {
    // Sketches from before Space-Saving counted some values as other and nothing else about them.
    return this.#beyond?.absentCountMax ?? this.#otherCount;
  }

  /** Different categories: exact while all are held, else an estimate with `cardinalityError`. */
  get cardinality(): number {
    if (this.#beyond === null) return this.#counts.size;
    return Math.max(Math.round(this.#beyond.seen.estimate()), this.#counts.size);
  }

  /** Standard error of `cardinality`, as a share of it. */
  get cardinalityError(): number {
    return this.#beyond === null ? 0 : CARDINALITY_ERROR;
  }

  /** All that the sketch is, as a view that is valid until the sketch changes. */
  get state(): CategoricalSketchState {
    return {
      missingCount: this.#missingCount,
      otherCount: this.#otherCount,
      counts: this.#counts,
      beyond: this.#beyond,
    };
  }

  /** Takes in all of `others` at once; they are left as they are. */
  mergeAll(others: readonly CategoricalSketch[]): void {
    const parts = [this as CategoricalSketch, ...others].filter(
      (part) => part.#count > 0 || part.#missingCount > 0,
    );
    if (parts.every((part) => part === this)) return;
    const counts = new Map<string, number>();
    for (const part of parts) {
      for (const [category, count] of part.#counts) {
        counts.set(category, (counts.get(category) ?? 0) + count);
      }
    }
    const total = (field: (part: CategoricalSketch) => number): number =>
      parts.reduce((sum, part) => sum + field(part), 0);
    const absentCountMax = total((part) => part.absentCountMax);
    this.#count = total((part) => part.#count);
    this.#missingCount = total((part) => part.#missingCount);
    this.#otherCount = total((part) => part.#otherCount);
    this.#beyond =
      absentCountMax === 0 && counts.size <= CATEGORIES_MAX
        ? null
        : {
            absentCountMax,
            countErrors: mergedErrors(parts, counts.keys(), absentCountMax),
            seen: mergedSeen(parts),
          };
    this.#counts = counts;
    this.#leastFrequent = null;
    if (counts.size > CATEGORIES_MAX) this.#dropLeastFrequent(this.#beyond!);
  }

  /** A category that is not held takes the place of the least frequent one, and its doubt. */
  #addBeyond(category: string): void {
    this.#beyond ??= {
      absentCountMax: this.#otherCount,
      countErrors: new Map([...this.#counts.keys()].map((held) => [held, 0])),
      seen: mergedSeen([this]),
    };
    const beyond = this.#beyond;
    beyond.seen.add(category);
    if (this.#counts.size < CATEGORIES_MAX) {
      this.#counts.set(category, 1);
      beyond.countErrors.set(category, beyond.absentCountMax);
      this.#leastFrequent = null;
      return;
    }
    this.#leastFrequent ??= new LeastFrequent(
      this.#counts.keys(),
      (held) => this.#counts.get(held)! + this.#beyond!.countErrors.get(held)!,
    );
    this.#drop(this.#leastFrequent.peek(), beyond);
    this.#counts.set(category, 1);
    beyond.countErrors.set(category, beyond.absentCountMax);
    this.#leastFrequent.replace(category);
  }

  #drop(category: string, beyond: BeyondLimit): void {
    const count = this.#counts.get(category)!;
    const countMax = count + beyond.countErrors.get(category)!;
    this.#otherCount += count;
    beyond.absentCountMax = Math.max(beyond.absentCountMax, countMax);
    this.#counts.delete(category);
    beyond.countErrors.delete(category);
  }

  /** Down to the limit; of those that may be equally frequent the first by code units stay. */
  #dropLeastFrequent(beyond: BeyondLimit): void {
    const ranked = [...this.#counts].map(([category, count]) => ({
      category,
      countMax: count + beyond.countErrors.get(category)!,
    }));
    ranked.sort(
      (left, right) => right.countMax - left.countMax || (left.category < right.category ? -1 : 1),
    );
    for (const { category } of ranked.slice(CATEGORIES_MAX)) this.#drop(category, beyond);
  }
}

/** What each part may have missed of a category, added up. */
function mergedErrors(
  parts: readonly CategoricalSketch[],
  categories: Iterable<string>,
  absentCountMax: number,
): Map<string, number> {
  const errors = new Map<string, number>();
  for (const category of categories) errors.set(category, absentCountMax);
  for (const part of parts) {
    for (const category of part.counts.keys()) {
      const error = part.countErrors.get(category) ?? 0;
      errors.set(category, errors.get(category)! + error - part.absentCountMax);
    }
  }
  return errors;
}

function mergedSeen(parts: readonly CategoricalSketch[]): HyperLogLog {
  const seen = new HyperLogLog();
  for (const { counts, beyond } of parts.map((part) => part.state)) {
    if (beyond) seen.join(beyond.seen);
    else for (const category of counts.keys()) seen.add(category);
  }
  return seen;
}

/** The category a value is counted as. */
function categoryOf(value: string): string {
  const kept = value.length > CATEGORY_LENGTH_MAX ? value.slice(0, CATEGORY_LENGTH_MAX) : value;
  if (!/[\ud800-\udfff]/.test(kept)) return kept;
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(new TextEncoder().encode(kept));
}
