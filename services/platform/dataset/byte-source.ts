/**
 * A file's bytes in order, gunzipped where it is gzipped, with a count of what was read from disk.
 *
 * Errors of the file system and of gzip come out of the iteration as `configuration.invalid`.
 */
import { createReadStream, type ReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { PassThrough, pipeline, type Readable, type Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CodedError } from '../../core/errors.ts';

const CHUNK_BYTES = 256 * 1_024;

export interface ByteSource {
  readonly stream: Readable;
  /** Bytes read from disk so far, before decompression. */
  bytesRead(): number;
}

/** Throws `configuration.invalid` where there is no such file. */
export async function fileBytes(file: string): Promise<number> {
  try {
    const found = await stat(file);
    if (found.isFile()) return found.size;
  } catch (error) {
    throw unreadable(file, error);
  }
  throw new CodedError('configuration.invalid', `${file}: expected a file`);
}

/** Streams the file through `transform`, which is destroyed with it. */
export function openByteSource(file: string, transform: Transform = new PassThrough()): ByteSource {
  const source: ReadStream = createReadStream(file, { highWaterMark: CHUNK_BYTES });
  // The callback is only there to take the error; whoever iterates the stream gets it too.
  const taken = () => {};
  if (isGzipped(file)) {
    const gunzip = createGunzip({ chunkSize: CHUNK_BYTES });
    pipeline(source, gunzip, transform, taken);
  } else {
    pipeline(source, transform, taken);
  }
  return { stream: transform, bytesRead: () => source.bytesRead };
}

export function isGzipped(file: string): boolean {
  return file.toLowerCase().endsWith('.gz');
}

/** Any failure of reading, in the user's terms. */
export function unreadable(file: string, error: unknown): CodedError {
  if (error instanceof CodedError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const reason = (code !== undefined && REASONS[code]) || `cannot be read: ${message}`;
  return new CodedError('configuration.invalid', `${file}: ${reason}`, { cause: error });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'no permission to read it',
  EISDIR: 'is a directory, expected a file',
  Z_DATA_ERROR: 'is not a valid gzip file',
  Z_BUF_ERROR: 'the gzip file ends too early',
};
