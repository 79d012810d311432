/**
 * Avro object container files, block by block.
 *
 *     file   = "Obj" 0x01 metadata sync block*
 *     metadata = map of bytes: avro.schema (JSON), avro.codec (absent: null)
 *     block  = count:long size:long data[size] sync
 *     sync   = 16 bytes, the same after the header and after every block
 *
 * Apache Avro 1.12 specification, "Object Container Files". A block is held in memory as a whole, so
 * its size is bounded; what does not fit the grammar throws an `Error` that says what was expected.
 */
import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { decompressSnappy, decompressZstd } from 'hyparquet-compressors';
import { SCHEMA_BYTES_MAX } from '../../core/limits.ts';

const MAGIC = Buffer.from('Obj\x01', 'latin1');
const SYNC_BYTES = 16;
/** Two longs of at most ten bytes each. */
const BLOCK_HEAD_BYTES = 20;
/** Writers cut at 16 kB to a few MB. */
const BLOCK_BYTES_MAX = 64 * 1_048_576;
const BLOCK_BYTES_INFLATED_MAX = 4 * BLOCK_BYTES_MAX;
const HEADER_BYTES_MAX = 2 * SCHEMA_BYTES_MAX;

const inflate = promisify(inflateRaw) as (
  data: Uint8Array,
  options: { maxOutputLength: number },
) => Promise<Buffer>;

type Decompress = (data: Buffer) => Promise<Uint8Array> | Uint8Array;

const CODECS: Readonly<Record<string, Decompress>> = {
  null: (data) => data,
  deflate: (data) => inflate(data, { maxOutputLength: BLOCK_BYTES_INFLATED_MAX }),
  // The last four bytes are a CRC-32 of the content; the sync marker already catches a torn file.
  snappy: (data) => {
    const compressed = data.subarray(0, -4);
    const { value } = readLength(compressed);
    if (value > BLOCK_BYTES_INFLATED_MAX) throw new Error(`a block expands to ${value} bytes`);
    return decompressSnappy(compressed, value);
  },
  zstandard: (data) => decompressZstd(data),
};

export interface ContainerHeader {
  readonly schema: unknown;
  readonly decompress: Decompress;
  readonly sync: Buffer;
  /** Where the first block begins. */
  readonly position: number;
}

export interface ContainerBlock {
  readonly count: number;
  readonly data: Buffer;
  /** Where the next block begins. */
  readonly position: number;
}

export async function readContainerHeader(file: FileHandle): Promise<ContainerHeader> {
  for (let bytes = 65_536; ; bytes *= 4) {
    const head = await readAt(file, 0, Math.min(bytes, HEADER_BYTES_MAX));
    if (!head.subarray(0, MAGIC.length).equals(MAGIC)) {
      throw new Error('is not an Avro object container file (it does not begin with Obj 01)');
    }
    const cursor = new Cursor(head, MAGIC.length);
    const header = cursor.attempt(() => parseHeader(cursor));
    if (header !== null) return header;
    if (head.length < bytes) throw new Error('ends inside the header');
  }
}

/** `null` at the end of the file. */
export async function readContainerBlock(
  file: FileHandle,
  header: ContainerHeader,
  position: number,
): Promise<ContainerBlock | null> {
  const head = await readAt(file, position, BLOCK_HEAD_BYTES);
  if (head.length === 0) return null;
  const cursor = new Cursor(head, 0);
  const count = cursor.attempt(() => cursor.long());
  const size = cursor.attempt(() => cursor.long());
  if (count === null || size === null) throw new Error(`ends inside the block at byte ${position}`);
  if (count < 0 || size < 0 || size > BLOCK_BYTES_MAX) {
    throw new Error(
      `the block at byte ${position} claims ${count} records in ${size} bytes, expected at most ${BLOCK_BYTES_MAX} bytes`,
    );
  }
  const body = await readAt(file, position + cursor.offset, size + SYNC_BYTES);
  if (body.length < size + SYNC_BYTES) throw new Error(`ends inside the block at byte ${position}`);
  if (!body.subarray(size).equals(header.sync)) {
    throw new Error(`the block at byte ${position} does not end with the file's sync marker`);
  }
  const data = Buffer.from(await header.decompress(body.subarray(0, size)));
  return { count, data, position: position + cursor.offset + size + SYNC_BYTES };
}

function parseHeader(cursor: Cursor): ContainerHeader {
  const metadata = new Map<string, string>();
  for (let count = cursor.long(); count !== 0; count = cursor.long()) {
    // A negative count is followed by the size of the map's block in bytes.
    if (count < 0) cursor.long();
    for (let item = Math.abs(count); item > 0; item -= 1) {
      const key = cursor.bytes().toString('utf8');
      metadata.set(key, cursor.bytes().toString('utf8'));
    }
  }
  const sync = cursor.take(SYNC_BYTES);
  const codec = metadata.get('avro.codec') ?? 'null';
  const decompress = Object.hasOwn(CODECS, codec) ? CODECS[codec] : undefined;
  if (decompress === undefined) {
    const known = Object.keys(CODECS).join(', ');
    throw new Error(`is compressed with ${JSON.stringify(codec)}, expected one of ${known}`);
  }
  const schemaText = metadata.get('avro.schema');
  if (schemaText === undefined) throw new Error('has no schema (avro.schema) in its header');
  return { schema: JSON.parse(schemaText), decompress, sync, position: cursor.offset };
}

class OutOfBytes extends Error {}

class Cursor {
  readonly #buffer: Buffer;
  offset: number;

  constructor(buffer: Buffer, offset: number) {
    this.#buffer = buffer;
    this.offset = offset;
  }

  /** What `read` gives, `null` where the bytes end too early. */
  attempt<T>(read: () => T): T | null {
    try {
      return read();
    } catch (error) {
      if (error instanceof OutOfBytes) return null;
      throw error;
    }
  }

  take(length: number): Buffer {
    if (length < 0) throw new Error('has a negative length in its header');
    if (this.offset + length > this.#buffer.length) throw new OutOfBytes();
    this.offset += length;
    return this.#buffer.subarray(this.offset - length, this.offset);
  }

  bytes(): Buffer {
    return this.take(this.long());
  }

  /** Zigzag, seven bits a byte; exact up to 2^53. */
  long(): number {
    const { value, length } = readLength(this.#buffer.subarray(this.offset));
    this.offset += length;
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}

/** An unsigned number in groups of seven bits, least significant first. */
function readLength(bytes: Buffer): { readonly value: number; readonly length: number } {
  let value = 0;
  for (let length = 0; length < 10; length += 1) {
    const byte = bytes[length];
    if (byte === undefined) throw new OutOfBytes();
    value += (byte & 0x7f) * 2 ** (7 * length);
    if (byte < 0x80) return { value, length: length + 1 };
  }
  throw new Error('has a number of more than ten bytes');
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return buffer.subarray(0, filled);
}
