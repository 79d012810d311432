/**
 * Puts the centroids of many digests into one ascending list, and joins on the way what lies so close
 * together that the merging pass would join it anyway: little is left to sort and to pass.
 *
 * The line is cut into cells, several for each centroid that will come out. A cell takes up the
 * weights of the mixed items in it and their distances from the middle, in any order, and becomes one
 * mixed centroid. Pure items are steps or extremes and stay apart; so do the items of a cell that is
 * heavier than the scale function allows a centroid to be there. What is apart is sorted and goes
 * between the cells. So the order of the cells is exact, and only where a centroid ends is decided in
 * steps of a cell.
 *
 * Where the cells are cut depends on where the values are. The line is drawn together to a finite one
 * by x ↦ d / (|d| + s), d = x − o, with o and s of `spreadOf`, divided into stretches of the same
 * length, and every stretch into as many cells as its share of a sample of the items: they are about
 * evenly spread over the scale function.
 *
 * A sum of doubles depends on the order of its terms, so the lists are first put into an order by
 * their content: the result does not depend on the order the digests came in.
 *
 * Microseconds of merging and sealing 100 digests of 10 000 values, 24 500 centroids, best of many:
 *
 * |                                                                        | normal | uniform |
 * |------------------------------------------------------------------------|--------|---------|
 * | as here                                                                | 183    | 317     |
 * | everything sorted, see sort-centroids.ts                               | 511    | 639     |
 * | pure items in the cells too, and the cell of every item kept           | 263    | 344     |
 * | that, with 4 096 cells and all stretches alike                         | 316    | 729     |
 * | 6 cells a unit, places as doubles                                      | 230    | 367     |
 *
 * Of the first, taking up the items is about 110, the order of the lists 10, what is apart 10 and the
 * merging pass 12. Normal and lognormal samples hardly ever have a heavy cell, uniform ones have them
 * at both ends.
 */
import { type Centroids, createCentroids } from './centroids.ts';
import { scaleFactor, weightSquaredMax } from './scale-function.ts';
import { ascendingCentroids, spreadOf } from './sort-centroids.ts';

const STRETCH_COUNT = 128;
/** Of a place on the line: what is below is the place in a stretch. */
const STRETCH_SHIFT = 16;
const PLACE_MASK = 2 ** STRETCH_SHIFT - 1;
const PLACE_MIDDLE = (STRETCH_COUNT / 2) * 2 ** STRETCH_SHIFT;
/** One stretch at each end is left for rounding. */
const PLACE_REACH = PLACE_MIDDLE - 2 ** STRETCH_SHIFT;
/** Cells for one unit of compression, beside those that every stretch has. */
const CELLS_PER_UNIT = 4;
const CELLS_PER_STRETCH_MIN = 3;
/** At the largest compression inside a digest, 2 000. */
const CELL_COUNT_MAX = 2 ** 14;
/** Items there must be, for each cell, to gain by it. */
const ITEMS_PER_CELL_MIN = 2;
/** Items that decide into how many cells each stretch is cut. */
const SAMPLED_COUNT = 1_024;
/** Where in each list the sample begins is spread evenly by multiples of it. */
const GOLDEN_RATIO = 0.618;

interface Grid {
  readonly middle: number;
  readonly scale: number;
  readonly cellCount: number;
}

/** Of each stretch: its first cell, and how many it has. */
const stretches = {
  starts: new Int32Array(STRETCH_COUNT),
  sizes: new Int32Array(STRETCH_COUNT),
};
/** Of each cell: weight of its mixed items, Σ (mean − middle) · weight, and weight of its pure items. */
const cells = {
  weights: new Float64Array(CELL_COUNT_MAX),
  distances: new Float64Array(CELL_COUNT_MAX),
  pureWeights: new Float64Array(CELL_COUNT_MAX),
  heavy: new Uint8Array(CELL_COUNT_MAX),
};
/** What is not joined, and the result; as large as the largest merge so far. */
let apart = createCentroids(0);
let joined = createCentroids(0);

/**
 * All items of `lists` in one ascending list for a merging pass with these options, valid until the
 * next call; `width` is the distance of the smallest value from the largest. The lists are left as
 * they are, and those of pure items only need not be ascending.
 */
export function joinedCentroids(
  lists: readonly Centroids[],
  options: { readonly total: number; readonly compression: number; readonly width: number },
): Centroids {
  const { total, compression, width } = options;
  const itemCount = lists.reduce((sum, list) => sum + list.count, 0);
  const cellCount = CELLS_PER_UNIT * compression;
  // The second is for values so far apart that sums of distances would overflow.
  if (itemCount < ITEMS_PER_CELL_MIN * cellCount || !(2 * width * total < Infinity)) {
    return ascendingCentroids(lists);
  }
  const ordered = [...lists].sort(byContent);
  const grid = cut(ordered, { itemCount, cellCount, width });
  if (grid === null) return ascendingCentroids(lists);
  if (apart.means.length < itemCount) {
    apart = createCentroids(itemCount);
    joined = createCentroids(itemCount);
  }
  apart.count = fillCells(ordered, grid);
  if (findHeavy(grid, total, scaleFactor(compression))) emptyHeavy(ordered, grid);
  gather(grid, mixedRange(ordered), ascendingCentroids([apart]));
  return joined;
}

/** The stretches; `null` where most is pure, and little could be joined. */
function cut(
  lists: readonly Centroids[],
  options: { readonly itemCount: number; readonly cellCount: number; readonly width: number },
): Grid | null {
  const { middle, scale: quartileDistance } = spreadOf(lists);
  const scale = Math.min(quartileDistance, options.width);
  const { sizes, starts } = stretches;
  sizes.fill(0);
  const step = Math.max(1, Math.floor(options.itemCount / SAMPLED_COUNT));
  let sampledCount = 0;
  let mixedCount = 0;
  let phase = 0;
  for (const { means, mixed, count } of lists) {
    phase = (phase + GOLDEN_RATIO) % 1;
    for (let index = Math.floor(phase * step); index < count; index += step) {
      sizes[placeOf(means[index]! - middle, scale) >> STRETCH_SHIFT]!++;
      sampledCount++;
      mixedCount += mixed[index]!;
    }
  }
  if (2 * mixedCount < sampledCount) return null;
  let start = 0;
  for (let stretch = 0; stretch < STRETCH_COUNT; stretch++) {
    const size =
      CELLS_PER_STRETCH_MIN + Math.floor((sizes[stretch]! * options.cellCount) / sampledCount);
    sizes[stretch] = size;
    starts[stretch] = start;
    start += size;
  }
  return { middle, scale, cellCount: start };
}

/** Where a distance from the middle lies on the line that is drawn together. */
function placeOf(distance: number, scale: number): number {
  return ((distance / (Math.abs(distance) + scale)) * PLACE_REACH + PLACE_MIDDLE) | 0;
}

/** Mixed items go to the cells, pure ones to `apart`: how many. */
function fillCells(lists: readonly Centroids[], { middle, scale, cellCount }: Grid): number {
  // Locals, because a loop that was entered before it was compiled reads all others every time.
  const { sizes, starts } = stretches;
  const { weights: cellWeights, distances, pureWeights } = cells;
  const { means: apartMeans, weights: apartWeights, mixed: apartMixed } = apart;
  cellWeights.fill(0, 0, cellCount);
  distances.fill(0, 0, cellCount);
  pureWeights.fill(0, 0, cellCount);
  let pureCount = 0;
  for (const { means, weights, mixed, count } of lists) {
    for (let index = 0; index < count; index++) {
      const mean = means[index]!;
      const weight = weights[index]!;
      const distance = mean - middle;
      const place = placeOf(distance, scale);
      const stretch = place >> STRETCH_SHIFT;
      const cell = starts[stretch]! + (((place & PLACE_MASK) * sizes[stretch]!) >> STRETCH_SHIFT);
      if (mixed[index] === 1) {
        cellWeights[cell]! += weight;
        distances[cell]! += weight * distance;
      } else {
        pureWeights[cell]! += weight;
        apartMeans[pureCount] = mean;
        apartWeights[pureCount] = weight;
        apartMixed[pureCount++] = 0;
      }
    }
  }
  return pureCount;
}

/** Marks the cells that are too heavy for one centroid; whether there are any. */
function findHeavy({ cellCount }: Grid, total: number, factor: number): boolean {
  const { weights, pureWeights, heavy } = cells;
  let found = false;
  let before = 0;
  for (let cell = 0; cell < cellCount; cell++) {
    const weight = weights[cell]!;
    const after = before + weight + pureWeights[cell]!;
    const limitSquared = Math.min(
      weightSquaredMax(factor, before, total),
      weightSquaredMax(factor, after, total),
    );
    const isHeavy = weight * weight > limitSquared;
    heavy[cell] = isHeavy ? 1 : 0;
    found ||= isHeavy;
    before = after;
  }
  return found;
}

/** What is in the heavy cells goes to `apart` too. */
function emptyHeavy(lists: readonly Centroids[], { middle, scale }: Grid): void {
  const { sizes, starts } = stretches;
  const { weights: cellWeights, heavy } = cells;
  for (const { means, weights, mixed, count } of lists) {
    for (let index = 0; index < count; index++) {
      const place = placeOf(means[index]! - middle, scale);
      const stretch = place >> STRETCH_SHIFT;
      const cell = starts[stretch]! + (((place & PLACE_MASK) * sizes[stretch]!) >> STRETCH_SHIFT);
      if (heavy[cell] === 0 || mixed[index] === 0) continue;
      append(apart, means[index]!, weights[index]!, 1);
      cellWeights[cell] = 0;
    }
  }
}

/** The smallest and the largest mixed item. */
function mixedRange(lists: readonly Centroids[]): {
  readonly first: number;
  readonly last: number;
} {
  let first = Infinity;
  let last = -Infinity;
  for (const { means, mixed, count } of lists) {
    let low = 0;
    while (low < count && mixed[low] === 0) low++;
    if (low === count) continue;
    let high = count - 1;
    while (mixed[high] === 0) high--;
    first = Math.min(first, means[low]!);
    last = Math.max(last, means[high]!);
  }
  return { first, last };
}

/** Cells, and between them what is apart, into `joined`. */
function gather(
  { middle, cellCount }: Grid,
  { first, last }: { readonly first: number; readonly last: number },
  sorted: Centroids,
): void {
  const { weights, distances } = cells;
  const { means: sortedMeans, weights: sortedWeights, mixed: sortedMixed, count } = sorted;
  joined.count = 0;
  let next = 0;
  let previous = first;
  for (let cell = 0; cell < cellCount; cell++) {
    const weight = weights[cell]!;
    if (weight === 0) continue;
    // Rounding must not put it before the cell before, nor past the extremes, which are pure.
    const mean = Math.min(Math.max(middle + distances[cell]! / weight, previous), last);
    for (; next < count && sortedMeans[next]! <= mean; next++) {
      append(joined, sortedMeans[next]!, sortedWeights[next]!, sortedMixed[next]!);
    }
    append(joined, mean, weight, 1);
    previous = mean;
  }
  for (; next < count; next++) {
    append(joined, sortedMeans[next]!, sortedWeights[next]!, sortedMixed[next]!);
  }
}

function append(items: Centroids, mean: number, weight: number, mixed: number): void {
  const { means, weights, mixed: mixedBits, count } = items;
  means[count] = mean;
  weights[count] = weight;
  mixedBits[count] = mixed;
  items.count = count + 1;
}

/** Any total order will do, as long as only equal lists are equal in it. */
function byContent(one: Centroids, other: Centroids): number {
  if (one.count !== other.count) return one.count - other.count;
  for (let index = 0; index < one.count; index++) {
    const difference =
      one.means[index]! - other.means[index]! ||
      one.weights[index]! - other.weights[index]! ||
      one.mixed[index]! - other.mixed[index]!;
    if (difference !== 0) return difference;
  }
  return 0;
}
