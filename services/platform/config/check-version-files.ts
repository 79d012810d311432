/** Whether every version that monitor.yaml names has its files in the bundle. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isInsideBundle } from './check-model.ts';
import { type ModelFile, VERSION_FILES, VERSIONS_FOLDER } from './model-file.ts';
import type { DocumentPath, ProblemList } from './problem.ts';

/** Where each version is named first; the one that `model.file` holds is not among them. */
function versionPlaces(model: ModelFile): ReadonlyMap<string, DocumentPath> {
  const { version, canary, ab = [], shadow, fallback } = model;
  const named: readonly (readonly [string | undefined, DocumentPath])[] = [
    [version, ['model', 'version']],
    [canary?.version, ['model', 'canary', 'version']],
    ...ab.map((arm, index) => [arm.version, ['model', 'ab', index, 'version']] as const),
    [shadow, ['model', 'shadow']],
    [fallback?.version, ['model', 'fallback', 'version']],
  ];
  const places = new Map<string, DocumentPath>();
  for (const [name, at] of named) {
    if (name !== undefined && !places.has(name)) places.set(name, at);
  }
  if (model.file !== undefined) places.delete(version);
  return places;
}

async function isFile(path: string): Promise<boolean> {
  const entry = await stat(path).catch(() => null);
  return entry?.isFile() ?? false;
}

export async function checkVersionFiles(
  model: ModelFile,
  directory: string,
  list: ProblemList,
): Promise<void> {
  const { file } = model;
  if (file !== undefined && isInsideBundle(file) && !(await isFile(join(directory, file)))) {
    list.add(['model', 'file'], `there is no file ${file} in the bundle, expected an ONNX model`);
  }
  for (const [version, at] of versionPlaces(model)) {
    const files = VERSION_FILES.map((name) => `${VERSIONS_FOLDER}/${version}/${name}`);
    const exist = await Promise.all(files.map((name) => isFile(join(directory, name))));
    const found = files.filter((_, index) => exist[index]);
    if (found.length === 1) continue;
    const message =
      found.length === 0
        ? `there is no file ${files.join(' or ')} in the bundle, expected one of them for version ${version}`
        : `found ${found.join(' and ')} in the bundle, expected one of them`;
    list.add(at, message);
  }
}
