/**
 * What a bundle is made of, part by part, in digests: a run that has a name goes on only with the
 * bundle it was begun with, and whoever takes part in it needs the same one.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { MonitorModel } from '../core/monitor/monitor.ts';
import { versionsOf } from '../core/rollout/check-plan.ts';
import { ROLLOUT_FILE } from '../core/rollout/rollout-file.ts';
import type { Bundle } from '../platform/config/load-bundle.ts';
import { REFERENCE_FILE } from '../platform/config/monitor-file.ts';
import { createFileModelFolder } from '../platform/model/file-model-folder.ts';

export async function bundleParts(bundle: Bundle): Promise<Readonly<Record<string, string>>> {
  const { monitor, eventSchema, writerSchemas, reference, directory } = bundle;
  const { model } = monitor;
  // Where the model and its lists lie is not what they are.
  const placeless = { file: '', versionsDirectory: '', lists: null };
  const declared = { ...monitor, model: model === null ? null : { ...model, ...placeless } };
  return {
    monitor: textDigest(JSON.stringify(declared, withMaps)),
    'event schema': textDigest(JSON.stringify([eventSchema, writerSchemas])),
    reference: reference === null ? 'none' : await fileDigest(join(directory, REFERENCE_FILE)),
    model: model === null ? 'none' : await modelDigest(model),
    lists: model === null || model.lists.size === 0 ? 'none' : listsDigest(model.lists),
  };
}

/** JSON leaves out what is in a map. */
function withMaps(_key: string, value: unknown): unknown {
  return value instanceof Map ? [...value] : value;
}

function listsDigest(lists: MonitorModel['lists']): string {
  const hash = createHash('sha256');
  for (const [name, values] of lists) {
    hash.update(`${name} ${values.length}\n`);
    for (const value of values) hash.update(`${value}\n`);
  }
  return shorten(hash.digest('hex'));
}

/**
 * Every version that may answer, by what is declared and by the rollout in force, each with all that
 * is in its folder; and the rollout itself.
 */
async function modelDigest(model: MonitorModel): Promise<string> {
  const { rollout } = await createFileModelFolder(model.versionsDirectory).look();
  const versions = new Set(versionsOf(model.rollout));
  if (model.fallback?.kind === 'version') versions.add(model.fallback.version);
  if (rollout !== null) for (const version of versionsOf(rollout)) versions.add(version);
  const hash = createHash('sha256');
  const add = async (name: string, path: string): Promise<void> => {
    for (const file of await filesBelow(path)) {
      hash.update(`${name}${file} ${await fileDigest(join(path, file))}\n`);
    }
  };
  for (const version of [...versions].sort()) {
    const isOwnFile = version === model.version && model.file !== null;
    await add(version, isOwnFile ? model.file : join(model.versionsDirectory, version));
  }
  await add(ROLLOUT_FILE, join(model.versionsDirectory, ROLLOUT_FILE));
  return shorten(hash.digest('hex'));
}

/** Paths below, in the order of their names, hidden ones left out; that of a file itself is empty. */
async function filesBelow(path: string): Promise<readonly string[]> {
  const entry = await stat(path).catch(() => null);
  if (entry === null) return [];
  if (!entry.isDirectory()) return [''];
  const names = (await readdir(path)).filter((name) => !name.startsWith('.')).sort();
  const below = await Promise.all(
    names.map(async (name) =>
      (await filesBelow(join(path, name))).map((file) => `/${name}${file}`),
    ),
  );
  return below.flat();
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
