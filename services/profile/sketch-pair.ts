/**
 * A column sketched both ways, as numbers and as categories, until it is clear which of them it is.
 *
 * Both are bounded, so waiting costs no more than the other sketch; a side that can no longer be the
 * column is dropped.
 */
import { parseBooleanText } from '../core/monitor/cell-text.ts';
import type { ColumnType } from '../core/monitor/monitor.ts';
import { CategoricalSketch } from '../core/sketch/categorical-sketch.ts';
import { type ColumnSketch, createColumnSketch } from '../core/sketch/column-sketch.ts';
import type { NumericSketch } from '../core/sketch/numeric-sketch.ts';
import type { ValueType } from './classify-column.ts';

/** Which sides there are. */
export interface Sides {
  readonly numeric: boolean;
  readonly categorical: boolean;
}

export const COLUMN_TYPES: readonly ColumnType[] = ['numeric', 'categorical'];

export class SketchPair {
  #numeric: NumericSketch | null;
  #categorical: CategoricalSketch | null;

  /** `missingCount`: rows that were read before the pair was made. */
  constructor(sides: Sides, missingCount = 0) {
    this.#numeric = sides.numeric ? createColumnSketch('numeric') : null;
    this.#categorical = sides.categorical ? createColumnSketch('categorical') : null;
    if (missingCount > 0) {
      this.#numeric?.addMissing(missingCount);
      this.#categorical?.addMissing(missingCount);
    }
  }

  /** NaN and `null` are missing. */
  add(number: number, text: string | null): void {
    if (this.#numeric !== null) {
      if (Number.isNaN(number)) this.#numeric.addMissing();
      else this.#numeric.add(number);
    }
    if (this.#categorical !== null) {
      if (text === null) this.#categorical.addMissing();
      else this.#categorical.add(text);
    }
  }

  /** The first `count` values of a column. */
  addMany(numbers: Float64Array, texts: readonly (string | null)[], count: number): void {
    for (let row = 0; row < count; row += 1) this.add(numbers[row]!, texts[row]!);
  }

  drop(side: ColumnType): void {
    if (side === 'numeric') this.#numeric = null;
    else this.#categorical = null;
  }

  /** `null` where that side was dropped. */
  side(type: ColumnType): ColumnSketch | null {
    return type === 'numeric' ? this.#numeric : this.#categorical;
  }
}

/**
 * What a sketch of texts is when the column turns out to hold booleans: `True` and `true` are one
 * category, and a word that is neither is missing.
 */
export function readAs(sketch: ColumnSketch, valueType: ValueType): ColumnSketch {
  if (sketch.kind === 'numeric' || valueType !== 'boolean') return sketch;
  const counts = new Map<string, number>();
  let missingCount = sketch.missingCount;
  for (const [text, count] of sketch.counts) {
    const value = parseBooleanText(text);
    if (value === null) missingCount += count;
    else counts.set(String(value), (counts.get(String(value)) ?? 0) + count);
  }
  return CategoricalSketch.restore({ missingCount, otherCount: 0, counts, beyond: null });
}
