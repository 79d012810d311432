/**
 * The four compressions of Kafka, in the framings Kafka's own clients write and read: gzip; snappy in
 * blocks behind the header of xerial's SnappyOutputStream, or bare; the LZ4 frame; the Zstandard
 * frame. Nothing expands beyond `bytesMax`: what would is refused before, or while, it is expanded.
 */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { Zstd } from '@hpcc-js/wasm-zstd';
import { Decompress } from 'fzstd';
import { compressFrame, decompressFrameSync } from 'lz4-napi';
import { compress as compressSnappy, uncompressSync } from 'snappy';

export interface KafkaCodec {
  compress(bytes: Buffer): Promise<Buffer>;
  /**
   * Rejects where the bytes are not of this compression or would be more than `bytesMax`, which LZ4
   * measures in whole blocks.
   */
  decompress(bytes: Buffer, bytesMax: number): Promise<Buffer>;
}

export type KafkaCodecName = 'gzip' | 'snappy' | 'lz4' | 'zstd';

const compressGzip = promisify(gzip);
const decompressGzip = promisify(gunzip);

export const KAFKA_CODECS: Readonly<Record<KafkaCodecName, KafkaCodec>> = {
  gzip: {
    compress: (bytes) => compressGzip(bytes),
    decompress: (bytes, bytesMax) =>
      decompressGzip(bytes, { maxOutputLength: bytesMax }).catch(explainGzipLimit(bytesMax)),
  },
  snappy: { compress: compressXerial, decompress: decompressXerial },
  lz4: {
    compress: (bytes) => compressFrame(bytes),
    async decompress(bytes, bytesMax) {
      assertWithin(expandedLz4BytesMax(bytes), bytesMax);
      return decompressFrameSync(bytes);
    },
  },
  zstd: {
    compress: async (bytes) => Buffer.from((await Zstd.load()).compress(bytes)),
    decompress: decompressZstd,
  },
};

function explainGzipLimit(bytesMax: number): (error: Error & { readonly code?: string }) => never {
  return (error) => {
    if (error.code === 'ERR_BUFFER_TOO_LARGE') assertWithin(Number.POSITIVE_INFINITY, bytesMax);
    throw error;
  };
}

/**
 * magic (8 bytes: 0x82 "SNAPPY" 0x00), version int32, oldest compatible version int32, then until the
 * end: length int32, that many bytes of one snappy block.
 */
const XERIAL_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER = Buffer.concat([XERIAL_MAGIC, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])]);
const XERIAL_BLOCK_BYTES = 32 * 1_024;

async function compressXerial(bytes: Buffer): Promise<Buffer> {
  const parts: Buffer[] = [XERIAL_HEADER];
  for (let at = 0; at < bytes.length; at += XERIAL_BLOCK_BYTES) {
    const block = await compressSnappy(bytes.subarray(at, at + XERIAL_BLOCK_BYTES));
    const length = Buffer.alloc(4);
    length.writeInt32BE(block.length);
    parts.push(length, block);
  }
  return Buffer.concat(parts);
}

async function decompressXerial(bytes: Buffer, bytesMax: number): Promise<Buffer> {
  if (!bytes.subarray(0, XERIAL_MAGIC.length).equals(XERIAL_MAGIC)) {
    assertWithin(expandedSnappyBytes(bytes), bytesMax);
    return expandSnappy(bytes);
  }
  const parts: Buffer[] = [];
  let expanded = 0;
  for (let at = XERIAL_HEADER.length; at < bytes.length; ) {
    const block = bytes.subarray(at + 4, at + 4 + bytes.readInt32BE(at));
    expanded += expandedSnappyBytes(block);
    assertWithin(expanded, bytesMax);
    parts.push(expandSnappy(block));
    at += 4 + block.length;
  }
  return Buffer.concat(parts);
}

function expandSnappy(block: Buffer): Buffer {
  const expanded = uncompressSync(block);
  return typeof expanded === 'string' ? Buffer.from(expanded) : expanded;
}

/** A snappy block begins with the length of its content, seven bits per byte, the low ones first. */
function expandedSnappyBytes(block: Buffer): number {
  let bytes = 0;
  for (let index = 0; index < 5; index += 1) {
    const byte = block[index];
    if (byte === undefined) break;
    bytes += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return bytes;
  }
  throw new Error('a snappy block without a length');
}

const LZ4_MAGIC = 0x184d2204;
const LZ4_UNCOMPRESSED = 0x8000_0000;
/** A byte of an LZ4 block stands for at most this many. */
const LZ4_RATIO_MAX = 255;
const FLAG_BLOCK_CHECKSUM = 0x10;
const FLAG_CONTENT_SIZE = 0x08;
const FLAG_DICTIONARY = 0x01;

/**
 * The most an LZ4 frame can expand to, from the sizes of its blocks alone.
 *
 * magic uint32, flags, block descriptor, [content size 8], [dictionary 4], header checksum, then
 * blocks: size uint32 (highest bit: not compressed), that many bytes, [checksum 4]; size 0 ends it.
 */
function expandedLz4BytesMax(frame: Buffer): number {
  if (frame.length < 7 || frame.readUInt32LE(0) !== LZ4_MAGIC) throw new Error('not an LZ4 frame');
  const flags = frame[4]!;
  const blockBytesMax = 2 ** (8 + 2 * ((frame[5]! >> 4) & 7));
  let at = 7 + (flags & FLAG_CONTENT_SIZE ? 8 : 0) + (flags & FLAG_DICTIONARY ? 4 : 0);
  let bytes = 0;
  while (at + 4 <= frame.length) {
    const size = frame.readUInt32LE(at);
    if (size === 0) break;
    const stored = size % LZ4_UNCOMPRESSED;
    bytes += size >= LZ4_UNCOMPRESSED ? stored : Math.min(blockBytesMax, LZ4_RATIO_MAX * stored);
    at += 4 + stored + (flags & FLAG_BLOCK_CHECKSUM ? 4 : 0);
  }
  return bytes;
}

/** Piece by piece: a frame written as a stream, as Kafka's own are, does not say how long it is. */
async function decompressZstd(bytes: Buffer, bytesMax: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let expanded = 0;
  const stream = new Decompress((part) => {
    expanded += part.length;
    assertWithin(expanded, bytesMax);
    parts.push(part.slice());
  });
  stream.push(bytes, true);
  return Buffer.concat(parts);
}

function assertWithin(bytes: number, bytesMax: number): void {
  if (bytes > bytesMax) throw new Error(`it expands to more than ${bytesMax} bytes`);
}
