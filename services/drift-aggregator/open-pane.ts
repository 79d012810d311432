/**
 * A pane that is still being measured: a sketch per column, and in that of the whole one per set.
 */
import { asBuffer } from '../core/message/message-codec.ts';
import type { Origin } from '../core/message/origin.ts';
import type { PaneColumn } from '../core/message/pane.ts';
import type { ColumnType } from '../core/monitor/monitor.ts';
import {
  type ColumnSketch,
  createColumnSketch,
  encodeColumnSketch,
} from '../core/sketch/column-sketch.ts';
import { createSetSketch, type SetSketch } from '../core/sketch/set-sketch.ts';
import { encodeSetSketch } from '../core/sketch/set-sketch-codec.ts';
import { SET_COLUMNS_MAX, type SetSpecification } from '../core/sketch/set-specification.ts';

export interface PaneBookColumn {
  readonly name: string;
  readonly type: ColumnType;
}

export interface PaneBookSet {
  readonly name: string;
  readonly specification: SetSpecification;
  /** Where the columns have the set's, in the specification's order. */
  readonly cellIndices: readonly number[];
}

/** What a pane is measured by. */
export interface PaneMeasures {
  readonly columns: readonly PaneBookColumn[];
  /** Measured of the whole, not of slices. */
  readonly sets: readonly PaneBookSet[];
}

/** Of one event or prediction, aligned with the columns. */
export type Cells = readonly (number | string | null)[];

/** A record's place in the input, and in the topic where its chain began. */
export interface Place {
  readonly offset: number;
  readonly origin: Origin;
}

export interface OpenPanePlace {
  readonly kind: 'sealed' | 'late';
  readonly startMs: number;
  readonly slice: string;
  /** Of the first record in it. */
  readonly first: Place;
}

/** A pane still open, or a late one waiting for the next sealing. */
export interface OpenPane extends OpenPanePlace {
  count: number;
  readonly sketches: readonly ColumnSketch[];
  /** Aligned with the sets; empty in a slice. */
  readonly sets: readonly SetSketch[];
  /** Changed since the last `takeChanges`. */
  dirty: boolean;
}

export function openPaneKey(pane: Pick<OpenPane, 'kind' | 'startMs' | 'slice'>): string {
  return `${pane.kind}:${String(pane.startMs).padStart(15, '0')}:${pane.slice}`;
}

export function createOpenPane(place: OpenPanePlace, { columns, sets }: PaneMeasures): OpenPane {
  const wanted = place.slice === '' ? sets : [];
  return {
    ...place,
    count: 0,
    sketches: columns.map(({ type }) => createColumnSketch(type)),
    sets: wanted.map(({ specification }) => createSetSketch(specification)),
    dirty: true,
  };
}

export function measure(pane: OpenPane, cells: Cells): void {
  pane.count += 1;
  pane.dirty = true;
  for (let index = 0; index < pane.sketches.length; index += 1) {
    const sketch = pane.sketches[index]!;
    const cell = cells[index];
    if (cell === null || cell === undefined) sketch.addMissing();
    else if (sketch.kind === 'numeric') sketch.add(Number(cell));
    else sketch.add(String(cell));
  }
}

/** Of the event being measured. */
const row = new Float64Array(SET_COLUMNS_MAX);

/** Besides the columns; nothing in a slice. */
export function measureSets(pane: OpenPane, cells: Cells, sets: PaneMeasures['sets']): void {
  for (let set = 0; set < pane.sets.length; set += 1) {
    const { cellIndices } = sets[set]!;
    for (let index = 0; index < cellIndices.length; index += 1) {
      const cell = cells[cellIndices[index]!];
      row[index] = cell === null || cell === undefined ? Number.NaN : Number(cell);
    }
    pane.sets[set]!.add(row);
  }
}

/** Makes the bytes small; for a pane that is complete. */
export function compact(pane: OpenPane): void {
  for (const sketch of pane.sketches) if (sketch.kind === 'numeric') sketch.compact();
  for (const set of pane.sets) set.compact();
}

/** Columns first, then sets, each in the order of what is measured; to the bit what the pane holds. */
export function paneColumns(
  pane: OpenPane,
  { columns, sets }: PaneMeasures,
): readonly PaneColumn[] {
  return [
    ...pane.sketches.map((sketch, index) => ({
      name: columns[index]!.name,
      sketch: asBuffer(encodeColumnSketch(sketch)),
    })),
    ...pane.sets.map((set, index) => ({
      name: sets[index]!.name,
      sketch: asBuffer(encodeSetSketch(set)),
    })),
  ];
}
