/**
 * The sketches of every column per value of the slice columns, bounded as the drift-aggregator bounds
 * them, so that a file compared with its own reference has not moved.
 */
import { SLICE_VALUES_MAX } from '../core/limits.ts';
import type { ColumnType } from '../core/monitor/monitor.ts';
import { type ColumnSketch, mergeColumnSketches } from '../core/sketch/column-sketch.ts';
import { type Sides, SketchPair } from './sketch-pair.ts';

/** Sketched columns of all slices together: about 20 kB each while the file is read. */
export const SLICE_SKETCHES_MAX = 8_000;
export const OTHER_SLICE = '(other)';

interface Slice {
  rowCount: number;
  /** By column index, with holes. */
  readonly pairs: (SketchPair | undefined)[];
}

/** What a segment of rows holds in one column. */
export interface Segment {
  readonly index: number;
  readonly numbers: Float64Array;
  readonly texts: readonly (string | null)[];
}

export class SliceSketches {
  readonly #sketchesMax: number;
  /** By index of the slice column, then by its text as it stands in the file. */
  readonly #slices = new Map<number, Map<string, Slice>>();
  readonly #sides = new Map<number, Sides>();
  #sketchCount = 0;
  /** Whether a value went to `(other)` for want of memory. */
  isCut = false;

  constructor(sketchesMax = SLICE_SKETCHES_MAX) {
    this.#sketchesMax = sketchesMax;
  }

  addSliceColumn(index: number): void {
    this.#slices.set(index, new Map());
  }

  addColumn(index: number, sides: Sides): void {
    this.#sides.set(index, sides);
    for (const slice of this.#all()) {
      slice.pairs[index] = new SketchPair(sides, slice.rowCount);
      this.#sketchCount += 1;
    }
  }

  drop(index: number, type: ColumnType): void {
    const sides = this.#sides.get(index);
    if (sides === undefined) return;
    this.#sides.set(index, { ...sides, [type]: false });
    for (const { pairs } of this.#all()) pairs[index]?.drop(type);
  }

  /** The next `count` rows: of the slice columns, and of all that are measured. */
  add(slicing: readonly Segment[], measured: readonly Segment[], count: number): void {
    for (const { index, texts } of slicing) {
      const bySlice = this.#slices.get(index);
      if (bySlice === undefined) continue;
      const slices: (Slice | null)[] = [];
      for (let row = 0; row < count; row += 1) {
        const value = texts[row]!;
        const slice = value === null ? null : this.#sliceOf(bySlice, value);
        if (slice !== null) slice.rowCount += 1;
        slices.push(slice);
      }
      for (const { index: column, numbers, texts: columnTexts } of measured) {
        for (let row = 0; row < count; row += 1) {
          slices[row]?.pairs[column]?.add(numbers[row]!, columnTexts[row]!);
        }
      }
    }
  }

  /**
   * The slices of one column, in the order of their first row. `nameOf`: the value a text stands for,
   * `null` for none; texts of one value are put together.
   */
  slicesOf(
    index: number,
    nameOf: (text: string) => string | null,
    columns: readonly { readonly index: number; readonly type: ColumnType }[],
  ): ReadonlyMap<string, readonly (ColumnSketch | null)[]> {
    const byName = new Map<string, Slice[]>();
    for (const [text, slice] of this.#slices.get(index) ?? []) {
      const name = text === OTHER_SLICE ? text : nameOf(text);
      if (name === null) continue;
      const slices = byName.get(name);
      if (slices === undefined) byName.set(name, [slice]);
      else slices.push(slice);
    }
    const sketchesOf = (slices: readonly Slice[]) =>
      columns.map(({ index: column, type }) => {
        const parts = slices.map(({ pairs }) => pairs[column]?.side(type) ?? null);
        const kept = parts.filter((part) => part !== null);
        if (kept.length === 0) return null;
        return kept.length === 1 ? kept[0]! : mergeColumnSketches(kept);
      });
    return new Map([...byName].map(([name, slices]) => [name, sketchesOf(slices)]));
  }

  #sliceOf(bySlice: Map<string, Slice>, value: string): Slice {
    const known = bySlice.get(value);
    if (known !== undefined) return known;
    const isFull = this.#sketchCount + this.#sides.size > this.#sketchesMax;
    if (isFull) this.isCut = true;
    const text = !isFull && bySlice.size < SLICE_VALUES_MAX ? value : OTHER_SLICE;
    let slice = bySlice.get(text);
    if (slice === undefined) {
      slice = { rowCount: 0, pairs: [] };
      for (const [index, sides] of this.#sides) slice.pairs[index] = new SketchPair(sides);
      this.#sketchCount += this.#sides.size;
      bySlice.set(text, slice);
    }
    return slice;
  }

  *#all(): Iterable<Slice> {
    for (const bySlice of this.#slices.values()) yield* bySlice.values();
  }
}
