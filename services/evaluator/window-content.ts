/**
 * What a window holds: the sketches of its panes merged, over partitions and time.
 *
 * Columns and sets of columns lie side by side in a pane; which is which is said by name, as a set is
 * only read under the specification it was made by. A set that was made under another one, by an
 * earlier reference, is left out of the window.
 */
import type { Pane, PaneColumn } from '../core/message/pane.ts';
import type { SetSpecifications } from '../core/monitor/measured-sets.ts';
import {
  type ColumnSketch,
  decodeColumnSketch,
  mergeColumnSketches,
} from '../core/sketch/column-sketch.ts';
import { mergeSetSketches, type SetSketch } from '../core/sketch/set-sketch.ts';
import { decodeSetSketch, isSetSketchOf } from '../core/sketch/set-sketch-codec.ts';

/** By name; what is in no pane is absent. */
export interface ColumnSketches {
  readonly sketches: ReadonlyMap<string, ColumnSketch>;
  readonly sets: ReadonlyMap<string, SetSketch>;
}

export interface WindowContent extends ColumnSketches {
  readonly count: number;
}

/** By slice, the whole first. `isVersion`: of a slice, whether it is a version of the model. */
export function mergeBySlice(
  panes: readonly Pane[],
  specifications: SetSpecifications,
  isVersion: (slice: string) => boolean,
): ReadonlyMap<string, WindowContent> {
  const slices = [...new Set(panes.map((pane) => pane.slice))].sort();
  return new Map(
    slices.map((slice) => {
      const parts = panes.filter((pane) => pane.slice === slice);
      // A window's count is that of its events; a prediction is the same event seen again. Events know
      // of no version.
      const counted = isVersion(slice) ? parts : parts.filter(({ source }) => source === 'events');
      const count = counted.reduce((sum, pane) => sum + pane.count, 0);
      return [slice, { count, ...mergeColumns(parts, specifications) }];
    }),
  );
}

export function mergeColumns(
  parts: readonly { readonly columns: readonly PaneColumn[] }[],
  specifications: SetSpecifications,
): ColumnSketches {
  const columns = new Map<string, ColumnSketch[]>();
  const sets = new Map<string, SetSketch[]>();
  for (const { name, sketch } of parts.flatMap((part) => part.columns)) {
    const specification = specifications.get(name);
    if (specification === undefined) addTo(columns, name, decodeColumnSketch(sketch));
    else if (isSetSketchOf(sketch, specification)) {
      addTo(sets, name, decodeSetSketch(sketch, specification));
    }
  }
  return {
    sketches: new Map([...columns].map(([name, some]) => [name, mergeColumnSketches(some)])),
    sets: new Map([...sets].map(([name, some]) => [name, mergeSetSketches(some)])),
  };
}

function addTo<T>(lists: Map<string, T[]>, name: string, item: T): void {
  const list = lists.get(name);
  if (list === undefined) lists.set(name, [item]);
  else list.push(item);
}
