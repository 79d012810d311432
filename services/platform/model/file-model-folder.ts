/**
 * `ModelFolder` on a file system. Works on a folder that is exchanged as a whole by a symbolic link, as
 * Kubernetes volumes and git-sync do it: links are followed, names that begin with a dot are not looked
 * at, and a version's fingerprint has the place and the times of its files in it: files from an image or
 * an archive can have one `mtime` for ever, and are told apart by `ctime`, or by where the links lead.
 */
import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { mkdir, open, readdir, readFile, realpath, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CodedError } from '../../core/errors.ts';
import { CONFIG_BYTES_MAX, VERSION_FILES_MAX } from '../../core/limits.ts';
import {
  encodeRolloutFile,
  parseRolloutFile,
  ROLLOUT_FILE,
  type RolloutFile,
} from '../../core/rollout/rollout-file.ts';
import { isVersionName, VERSION_NAME_EXPECTED } from '../../core/rollout/version-name.ts';
import { parseGolden } from './golden.ts';
import { messageOf, refuseModel } from './model-error.ts';
import type { FolderLook, ModelFolder, VersionFiles } from './model-folder.ts';

export const MODEL_FILE = 'model.onnx';
export const ENSEMBLE_FILE = 'ensemble.yaml';
export const GOLDEN_FILE = 'golden.json';

/** `directory`: the folder of versions; it need not exist. */
export function createFileModelFolder(directory: string): ModelFolder {
  const rolloutFile = join(directory, ROLLOUT_FILE);

  async function look(): Promise<FolderLook> {
    const names = await namesIn(directory);
    const versions = new Map<string, VersionFiles>();
    const problems = new Map<string, string>();
    for (const name of names ?? []) {
      const folder = join(directory, name);
      const found = await lookAtVersion(folder);
      if (found === null) continue;
      if (!isVersionName(name)) problems.set(name, `${folder}: expected ${VERSION_NAME_EXPECTED}`);
      else if (typeof found === 'string') problems.set(name, found);
      else versions.set(name, found);
    }
    const rollout = await readRollout(rolloutFile);
    return { isPresent: names !== null, versions, problems, ...rollout };
  }

  async function updateRollout(
    change: (current: RolloutFile | null) => RolloutFile,
  ): Promise<RolloutFile> {
    const part = join(directory, `.${ROLLOUT_FILE}.part`);
    try {
      await mkdir(directory, { recursive: true });
      // Made by one process only, so that no change is lost to another made at the same time.
      const handle = await open(part, 'wx', 0o644);
      try {
        const { rollout, rolloutProblem } = await readRollout(rolloutFile);
        if (rolloutProblem !== null) throw new CodedError('configuration.invalid', rolloutProblem);
        const next = change(rollout);
        await handle.writeFile(encodeRolloutFile(next));
        await handle.sync();
        await rename(part, rolloutFile);
        await syncDirectory(directory);
        return next;
      } catch (error) {
        await unlink(part).catch(() => undefined);
        throw error;
      } finally {
        await handle.close();
      }
    } catch (error) {
      if (error instanceof CodedError) throw error;
      const reason = isCode(error, 'EEXIST')
        ? `${part} exists: another change is being made, or one was interrupted; remove it if none is`
        : messageOf(error);
      const message = `${rolloutFile}: cannot be written: ${reason}`;
      throw new CodedError('configuration.invalid', message, { cause: error });
    }
  }

  return {
    directory,
    look,
    lookAt: async (file) => {
      const model = await foundAt(file);
      if (model === null || !model.stats.isFile()) return null;
      const goldenFile = join(dirname(file), GOLDEN_FILE);
      const golden = await foundAt(goldenFile);
      return {
        ...{ file, kind: 'onnx', goldenFile: golden === null ? null : goldenFile },
        fingerprint: fingerprintOf(golden === null ? [model] : [model, golden]),
      };
    },
    readGolden: async (goldenFile) => {
      const text = await readText(goldenFile).catch((error: unknown) => {
        throw refuseModel(goldenFile, messageOf(error), error);
      });
      return parseGolden(goldenFile, text);
    },
    updateRollout,
  };
}

async function readRollout(file: string): Promise<Pick<FolderLook, 'rollout' | 'rolloutProblem'>> {
  try {
    return { rollout: parseRolloutFile(await readText(file)), rolloutProblem: null };
  } catch (error) {
    if (isAbsent(error)) return { rollout: null, rolloutProblem: null };
    return { rollout: null, rolloutProblem: `${dirname(file)}: ${messageOf(error)}` };
  }
}

/** `null`: not a folder that means to be a version; a text: why it is none. */
async function lookAtVersion(folder: string): Promise<VersionFiles | string | null> {
  const found: Collected = { files: [], entries: 0 };
  try {
    if (!(await collect(folder, '', found))) return null;
  } catch (error) {
    // Taken away between two questions: not there.
    return isAbsent(error) ? null : `${folder}: ${messageOf(error)}`;
  }
  if (found.entries > VERSION_FILES_MAX) {
    return `${folder}: more than ${VERSION_FILES_MAX} files, expected a model and what it needs`;
  }
  const { files } = found;
  const has = (name: string): boolean => files.some((each) => each.name === name);
  const [onnx, ensemble] = [has(MODEL_FILE), has(ENSEMBLE_FILE)];
  if (onnx === ensemble) {
    const models = onnx ? `both ${MODEL_FILE} and` : `neither ${MODEL_FILE} nor`;
    return `${folder}: found ${models} ${ENSEMBLE_FILE}, expected one of them`;
  }
  return {
    file: join(folder, onnx ? MODEL_FILE : ENSEMBLE_FILE),
    kind: onnx ? 'onnx' : 'ensemble',
    goldenFile: has(GOLDEN_FILE) ? join(folder, GOLDEN_FILE) : null,
    fingerprint: fingerprintOf(files),
  };
}

interface FoundFile {
  readonly name: string;
  /** Where the links lead. */
  readonly place: string;
  readonly stats: BigIntStats;
}

/** Of one version: the files found, and everything looked at, so that links in a circle come to an end. */
interface Collected {
  readonly files: FoundFile[];
  entries: number;
}

/** All files below, in the order of their names; false where `folder` is no folder. */
async function collect(folder: string, prefix: string, found: Collected): Promise<boolean> {
  const stats = await stat(folder, { bigint: true });
  if (!stats.isDirectory()) {
    const name = prefix.slice(0, -1);
    if (prefix !== '') found.files.push({ name, place: await realpath(folder), stats });
    return false;
  }
  for (const name of (await namesIn(folder)) ?? []) {
    found.entries += 1;
    if (found.entries > VERSION_FILES_MAX) break;
    await collect(join(folder, name), `${prefix}${name}/`, found);
  }
  return true;
}

function fingerprintOf(files: readonly FoundFile[]): string {
  const hash = createHash('sha256');
  for (const { name, place, stats } of files) {
    const { size, mtimeNs, ctimeNs } = stats;
    hash.update(`${JSON.stringify([name, place])} ${size} ${mtimeNs} ${ctimeNs}\n`);
  }
  return hash.digest('hex').slice(0, 32);
}

/** Sorted, without hidden ones; `null`: no such folder. */
async function namesIn(folder: string): Promise<readonly string[] | null> {
  try {
    return (await readdir(folder)).filter((name) => !name.startsWith('.')).sort();
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

/** `null`: there is no such file, or none that can be read. */
async function foundAt(file: string): Promise<FoundFile | null> {
  try {
    const stats = await stat(file, { bigint: true });
    return { name: file, place: await realpath(file), stats };
  } catch {
    return null;
  }
}

async function readText(file: string): Promise<string> {
  const { size } = await stat(file);
  if (size > CONFIG_BYTES_MAX) {
    throw new Error(`the file has ${size} bytes, expected at most ${CONFIG_BYTES_MAX}`);
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
}

/** The rename itself survives a power failure. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isAbsent(error: unknown): boolean {
  return isCode(error, 'ENOENT') || isCode(error, 'ENOTDIR');
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
