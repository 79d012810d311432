/**
 * A number from [0, 1) for an id and a salt: the same one in every process, for ever, so that a
 * restart, another machine or another language draws the same ids.
 *
 * MurmurHash3, x86, 32 bits (A. Appleby, public domain) of the id's UTF-8 bytes, twice: the high 32
 * bits with the salt's own hash (seed 0) as seed, the low 21 with its hash under a second seed. One
 * hash of 32 bits would have collisions among a million ids; two have a resolution of 2⁻⁵³.
 *
 * Two salts draw independently of each other: which ids a canary gets says nothing about the next's.
 */
import { EVENT_ID_LENGTH_MAX } from '../limits.ts';

const SECOND_SEED = 0x9747b28c;
const encoder = new TextEncoder();

/** Bytes of the id that is drawn for; an ASCII id, which most are, costs no allocation. */
let bytes = new Uint8Array(3 * EVENT_ID_LENGTH_MAX);

export interface Salt {
  readonly high: number;
  readonly low: number;
}

export function createSalt(text: string): Salt {
  const length = fill(text);
  return { high: murmur3(bytes, length, 0), low: murmur3(bytes, length, SECOND_SEED) };
}

/** In [0, 1), uniform over ids. */
export function draw(id: string, salt: Salt): number {
  const length = fill(id);
  const high = murmur3(bytes, length, salt.high);
  const low = murmur3(bytes, length, salt.low);
  return (high * 2 ** 21 + (low >>> 11)) * 2 ** -53;
}

/** An unsigned 32-bit integer. */
export function murmur3(data: Uint8Array, length: number, seed: number): number {
  let hash = seed;
  const tail = length & ~3;
  for (let i = 0; i < tail; i += 4) {
    const block = data[i]! | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24);
    hash ^= mix(block);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  if (length > tail) {
    let block = 0;
    for (let i = length - 1; i >= tail; i -= 1) block = (block << 8) | data[i]!;
    hash ^= mix(block);
  }
  hash ^= length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function mix(block: number): number {
  const product = Math.imul(block, 0xcc9e2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
}

/** Number of bytes; an unpaired surrogate becomes U+FFFD, as everywhere text becomes UTF-8. */
function fill(text: string): number {
  if (3 * text.length > bytes.length) bytes = new Uint8Array(3 * text.length);
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code >= 0x80) return encoder.encodeInto(text, bytes).written;
    bytes[i] = code;
  }
  return text.length;
}
