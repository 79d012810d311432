/**
 * The second pass: fills the reference's sketches, for the whole and per slice value.
 *
 * A value is read here exactly as a replay of the same row reads it, and slices are bounded as the
 * drift-aggregator bounds them, so that a file compared with its own reference has not moved.
 */
import { SLICE_VALUES_MAX } from '../core/limits.ts';
import { parseBooleanText, parseNumberText } from '../core/monitor/cell-text.ts';
import type { Reference } from '../core/monitor/reference.ts';
import { type ColumnSketch, createColumnSketch } from '../core/sketch/column-sketch.ts';
import type { ColumnPlan } from './classify-column.ts';

export interface MeasuredColumn {
  readonly name: string;
  /** Position of its cell in a row. */
  readonly index: number;
  readonly plan: Pick<ColumnPlan, 'type' | 'valueType'>;
}

type Sketches = readonly ColumnSketch[];

export class ReferenceBuilder {
  readonly #columns: readonly MeasuredColumn[];
  readonly #sliceColumns: readonly MeasuredColumn[];
  readonly #whole: Sketches;
  /** Per slice column, by `column=value`. */
  readonly #slices: readonly Map<string, Sketches>[];
  readonly #values: (number | string | null)[];
  #rowCount = 0;

  /** `sliceNames` are names of categorical ones among the columns. */
  constructor(columns: readonly MeasuredColumn[], sliceNames: readonly string[]) {
    this.#columns = columns;
    this.#sliceColumns = columns.filter(({ name }) => sliceNames.includes(name));
    this.#whole = this.#createSketches();
    this.#slices = this.#sliceColumns.map(() => new Map());
    this.#values = columns.map(() => null);
  }

  add(cells: readonly unknown[]): void {
    this.#rowCount += 1;
    for (let i = 0; i < this.#columns.length; i += 1) {
      const { index, plan } = this.#columns[i]!;
      this.#values[i] = readCell(cells[index], plan);
    }
    this.#measure(this.#whole);
    for (const [i, { name, index, plan }] of this.#sliceColumns.entries()) {
      const value = readCell(cells[index], plan);
      if (value !== null) this.#measure(this.#sliceAt(this.#slices[i]!, name, String(value)));
    }
  }

  finish(): Reference {
    const slices = this.#slices.flatMap((bySlice) => [...bySlice]);
    return {
      rowCount: this.#rowCount,
      columns: this.#finishSketches(this.#whole),
      slices: new Map(slices.map(([slice, sketches]) => [slice, this.#finishSketches(sketches)])),
    };
  }

  #createSketches(): Sketches {
    return this.#columns.map(({ plan }) => createColumnSketch(plan.type));
  }

  #sliceAt(bySlice: Map<string, Sketches>, name: string, value: string): Sketches {
    const wanted = `${name}=${value}`;
    let sketches = bySlice.get(wanted);
    if (sketches !== undefined) return sketches;
    const slice = bySlice.size < SLICE_VALUES_MAX ? wanted : `${name}=(other)`;
    sketches = bySlice.get(slice) ?? this.#createSketches();
    bySlice.set(slice, sketches);
    return sketches;
  }

  #measure(sketches: Sketches): void {
    for (let i = 0; i < sketches.length; i += 1) {
      const sketch = sketches[i]!;
      const value = this.#values[i]!;
      if (value === null) sketch.addMissing();
      else if (sketch.kind === 'numeric') sketch.add(value as number);
      else sketch.add(String(value));
    }
  }

  #finishSketches(sketches: Sketches): ReadonlyMap<string, ColumnSketch> {
    for (const sketch of sketches) if (sketch.kind === 'numeric') sketch.compact();
    return new Map(this.#columns.map(({ name }, i) => [name, sketches[i]!]));
  }
}

/** `null` is missing; so is what a column of numbers or booleans cannot read. */
function readCell(cell: unknown, plan: MeasuredColumn['plan']): number | string | null {
  if (cell === null || cell === undefined || cell === '') return null;
  if (plan.valueType === 'string') return String(cell);
  if (plan.valueType === 'boolean') {
    const value = typeof cell === 'string' ? parseBooleanText(cell) : cell;
    return typeof value === 'boolean' ? String(value) : null;
  }
  const number = typeof cell === 'string' ? parseNumberText(cell) : Number(cell);
  return number === null || Number.isNaN(number) ? null : number;
}
