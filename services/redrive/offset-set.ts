/**
 * A set of offsets of one partition: a bit each, in blocks, so that what was redriven of a hundred
 * million events is at most 12.5 MB and a commit writes only the blocks it touched.
 *
 *     block = bit[32 768]      ; bit n of block b is offset b · 32 768 + n, lowest bit first,
 *                              ; zero bytes at the end left out
 */
export const OFFSET_BLOCK_BYTES = 4_096;
const BLOCK_OFFSETS = OFFSET_BLOCK_BYTES * 8;

export class OffsetSet {
  readonly #blocks: Map<number, Uint8Array>;
  readonly #changed = new Set<number>();

  /** Blocks as `takeChanged` gave them, at most `OFFSET_BLOCK_BYTES` each. */
  constructor(blocks: Iterable<readonly [number, Uint8Array]> = []) {
    this.#blocks = new Map();
    for (const [index, bytes] of blocks) {
      const block = new Uint8Array(OFFSET_BLOCK_BYTES);
      block.set(bytes);
      this.#blocks.set(index, block);
    }
  }

  has(offset: number): boolean {
    const block = this.#blocks.get(blockOf(offset));
    if (block === undefined) return false;
    const bit = offset % BLOCK_OFFSETS;
    return (block[bit >> 3]! & (1 << (bit & 7))) !== 0;
  }

  /** True where it was not in the set yet. */
  add(offset: number): boolean {
    if (this.has(offset)) return false;
    const index = blockOf(offset);
    let block = this.#blocks.get(index);
    if (block === undefined) {
      block = new Uint8Array(OFFSET_BLOCK_BYTES);
      this.#blocks.set(index, block);
    }
    const bit = offset % BLOCK_OFFSETS;
    block[bit >> 3]! |= 1 << (bit & 7);
    this.#changed.add(index);
    return true;
  }

  /** Blocks that gained an offset since the last call. */
  takeChanged(): ReadonlyMap<number, Uint8Array> {
    const changed = new Map([...this.#changed].map((index) => [index, this.#trimmed(index)]));
    this.#changed.clear();
    return changed;
  }

  /** Forgets the blocks that lie wholly before `offset`, and names them. */
  forgetBefore(offset: number): readonly number[] {
    const forgotten = [...this.#blocks.keys()].filter((index) => index < blockOf(offset));
    for (const index of forgotten) {
      this.#blocks.delete(index);
      this.#changed.delete(index);
    }
    return forgotten;
  }

  #trimmed(index: number): Uint8Array {
    const block = this.#blocks.get(index)!;
    return block.slice(0, block.findLastIndex((byte) => byte !== 0) + 1);
  }
}

function blockOf(offset: number): number {
  return Math.floor(offset / BLOCK_OFFSETS);
}
