/**
 * Where the lines of `tidegauge score` go: standard output, or a file that appears under its name when
 * it is whole. Until then it is `<name>.partial`, and a command that ends early leaves nothing behind.
 */
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { CodedError } from '../core/errors.ts';

export interface ScoreSink {
  /** Resolves when there is room for more. */
  write(text: string): Promise<void>;
  /** Everything is written. */
  finish(): Promise<void>;
  /** Nothing more comes, and what was written is not to be used. */
  discard(): Promise<void>;
}

export function createStreamSink(stream: Writable): ScoreSink {
  // A reader that has seen enough closes the pipe; the failed write says so.
  stream.on('error', () => undefined);
  return {
    write: (text) =>
      new Promise((resolve, reject) => {
        stream.write(text, (error) => (error ? reject(error) : resolve()));
      }),
    finish: async () => undefined,
    discard: async () => undefined,
  };
}

/** Throws `configuration.invalid` where the file cannot be written, or is the data itself. */
export async function createFileSink(file: string, data: string): Promise<ScoreSink> {
  if (await isSameFile(file, data)) {
    throw new CodedError('configuration.invalid', `--out: ${file} is the data itself`);
  }
  // A device or a pipe is written as it is.
  const isPlain = (await stat(file).catch(() => null))?.isFile() ?? true;
  const written = isPlain ? `${file}.partial` : file;
  let handle: FileHandle;
  try {
    handle = await open(written, 'w');
  } catch (cause) {
    const message = `--out: ${file} cannot be written: ${(cause as Error).message}`;
    throw new CodedError('configuration.invalid', message, { cause });
  }
  return {
    write: (text) => handle.appendFile(text),
    async finish() {
      await handle.close();
      if (isPlain) await rename(written, file);
    },
    async discard() {
      // Closed already where only the renaming failed.
      await handle.close().catch(() => undefined);
      if (isPlain) await rm(written, { force: true });
    },
  };
}

async function isSameFile(left: string, right: string): Promise<boolean> {
  try {
    return (await realpath(left)) === (await realpath(right));
  } catch {
    return false;
  }
}
