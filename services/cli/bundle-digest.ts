/**
 * What a bundle is made of, part by part, in digests: a run that has a name goes on only with the
 * bundle it was begun with, and whoever takes part in it needs the same one.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { Bundle } from '../platform/config/load-bundle.ts';
import { REFERENCE_FILE } from '../platform/config/monitor-file.ts';

export async function bundleParts(bundle: Bundle): Promise<Readonly<Record<string, string>>> {
  const { monitor, eventSchema, writerSchemas, reference, directory } = bundle;
  // Where the model lies is not what it is.
  const model = monitor.model === null ? null : { ...monitor.model, file: '' };
  return {
    monitor: textDigest(JSON.stringify({ ...monitor, model })),
    'event schema': textDigest(JSON.stringify([eventSchema, writerSchemas])),
    reference: reference === null ? 'none' : await fileDigest(join(directory, REFERENCE_FILE)),
    model: monitor.model === null ? 'none' : await fileDigest(monitor.model.file),
  };
}

/** The beginning of the SHA-256 of the file, hex: enough to tell files apart and to read out. */
export async function fileDigest(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return shorten(hash.digest('hex'));
}

function textDigest(text: string): string {
  return shorten(createHash('sha256').update(text).digest('hex'));
}

function shorten(hex: string): string {
  return `sha256:${hex.slice(0, 32)}`;
}
