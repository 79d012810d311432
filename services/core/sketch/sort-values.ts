/**
 * Sorts the buffer of a digest: nine tenths of what an update costs.
 *
 * A radix sort on the high 32 bits of the doubles (sign, exponent and 20 bits of the mantissa; four
 * passes of 8 bits), then an insertion pass
 * that puts right what differs in the low bits only. Where that is much, as with many close values
 * far from zero, the built-in sort takes over, so no input is quadratic.
 *
 * Nanoseconds per value, buffers of 512, one core:
 *
 * |           | radix 4 × 8 | radix 3 × 11 | `Float64Array.prototype.sort` |
 * |-----------|-------------|--------------|-------------------------------|
 * | normal    | 11          | 14           | 45                            |
 * | lognormal | 11          | 14           | 47                            |
 * | uniform   | 10          | 12           | 43                            |
 */

const DIGITS = 256;
/** Moves of the insertion pass, per value, after which the built-in sort is cheaper. */
const MOVES_PER_VALUE_MAX = 16;
/** Values of one sort: a full buffer. */
export const SORT_COUNT_MAX = 1_024;

// Constants and fixed sizes let the compiler bind the arrays: it halves the time of a pass.
const histogram0 = new Uint32Array(DIGITS);
const histogram1 = new Uint32Array(DIGITS);
const histogram2 = new Uint32Array(DIGITS);
const histogram3 = new Uint32Array(DIGITS);
const front = new Float64Array(SORT_COUNT_MAX + 1);
const frontWords = new Uint32Array(front.buffer);
const back = new Float64Array(SORT_COUNT_MAX);
const backWords = new Uint32Array(back.buffer);

/**
 * The first `count` of `values`, ascending and then `Infinity`, in an array that is valid until the
 * next call and may be longer. No value may be NaN; `values` is left as it is.
 */
export function sortedValues(values: Float64Array, count: number): Float64Array {
  if (count > SORT_COUNT_MAX) throw new RangeError(`cannot sort ${count} values at a time`);
  const descents = copy(values, count);
  if (descents > 0) {
    if (descents === count - 1) front.subarray(0, count).reverse();
    else sortFront(count);
  }
  front[count] = Infinity;
  return front;
}

/** Into `front`; how often a value is less than the one before it. */
function copy(values: Float64Array, count: number): number {
  let descents = 0;
  let previous = -Infinity;
  for (let index = 0; index < count; index++) {
    const value = values[index]!;
    if (value < previous) descents++;
    front[index] = value;
    previous = value;
  }
  return descents;
}

function sortFront(count: number): void {
  countDigits(count);
  for (let index = 0; index < count; index++) {
    back[histogram0[keyOf(frontWords[2 * index + 1]!) & 255]!++] = front[index]!;
  }
  for (let index = 0; index < count; index++) {
    front[histogram1[(keyOf(backWords[2 * index + 1]!) >>> 8) & 255]!++] = back[index]!;
  }
  for (let index = 0; index < count; index++) {
    back[histogram2[(keyOf(frontWords[2 * index + 1]!) >>> 16) & 255]!++] = front[index]!;
  }
  for (let index = 0; index < count; index++) {
    front[histogram3[keyOf(backWords[2 * index + 1]!) >>> 24]!++] = back[index]!;
  }
  insertionPass(count);
}

/** The high word as an unsigned number in the order of the doubles: negative ones are reversed. */
function keyOf(word: number): number {
  return word ^ ((word >> 31) | 0x80000000);
}

/** How many keys have each digit, and from that where the first of them goes. */
function countDigits(count: number): void {
  histogram0.fill(0);
  histogram1.fill(0);
  histogram2.fill(0);
  histogram3.fill(0);
  for (let index = 0; index < count; index++) {
    const key = keyOf(frontWords[2 * index + 1]!);
    histogram0[key & 255]!++;
    histogram1[(key >>> 8) & 255]!++;
    histogram2[(key >>> 16) & 255]!++;
    histogram3[key >>> 24]!++;
  }
  toStarts(histogram0);
  toStarts(histogram1);
  toStarts(histogram2);
  toStarts(histogram3);
}

function toStarts(histogram: Uint32Array): void {
  let position = 0;
  for (let digit = 0; digit < DIGITS; digit++) {
    const size = histogram[digit]!;
    histogram[digit] = position;
    position += size;
  }
}

function insertionPass(count: number): void {
  let movesLeft = count * MOVES_PER_VALUE_MAX;
  for (let index = 1; index < count; index++) {
    const value = front[index]!;
    let at = index;
    while (at > 0 && front[at - 1]! > value) {
      front[at] = front[at - 1]!;
      at--;
    }
    front[at] = value;
    movesLeft -= index - at;
    if (movesLeft < 0) {
      front.subarray(0, count).sort();
      return;
    }
  }
}
