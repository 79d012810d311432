/**
 * Writes a profiled bundle into a folder.
 *
 * monitor.yaml and event.avsc are the user's from the moment they exist: they are kept as they are.
 * reference.json is ours and is always written anew, as a whole or not at all.
 */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../core/errors.ts';
import { formatReference } from '../core/monitor/reference.ts';
import { formatMonitorDocument } from './monitor-document.ts';
import type { ProfileResult } from './profile.ts';

export interface WrittenBundle {
  /** File names in the folder. */
  readonly written: readonly string[];
  /** Existed already and were left alone. */
  readonly kept: readonly string[];
}

export interface WriteBundleOptions {
  /** Any text; what a monitor's name cannot have is replaced. */
  readonly name: string;
}

/** Throws `configuration.invalid` where the folder cannot be written. */
export async function writeBundle(
  directory: string,
  result: ProfileResult,
  { name }: WriteBundleOptions,
): Promise<WrittenBundle> {
  const proposals: readonly (readonly [string, string])[] = [
    ['monitor.yaml', formatMonitorDocument(result, monitorNameOf(name))],
    ['event.avsc', `${JSON.stringify(result.event.schema, null, 2)}\n`],
  ];
  const written: string[] = [];
  const kept: string[] = [];
  try {
    await mkdir(directory, { recursive: true });
    for (const [file, text] of proposals) {
      const created = await createFile(join(directory, file), text);
      (created ? written : kept).push(file);
    }
    const reference = join(directory, 'reference.json');
    await writeFile(`${reference}.part`, formatReference(result.reference));
    await rename(`${reference}.part`, reference);
    written.push('reference.json');
  } catch (error) {
    const message = `${directory}: cannot be written: ${(error as Error).message}`;
    throw new CodedError('configuration.invalid', message, { cause: error });
  }
  return { written, kept };
}

/** Letters, digits, `_` and `-`, as topics and metric labels need. */
export function monitorNameOf(text: string): string {
  const name = text.replace(/[^A-Za-z0-9_-]+/g, '-').replace(/^[-_]+|[-_]+$/g, '');
  return name === '' ? 'monitor' : name.slice(0, 100);
}

/** False where the file exists. */
async function createFile(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
