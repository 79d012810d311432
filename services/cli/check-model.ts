/**
 * Loads every version of a bundle's model that may answer events, by monitor.yaml and by the rollout in
 * force, and says whether it fits the monitor and gives what its golden outputs say: what a worker does
 * before it serves one.
 */
import type { MonitorModel } from '../core/monitor/monitor.ts';
import { versionsOf } from '../core/rollout/check-plan.ts';
import { ROLLOUT_FILE } from '../core/rollout/rollout-file.ts';
import { type VersionEntry, verifyVersion } from '../inference-worker/verify-version.ts';
import { checkModelFits } from '../platform/config/check-model-fits.ts';
import type { Bundle } from '../platform/config/load-bundle.ts';
import { VERSIONS_FOLDER } from '../platform/config/model-file.ts';
import { MONITOR_FILE } from '../platform/config/monitor-file.ts';
import { type DocumentPath, formatPath, type Problem } from '../platform/config/problem.ts';
import { createEnsembleRuntime } from '../platform/model/ensemble-runtime.ts';
import { createFileModelFolder } from '../platform/model/file-model-folder.ts';
import type { ModelFolder } from '../platform/model/model-folder.ts';
import type { ModelRuntime } from '../platform/model/model-runtime.ts';
import { createOnnxModelRuntime } from '../platform/model/onnx-model-runtime.ts';

/** Where monitor.yaml names each version first; a file of its own says more than its version. */
function placesOf({ file, rollout, fallback }: MonitorModel): Map<string, DocumentPath> {
  const { primary, canary, ab, shadow } = rollout;
  const places = new Map<string, DocumentPath>();
  if (fallback?.kind === 'version') places.set(fallback.version, ['model', 'fallback', 'version']);
  if (shadow !== null) places.set(shadow, ['model', 'shadow']);
  for (const [index, { version }] of ab.entries()) {
    places.set(version, ['model', 'ab', index, 'version']);
  }
  if (canary !== null) places.set(canary.version, ['model', 'canary', 'version']);
  return places.set(primary, ['model', file === null ? 'version' : 'file']);
}

interface Check {
  readonly bundle: Bundle;
  readonly model: MonitorModel;
  readonly folder: ModelFolder;
  readonly runtime: ModelRuntime;
  /** Several may answer: then a problem names the version. */
  readonly isOneOfMany: boolean;
}

async function entryOf(
  version: string,
  { model, folder }: Pick<Check, 'model' | 'folder'>,
): Promise<VersionEntry | string> {
  const isInFolder = version !== model.version || model.file === null;
  const look = isInFolder ? await folder.look() : null;
  const files = look === null ? await folder.lookAt(model.file ?? '') : look.versions.get(version);
  if (files !== null && files !== undefined) return { ...files, version, isInFolder };
  return look?.problems.get(version) ?? `there are no files of version ${version}`;
}

async function checkVersion(
  version: string,
  place: (message: string) => Problem,
  check: Check,
): Promise<readonly Problem[]> {
  const { bundle, model, folder, runtime } = check;
  const entry = await entryOf(version, check);
  if (typeof entry === 'string') return [place(entry)];
  let misfits: readonly Problem[] = [];
  const verification = await verifyVersion(entry, {
    folder,
    load: ({ file }) =>
      runtime.load({
        ...{ file, placement: 'inline', workerCount: 1 },
        threadCount: model.runtime.threadCount,
        rowsMax: model.batch.rowsMax,
      }),
    fits: (description) => {
      const named = check.isOneOfMany ? { version } : {};
      misfits = checkModelFits(bundle.monitor, description, { locate: bundle.locate, ...named });
      return misfits.map(({ message }) => message);
    },
    lookAgain: async () => {
      const again = await entryOf(version, check);
      return typeof again === 'string' ? null : again;
    },
  });
  switch (verification.kind) {
    case 'verified':
      await verification.model.close();
      return [];
    case 'refused':
      return misfits.length > 0 ? misfits : [place(verification.reason)];
    case 'changed':
      return [place(`the files of version ${version} were replaced while they were checked`)];
  }
}

export async function checkBundleModel(bundle: Bundle): Promise<readonly Problem[]> {
  const { locate, monitor } = bundle;
  const { model } = monitor;
  if (model === null) return [];
  const folder = createFileModelFolder(model.versionsDirectory);
  const { rollout, rolloutProblem } = await folder.look();
  const inRollout = (message: string): Problem => ({
    ...{ file: `${VERSIONS_FOLDER}/${ROLLOUT_FILE}`, line: 1, column: 1, path: '', message },
  });
  const problems: Problem[] = rolloutProblem === null ? [] : [inRollout(rolloutProblem)];

  const places = placesOf(model);
  const versions = new Set([...places.keys(), ...(rollout === null ? [] : versionsOf(rollout))]);
  const runtime = createEnsembleRuntime(createOnnxModelRuntime());
  const check = { bundle, model, folder, runtime, isOneOfMany: versions.size > 1 };
  // One after the other: each holds its model in memory while it is checked.
  for (const version of versions) {
    const path = places.get(version);
    const place = (message: string): Problem =>
      path === undefined
        ? inRollout(message)
        : { file: MONITOR_FILE, ...locate(path), path: formatPath(path), message };
    problems.push(...(await checkVersion(version, place, check)));
  }
  return problems;
}
