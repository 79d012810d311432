/**
 * How far the reference strays from itself: the largest distance between any stretch of it, of about a
 * window's length, and the whole.
 */
import { DISTANCES, USUAL_DISTANCES } from '../core/distance/distances.ts';
import type { ColumnType } from '../core/monitor/monitor.ts';
import { type ColumnSketch, mergeColumnSketches } from '../core/sketch/column-sketch.ts';

export interface StretchOptions {
  readonly whole: ColumnSketch;
  /** Consecutive stretches in the order of the data, all of `blockRows` rows. */
  readonly blocks: readonly ColumnSketch[];
  readonly blockRows: number;
  /** Rows of the shortest and of the longest window that is judged. */
  readonly rowsMin: number;
  readonly rowsMax: number;
}

/** `null` where the blocks are too long to say, or none of them has a value. */
export function largestStretchDistance(options: StretchOptions): number | null {
  const { whole, blocks, blockRows } = options;
  const longest = Math.min(blocks.length, Math.round(options.rowsMax / blockRows));
  if (longest < 1) return null;
  const shortest = Math.min(longest, Math.max(1, Math.ceil(options.rowsMin / blockRows)));
  let largest: number | null = null;
  for (let length = shortest; ; length = Math.min(longest, 2 * length)) {
    for (let start = 0; start + length <= blocks.length; start += 1) {
      const stretch = mergeColumnSketches(blocks.slice(start, start + length));
      if (stretch.count === 0) continue;
      largest = Math.max(largest ?? 0, distanceOf(whole, stretch));
    }
    if (length === longest) return largest;
  }
}

function distanceOf(whole: ColumnSketch, stretch: ColumnSketch): number {
  const type: ColumnType = whole.kind;
  return DISTANCES[USUAL_DISTANCES[type]].compute(whole, stretch);
}
