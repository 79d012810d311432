/**
 * How many different texts there were, in 2 048 bytes, whatever their number: a HyperLogLog.
 *
 * Flajolet et al., "HyperLogLog: the analysis of a near-optimal cardinality estimation algorithm",
 * 2007; the estimate is Ertl's, "New cardinality estimation algorithms for HyperLogLog sketches",
 * 2017, algorithm 6, which needs no table of corrections and is unbiased from the first text on.
 * Standard error 1.04 / √2048 = 2.3 %.
 *
 * The same texts give the same registers in any order, however often they come and however they were
 * divided among merged parts; nothing in the estimate differs between machines.
 */

const INDEX_BITS = 11;
/** One byte each. */
export const REGISTER_COUNT = 1 << INDEX_BITS;
/** Leading zeros of a second hash of 32 bits, plus one. */
export const REGISTER_MAX = 33;
/** Standard error of an estimate, as a share of it. */
export const CARDINALITY_ERROR = 0.023;

/** Texts joined by `add` or `join`; an empty one has nothing but zeros. */
export class HyperLogLog {
  readonly registers: Uint8Array;

  /** The registers are taken over. */
  constructor(registers: Uint8Array = new Uint8Array(REGISTER_COUNT)) {
    this.registers = registers;
  }

  add(text: string): void {
    const index = registerOf(text);
    const rank = rankOf(text);
    if (rank > this.registers[index]!) this.registers[index] = rank;
  }

  /** Whether `text` can have been added. */
  mayHave(text: string): boolean {
    return this.registers[registerOf(text)]! >= rankOf(text);
  }

  join(other: HyperLogLog): void {
    for (let index = 0; index < REGISTER_COUNT; index++) {
      const rank = other.registers[index]!;
      if (rank > this.registers[index]!) this.registers[index] = rank;
    }
  }

  estimate(): number {
    const counts = new Float64Array(REGISTER_MAX + 1);
    for (const rank of this.registers) counts[rank]!++;
    let sum = REGISTER_COUNT * tau(1 - counts[REGISTER_MAX]! / REGISTER_COUNT);
    for (let rank = REGISTER_MAX - 1; rank >= 1; rank--) sum = (sum + counts[rank]!) / 2;
    sum += REGISTER_COUNT * sigma(counts[0]! / REGISTER_COUNT);
    return REGISTER_COUNT ** 2 / (2 * Math.LN2 * sum);
  }
}

/** Σ of Ertl's (4.7): what registers that are still zero stand for. */
function sigma(share: number): number {
  if (share === 1) return Infinity;
  let power = share;
  let factor = 1;
  let sum = share;
  for (let before = -1; sum !== before; factor *= 2) {
    power *= power;
    before = sum;
    sum += power * factor;
  }
  return sum;
}

/** T of Ertl's (4.8): what registers that can rise no further stand for. */
function tau(share: number): number {
  if (share === 0 || share === 1) return 0;
  let root = share;
  let factor = 1;
  let sum = 1 - share;
  for (let before = -1; sum !== before; ) {
    root = Math.sqrt(root);
    before = sum;
    factor /= 2;
    sum -= (1 - root) ** 2 * factor;
  }
  return sum / 3;
}

function registerOf(text: string): number {
  return hash(text, 0x9747b28c) >>> (32 - INDEX_BITS);
}

function rankOf(text: string): number {
  return Math.clz32(hash(text, 0x85ebca6b)) + 1;
}

/** Murmur3, 32 bits (A. Appleby, public domain), over UTF-16 code units as 16-bit blocks. */
function hash(text: string, seed: number): number {
  let state = seed;
  for (let index = 0; index < text.length; index++) {
    let block = Math.imul(text.charCodeAt(index), 0xcc9e2d51);
    block = (block << 15) | (block >>> 17);
    state ^= Math.imul(block, 0x1b873593);
    state = (state << 13) | (state >>> 19);
    state = (Math.imul(state, 5) + 0xe6546b64) | 0;
  }
  state ^= text.length;
  state = Math.imul(state ^ (state >>> 16), 0x85ebca6b);
  state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
  return (state ^ (state >>> 16)) >>> 0;
}
