/**
 * At which compression a complete digest is written.
 *
 * A small one is sealed less tightly, as it takes no more space: where a centroid has a handful of
 * values, each of them is a large share of all.
 *
 * Worst error of the curve in 1e-4 at any of the values, 60 normal and uniform samples, and the most
 * centroids, at compression 200:
 *
 * | values | sealed at 200 | at 300    | as here   |
 * |--------|---------------|-----------|-----------|
 * | 300    | 65, 221       | 0, 300    | 0, 300    |
 * | 400    | 70, 227       | 49, 341   | 0, 400    |
 * | 500    | 63, 232       | 40, 339   | 40, 339   |
 * | 800    | 55, 234       | 40, 411   | 40, 411   |
 * | 1 000  | 41, 239       | 32, 431   | 41, 239   |
 * | 4 000  | 25, 217       | 16, 421   | 25, 217   |
 *
 * Nor does one with few centroids at the compression inside, as of prices or other rounded values: it
 * is sealed at that. The worst error of KS over the numeric columns of real tables, 46 000 windows of
 * 50 to 500 rows, straight and merged from parts, goes from 60 to 43 in 1e-4 by it. Continuous data
 * have more centroids and are not touched.
 */

/** Up to this many times the compression a digest is kept whole. */
const WHOLE_COUNT_FACTOR = 2;
/** Of the compression: with no more centroids at the compression inside, it is sealed at that. */
const FEW_CENTROIDS_FACTOR = 1.5;
/** Up to this many times it is sealed at `SMALL_FACTOR` times the compression. */
const SMALL_COUNT_FACTOR = 4;
const SMALL_FACTOR = 1.5;

/** For a digest of this nominal compression and count; `Infinity` where nothing is to be joined. */
export function sealedCompression(compression: number, count: number): number {
  if (count <= WHOLE_COUNT_FACTOR * compression) return Infinity;
  return count <= SMALL_COUNT_FACTOR * compression ? SMALL_FACTOR * compression : compression;
}

/** The largest finite one, which has room for what is kept whole too. */
export function sealedCompressionMax(compression: number): number {
  return SMALL_FACTOR * compression;
}

/** How many centroids may be kept as they are at the compression inside. */
export function fewCentroidsMax(compression: number): number {
  return FEW_CENTROIDS_FACTOR * compression;
}
