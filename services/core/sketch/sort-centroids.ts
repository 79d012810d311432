/**
 * Puts the centroids of many digests into one ascending order, for merging them all at once.
 *
 * The same idea as `sort-values.ts`, but an order is sorted instead of the values, in three passes of
 * 11 bits, since there are thousands. The order is total (mean, then pure before mixed, then weight),
 * so it does not depend on the order the digests came in.
 */
import { type Centroids, createCentroids } from './centroids.ts';

const DIGIT_BITS = 11;
const DIGITS = 1 << DIGIT_BITS;
const DIGIT_MASK = DIGITS - 1;
/** Moves of the insertion pass, per item, after which the built-in sort is cheaper. */
const MOVES_PER_ITEM_MAX = 64;

/** A new list of the same items in ascending order, equal pure ones joined. */
export function ascendingCentroids(items: Centroids): Centroids {
  const order = orderByKey(items);
  const output = inOrder(items, order);
  if (!insertionPass(output)) {
    order.sort((left, right) => compareCentroids(items, left, right));
    joinEqual(inOrder(items, order, output));
  } else joinEqual(output);
  return output;
}

/** Order by the high 32 bits of the means. */
function orderByKey(items: Centroids): Uint32Array {
  const count = items.count;
  const words = new Uint32Array(items.means.buffer, items.means.byteOffset, 2 * count);
  const keys = new Uint32Array(count);
  const starts = new Uint32Array(3 * DIGITS);
  for (let index = 0; index < count; index++) {
    const word = words[2 * index + 1]!;
    const key = word ^ ((word >> 31) | 0x80000000);
    keys[index] = key;
    starts[key & DIGIT_MASK]!++;
    starts[DIGITS + ((key >>> DIGIT_BITS) & DIGIT_MASK)]!++;
    starts[2 * DIGITS + (key >>> (2 * DIGIT_BITS))]!++;
  }
  for (let pass = 0; pass < 3; pass++) {
    let position = 0;
    for (let digit = pass * DIGITS; digit < (pass + 1) * DIGITS; digit++) {
      const size = starts[digit]!;
      starts[digit] = position;
      position += size;
    }
  }
  const order = new Uint32Array(count);
  const spare = new Uint32Array(count);
  for (let index = 0; index < count; index++) order[starts[keys[index]! & DIGIT_MASK]!++] = index;
  for (let at = 0; at < count; at++) {
    const index = order[at]!;
    spare[starts[DIGITS + ((keys[index]! >>> DIGIT_BITS) & DIGIT_MASK)]!++] = index;
  }
  for (let at = 0; at < count; at++) {
    const index = spare[at]!;
    order[starts[2 * DIGITS + (keys[index]! >>> (2 * DIGIT_BITS))]!++] = index;
  }
  return order;
}

function inOrder(
  items: Centroids,
  order: Uint32Array,
  output: Centroids = createCentroids(order.length),
): Centroids {
  const { means, weights, mixed } = items;
  for (let at = 0; at < order.length; at++) {
    const index = order[at]!;
    output.means[at] = means[index]!;
    output.weights[at] = weights[index]!;
    output.mixed[at] = mixed[index]!;
  }
  output.count = order.length;
  return output;
}

/** Puts right what the high bits could not tell apart; false where that is too much. */
function insertionPass(items: Centroids): boolean {
  const { means, count } = items;
  let movesLeft = count * MOVES_PER_ITEM_MAX;
  for (let position = 1; position < count; position++) {
    if (means[position - 1]! < means[position]!) continue;
    for (let at = position; at > 0 && compareCentroids(items, at - 1, at) > 0; at--) {
      exchange(items, at - 1, at);
      movesLeft--;
    }
    if (movesLeft < 0) return false;
  }
  return true;
}

function exchange({ means, weights, mixed }: Centroids, left: number, right: number): void {
  const mean = means[left]!;
  const weight = weights[left]!;
  const isMixed = mixed[left]!;
  means[left] = means[right]!;
  weights[left] = weights[right]!;
  mixed[left] = mixed[right]!;
  means[right] = mean;
  weights[right] = weight;
  mixed[right] = isMixed;
}

/** Joins pure items of one mean, in place. */
function joinEqual(items: Centroids): void {
  const { means, weights, mixed, count } = items;
  let last = 0;
  for (let index = 1; index < count; index++) {
    if (means[index] === means[last] && mixed[index] === 0 && mixed[last] === 0) {
      weights[last]! += weights[index]!;
      continue;
    }
    last++;
    means[last] = means[index]!;
    weights[last] = weights[index]!;
    mixed[last] = mixed[index]!;
  }
  items.count = Math.min(count, last + 1);
}

function compareCentroids(items: Centroids, left: number, right: number): number {
  const { means, weights, mixed } = items;
  if (means[left] !== means[right]) return means[left]! < means[right]! ? -1 : 1;
  return mixed[left]! - mixed[right]! || (mixed[left] === 1 ? weights[left]! - weights[right]! : 0);
}
