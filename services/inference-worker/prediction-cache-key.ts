/**
 * The key of a row in the prediction cache: SHA-256 over the model file's digest and the row's input
 * cells in the model's order, each with a tag of its kind:
 *
 *     key    = SHA-256(digest cell*)           as 32 characters, one for each byte
 *     cell   = 0x00                            missing
 *            | 0x01 float64                    little-endian; every NaN the same one
 *            | 0x02 length text                length = 4 bytes, little-endian; text = UTF-16
 *
 * Rows that a model could tell apart have different keys. That includes 0 and −0, which are equal and
 * are not the same to a model that divides.
 */
import { hash } from 'node:crypto';
import type { Cells } from './model-batch.ts';

const CELL_BYTES = 9;
const TEXT_HEADER_BYTES = 5;

/** The rows' cells must have passed the model's own check. */
export type RowKey = (cells: Cells) => string;

export function createRowKey(digest: string, cellIndices: readonly number[]): RowKey {
  const digestBytes = Buffer.from(digest, 'utf8');
  let bytes = Buffer.alloc(0);
  let view = new DataView(bytes.buffer);

  function reserve(length: number): void {
    const grown = Buffer.alloc(length);
    digestBytes.copy(grown);
    bytes.copy(grown);
    bytes = grown;
    view = new DataView(grown.buffer, grown.byteOffset, grown.byteLength);
  }
  reserve(digestBytes.length + cellIndices.length * CELL_BYTES);

  return (cells) => {
    let at = digestBytes.length;
    for (let i = 0; i < cellIndices.length; i++) {
      const cell = cells[cellIndices[i]!] ?? null;
      if (cell === null) {
        bytes[at] = 0;
        at += 1;
      } else if (typeof cell === 'number') {
        if (at + CELL_BYTES > bytes.length) reserve(2 * bytes.length + CELL_BYTES);
        bytes[at] = 1;
        view.setFloat64(at + 1, Number.isNaN(cell) ? Number.NaN : cell, true);
        at += CELL_BYTES;
      } else {
        const length = 2 * cell.length;
        const needed = at + TEXT_HEADER_BYTES + length + CELL_BYTES;
        if (needed > bytes.length) reserve(bytes.length + needed);
        bytes[at] = 2;
        view.setUint32(at + 1, length, true);
        bytes.write(cell, at + TEXT_HEADER_BYTES, 'utf16le');
        at += TEXT_HEADER_BYTES + length;
      }
    }
    return hash('sha256', bytes.subarray(0, at), 'binary');
  };
}
