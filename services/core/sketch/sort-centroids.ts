/**
 * Puts the centroids of a few digests into one ascending order, and those of many that join-centroids.ts
 * leaves apart.
 *
 * Two counting passes sort words of a key and an index, and an insertion pass does the rest: few
 * items are then out of place. The key is the first bits of
 *
 *     k(x) = sign(x − o) · log₂(1 + |x − o| / s),
 *
 * which is even near the middle o and logarithmic in the tails; o and s, the median and the distance
 * of the quartiles, come from the longest list, and a cheap approximation of the logarithm (the high
 * bits of a double) does. They decide how fast it is and never what comes out: the order is total
 * (mean, then pure before mixed, then weight), so it does not depend on the order the digests came
 * in. Where too much is out of place, the built-in sort takes over.
 *
 * Nanoseconds per centroid of 100 digests of 245 normal centroids, by the way they are sorted:
 *
 * |                                                               |    |
 * |---------------------------------------------------------------|----|
 * | as here: 17 bits of k(x), two passes over packed words        | 16 |
 * | the high 32 bits of the means, three passes of 11 bits        | 28 |
 * | 16 bits of k(x), one pass over the items themselves           | 31 |
 * | the lists are ascending already: merged two by two, bottom up | 46 |
 * | the same without branches                                     | 53 |
 * | the same, merged all at once by a tournament of losers        | 46 |
 */
import { type Centroids, createCentroids } from './centroids.ts';

/** Octaves of s to either side of the middle that are told apart; further ones share the last key. */
const OCTAVES = 4;
/** `OCTAVES` in high words of doubles. */
const KEY_MAX = OCTAVES * 2 ** 20;
/** Bits of a key from −KEY_MAX to KEY_MAX. */
const KEY_BITS = 23;
/** Of the index in a word: the key has what is left. */
const INDEX_BITS_MIN = 15;
/** Items the middle and the scale are taken from. */
const SAMPLED_COUNT = 31;
/** Moves of the insertion pass, per item, after which the built-in sort is cheaper. */
const MOVES_PER_ITEM_MAX = 64;

export interface Spread {
  readonly middle: number;
  readonly scale: number;
}

const scratchDouble = new Float64Array(1);
const scratchWords = new Uint32Array(scratchDouble.buffer);
/** Where lists are put together and sorted; as large as the largest merge so far. */
let together = createCentroids(0);
let sorted = createCentroids(0);
let front = new Uint32Array(0);
let back = new Uint32Array(0);
const lowDigits = new Uint32Array(512);
const highDigits = new Uint32Array(512);

/**
 * All items of `lists` in one ascending list, valid until the next call. Equal pure ones stay apart:
 * the merging pass joins them. The lists are left as they are and need not be ascending themselves.
 */
export function ascendingCentroids(lists: readonly Centroids[]): Centroids {
  const count = lists.reduce((sum, list) => sum + list.count, 0);
  if (sorted.means.length < count) {
    together = createCentroids(count);
    sorted = createCentroids(count);
    front = new Uint32Array(count);
    back = new Uint32Array(count);
  }
  sorted.count = count;
  if (count === 0) return sorted;
  sortByKey(lists, spreadOf(lists));
  if (!insertionPass(sorted)) sortByComparison(sorted);
  return sorted;
}

/** From the lists to `sorted`, in the order of the keys. */
function sortByKey(lists: readonly Centroids[], spread: Spread): void {
  const { middle, scale } = spread;
  const count = sorted.count;
  const indexBits = Math.max(INDEX_BITS_MIN, 32 - Math.clz32(count - 1));
  const indexMask = 2 ** indexBits - 1;
  const shift = KEY_BITS - (32 - indexBits);
  const lowBits = (33 - indexBits) >> 1;
  const lowMask = 2 ** lowBits - 1;
  const highShift = indexBits + lowBits;
  const origin = highWord(scale);
  const { means, weights, mixed } = together;
  const [words, spare] = [front, back];
  lowDigits.fill(0);
  highDigits.fill(0);
  let index = 0;
  for (const list of lists) {
    const { means: listMeans, weights: listWeights, mixed: listMixed, count: length } = list;
    for (let at = 0; at < length; at++, index++) {
      const mean = listMeans[at]!;
      means[index] = mean;
      weights[index] = listWeights[at]!;
      mixed[index] = listMixed[at]!;
      const distance = mean - middle;
      scratchDouble[0] = Math.abs(distance) + scale;
      const magnitude = Math.min(scratchWords[1]! - origin, KEY_MAX - 1);
      const key = ((distance < 0 ? -magnitude : magnitude) + KEY_MAX) >>> shift;
      const word = ((key << indexBits) | index) >>> 0;
      words[index] = word;
      lowDigits[key & lowMask]!++;
      highDigits[word >>> highShift]!++;
    }
  }
  toStarts(lowDigits);
  toStarts(highDigits);
  for (let index = 0; index < count; index++) {
    const word = words[index]!;
    spare[lowDigits[(word >>> indexBits) & lowMask]!++] = word;
  }
  for (let index = 0; index < count; index++) {
    const word = spare[index]!;
    words[highDigits[word >>> highShift]!++] = word;
  }
  const { means: sortedMeans, weights: sortedWeights, mixed: sortedMixed } = sorted;
  for (let at = 0; at < count; at++) {
    const index = words[at]! & indexMask;
    sortedMeans[at] = means[index]!;
    sortedWeights[at] = weights[index]!;
    sortedMixed[at] = mixed[index]!;
  }
}

/** How many have each digit becomes where the first of them goes. */
function toStarts(digits: Uint32Array): void {
  let position = 0;
  for (let digit = 0; digit < digits.length; digit++) {
    const size = digits[digit]!;
    digits[digit] = position;
    position += size;
  }
}

/** Median and distance of the quartiles, by centroids, of the longest list. */
export function spreadOf(lists: readonly Centroids[]): Spread {
  const { means, count } = lists.reduce((one, other) => (other.count > one.count ? other : one));
  const sampled = Float64Array.from(
    { length: SAMPLED_COUNT },
    (_, index) => means[Math.floor((index * count) / SAMPLED_COUNT)]!,
  ).sort();
  const middle = sampled[SAMPLED_COUNT >> 1]!;
  const scale = sampled[(3 * SAMPLED_COUNT) >> 2]! - sampled[SAMPLED_COUNT >> 2]!;
  // Mostly of one value; any positive number will do.
  return { middle, scale: scale > 0 ? scale : Math.max(Math.abs(middle), Number.MIN_VALUE) };
}

function highWord(value: number): number {
  scratchDouble[0] = value;
  return scratchWords[1]!;
}

/** Puts right what stands in one bucket; false where that is too much. */
function insertionPass(items: Centroids): boolean {
  const { means, weights, mixed, count } = items;
  let movesLeft = count * MOVES_PER_ITEM_MAX;
  let previous = means[0]!;
  for (let position = 1; position < count; position++) {
    const mean = means[position]!;
    if (previous < mean) {
      previous = mean;
      continue;
    }
    const weight = weights[position]!;
    const isMixed = mixed[position]!;
    let at = position;
    while (at > 0 && comesBefore(items, at - 1, mean, isMixed, weight)) {
      means[at] = means[at - 1]!;
      weights[at] = weights[at - 1]!;
      mixed[at] = mixed[at - 1]!;
      at--;
    }
    means[at] = mean;
    weights[at] = weight;
    mixed[at] = isMixed;
    previous = means[position]!;
    movesLeft -= position - at;
    if (movesLeft < 0) return false;
  }
  return true;
}

/** Whether an item belongs before the one at `index`. */
function comesBefore(
  { means, weights, mixed }: Centroids,
  index: number,
  mean: number,
  isMixed: number,
  weight: number,
): boolean {
  const other = means[index]!;
  if (mean !== other) return mean < other;
  if (isMixed !== mixed[index]) return isMixed < mixed[index]!;
  return isMixed === 1 && weight < weights[index]!;
}

function sortByComparison(items: Centroids): void {
  const { means, weights, mixed, count } = items;
  const copy = { means: means.slice(), weights: weights.slice(), mixed: mixed.slice() };
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  order.sort(
    (left, right) =>
      copy.means[left]! - copy.means[right]! ||
      copy.mixed[left]! - copy.mixed[right]! ||
      copy.weights[left]! - copy.weights[right]!,
  );
  for (let at = 0; at < count; at++) {
    means[at] = copy.means[order[at]!]!;
    weights[at] = copy.weights[order[at]!]!;
    mixed[at] = copy.mixed[order[at]!]!;
  }
}
