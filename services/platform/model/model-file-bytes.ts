/**
 * A model file as it is run: without ZipMap, in memory that threads share, and with the digest of the
 * file. Read in pieces, so that a large one does not hold the thread that reads it.
 */
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { findExternalWeights } from './external-weights.ts';
import { messageOf, refuseModel } from './model-error.ts';
import { stripZipMap } from './strip-zip-map.ts';

/** Copying and hashing so much takes about a millisecond. */
const PIECE_BYTES = 1_048_576;

export interface ModelFileBytes {
  /** Without ZipMap. */
  readonly model: Uint8Array<SharedArrayBuffer>;
  /** SHA-256 of the file, hex. */
  readonly digest: string;
}

function sharedBytes(byteCount: number): Uint8Array<SharedArrayBuffer> {
  return new Uint8Array(new SharedArrayBuffer(byteCount));
}

async function readShared(file: string) {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    const bytes = sharedBytes(size);
    const hash = createHash('sha256');
    const piece = new Uint8Array(Math.min(size, PIECE_BYTES));
    let byteCount = 0;
    while (byteCount < size) {
      const { bytesRead } = await handle.read(piece, 0, Math.min(piece.length, size - byteCount));
      if (bytesRead === 0) break;
      const read = piece.subarray(0, bytesRead);
      hash.update(read);
      bytes.set(read, byteCount);
      byteCount += bytesRead;
    }
    return { bytes: bytes.subarray(0, byteCount), digest: hash.digest('hex') };
  } finally {
    await handle.close();
  }
}

/** Rejects with `configuration.model` where it cannot be read, is no ONNX file or keeps its weights elsewhere. */
export async function readModelFile(file: string): Promise<ModelFileBytes> {
  const { bytes, digest } = await readShared(file).catch((error: unknown) => {
    throw refuseModel(file, `it cannot be read: ${messageOf(error)}`, error);
  });
  let weights: string | null;
  try {
    weights = findExternalWeights(bytes);
    if (weights === null) return { model: shared(stripZipMap(bytes)), digest };
  } catch (error) {
    throw refuseModel(file, `it is not an ONNX file: ${messageOf(error)}`, error);
  }
  const says = `weights lie in another file, ${JSON.stringify(weights)}; export it as one file`;
  throw refuseModel(file, says);
}

function shared(bytes: Uint8Array): Uint8Array<SharedArrayBuffer> {
  if (bytes.buffer instanceof SharedArrayBuffer) return bytes as Uint8Array<SharedArrayBuffer>;
  const copy = sharedBytes(bytes.length);
  copy.set(bytes);
  return copy;
}
