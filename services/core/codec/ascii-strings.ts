/**
 * Short ASCII strings straight from bytes, without a call into the engine's decoder.
 *
 * A category column says the same few words again and again: a direct-mapped table keyed by a hash of
 * the bytes gives back the very string of last time (and one whose hash is already known to every map
 * downstream). A collision only costs the making of a string.
 */
const LENGTH_MAX = 24;
const SLOTS = 1_024;

export class AsciiStrings {
  readonly #slots: string[] = new Array<string>(SLOTS).fill('');

  /** `null` for text that is long or not ASCII: decode it another way. The range must lie in `bytes`. */
  find(bytes: Uint8Array, start: number, byteLength: number): string | null {
    if (byteLength > LENGTH_MAX) return null;
    const end = start + byteLength;
    let hash = byteLength;
    let union = 0;
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!;
      union |= byte;
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    if (union >= 0x80) return null;
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    const candidate = this.#slots[slot]!;
    if (candidate.length === byteLength && matches(candidate, bytes, start)) return candidate;
    const text = makeString(bytes, start, byteLength);
    this.#slots[slot] = text;
    return text;
  }
}

function matches(text: string, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) !== bytes[start + i]) return false;
  }
  return true;
}

/** One array per length: making a string from it allocates nothing else. */
const CODES: readonly number[][] = Array.from({ length: LENGTH_MAX + 1 }, (_, length) =>
  new Array<number>(length).fill(0),
);

function makeString(bytes: Uint8Array, start: number, byteLength: number): string {
  const codes = CODES[byteLength]!;
  for (let i = 0; i < byteLength; i++) codes[i] = bytes[start + i]!;
  return String.fromCharCode.apply(null, codes);
}
