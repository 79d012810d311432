/**
 * Sketches of consecutive, equally long stretches of the data, for the calibration of each column.
 *
 * Memory is bounded however long the data are: when there are `BLOCKS_MAX` blocks, or all of them
 * together hold more than `BLOCK_BYTES_MAX`, neighbours are merged and the stretches are twice as
 * long from then on. Closed blocks are kept encoded, at a fraction of a live sketch's size.
 */
import type { ColumnType } from '../core/monitor/monitor.ts';
import {
  type ColumnSketch,
  decodeColumnSketch,
  encodeColumnSketch,
  mergeColumnSketches,
} from '../core/sketch/column-sketch.ts';
import { COLUMN_TYPES, type Sides, SketchPair } from './sketch-pair.ts';

export const BLOCKS_MAX = 128;
/** Rows of the first blocks. */
const BLOCK_ROWS_MIN = 16;
export const BLOCK_BYTES_MAX = 64 * 1_048_576;
/** Fewer blocks tell nothing, so these many are kept however large they are. */
const BLOCKS_MIN = 16;

interface ColumnBlocks {
  sides: Sides;
  open: SketchPair;
  readonly closed: Record<ColumnType, Uint8Array[]>;
}

export class CalibrationBlocks {
  #blockRows = BLOCK_ROWS_MIN;
  #openRows = 0;
  #closedCount = 0;
  #closedBytes = 0;
  readonly #bytesMax: number;
  readonly #columns = new Map<number, ColumnBlocks>();

  constructor(bytesMax = BLOCK_BYTES_MAX) {
    this.#bytesMax = bytesMax;
  }

  /** Rows that still go into the open block. */
  get roomRows(): number {
    return this.#blockRows - this.#openRows;
  }

  get blockRows(): number {
    return this.#blockRows;
  }

  addColumn(index: number, sides: Sides): void {
    const earlier = (type: ColumnType): Uint8Array[] => {
      const sketch = new SketchPair(sides, this.#blockRows).side(type);
      return sketch === null ? [] : new Array(this.#closedCount).fill(encode(sketch));
    };
    this.#columns.set(index, {
      sides,
      open: new SketchPair(sides, this.#openRows),
      closed: { numeric: earlier('numeric'), categorical: earlier('categorical') },
    });
  }

  /** The side of a column that it is not, or both of a column that is not judged. */
  drop(index: number, type: ColumnType): void {
    const column = this.#columns.get(index);
    if (column === undefined) return;
    column.sides = { ...column.sides, [type]: false };
    column.open.drop(type);
    this.#closedBytes -= bytesOf(column.closed[type]);
    column.closed[type] = [];
  }

  /** The next rows of one column; every column gets as many, and not more than `roomRows`. */
  add(
    index: number,
    numbers: Float64Array,
    texts: readonly (string | null)[],
    count: number,
  ): void {
    this.#columns.get(index)?.open.addMany(numbers, texts, count);
  }

  /** All columns have these rows. */
  advance(count: number): void {
    this.#openRows += count;
    if (this.#openRows < this.#blockRows) return;
    this.#openRows = 0;
    this.#closedCount += 1;
    for (const column of this.#columns.values()) this.#close(column);
    const isHeavy = this.#closedBytes > this.#bytesMax && this.#closedCount >= 2 * BLOCKS_MIN;
    if (this.#closedCount === BLOCKS_MAX || (isHeavy && this.#closedCount % 2 === 0)) this.#halve();
  }

  /** In the order of the data, the last and shorter stretch left out; empty where none are kept. */
  blocksOf(index: number, type: ColumnType): readonly ColumnSketch[] {
    return this.#columns.get(index)?.closed[type].map(decodeColumnSketch) ?? [];
  }

  #close(column: ColumnBlocks): void {
    for (const type of COLUMN_TYPES) {
      const sketch = column.open.side(type);
      if (sketch === null) continue;
      const bytes = encode(sketch);
      column.closed[type].push(bytes);
      this.#closedBytes += bytes.length;
    }
    column.open = new SketchPair(column.sides);
  }

  #halve(): void {
    this.#blockRows *= 2;
    this.#closedCount /= 2;
    this.#closedBytes = 0;
    for (const { closed } of this.#columns.values()) {
      for (const type of COLUMN_TYPES) {
        closed[type] = mergeNeighbours(closed[type]);
        this.#closedBytes += bytesOf(closed[type]);
      }
    }
  }
}

function mergeNeighbours(blocks: readonly Uint8Array[]): Uint8Array[] {
  const merged: Uint8Array[] = [];
  for (let index = 0; index + 1 < blocks.length; index += 2) {
    const pair = [blocks[index]!, blocks[index + 1]!].map(decodeColumnSketch);
    merged.push(encode(mergeColumnSketches(pair)));
  }
  return merged;
}

function encode(sketch: ColumnSketch): Uint8Array {
  if (sketch.kind === 'numeric') sketch.compact();
  return encodeColumnSketch(sketch).slice();
}

function bytesOf(blocks: readonly Uint8Array[]): number {
  return blocks.reduce((sum, bytes) => sum + bytes.length, 0);
}
