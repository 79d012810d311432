/**
 * Loads every version of a bundle's model that may answer events, by monitor.yaml and by the rollout in
 * force, and says whether it fits the monitor and gives what its golden outputs say: what a worker does
 * before it serves one.
 */
import type { MonitorModel } from '../core/monitor/monitor.ts';
import { versionsOf } from '../core/rollout/check-plan.ts';
import { ROLLOUT_FILE } from '../core/rollout/rollout-file.ts';
import type { VersionEntry } from '../inference-worker/verify-version.ts';
import { checkModelFits } from '../platform/config/check-model-fits.ts';
import type { Bundle } from '../platform/config/load-bundle.ts';
import { VERSIONS_FOLDER } from '../platform/config/model-file.ts';
import { MONITOR_FILE } from '../platform/config/monitor-file.ts';
import { type DocumentPath, formatPath, type Problem } from '../platform/config/problem.ts';
import { type BundleVersions, createBundleVersions } from './bundle-versions.ts';

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
  readonly versions: BundleVersions;
  readonly entry: VersionEntry;
  /** Several may answer: then a problem names the version. */
  readonly isOneOfMany: boolean;
  place(message: string): Problem;
}

async function checkVersion(check: Check): Promise<readonly Problem[]> {
  const { bundle, versions, entry, isOneOfMany, place } = check;
  const { version } = entry;
  let misfits: readonly Problem[] = [];
  const verification = await versions.verify(entry, {
    rowsMax: versions.model.batch.rowsMax,
    fits: (description) => {
      const named = isOneOfMany ? { version } : {};
      misfits = checkModelFits(bundle.monitor, description, { locate: bundle.locate, ...named });
      return misfits.map(({ message }) => message);
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
  const { locate } = bundle;
  if (bundle.monitor.model === null) return [];
  const versions = createBundleVersions(bundle);
  const { rollout, rolloutProblem } = await versions.folder.look();
  const inRollout = (message: string): Problem => ({
    ...{ file: `${VERSIONS_FOLDER}/${ROLLOUT_FILE}`, line: 1, column: 1, path: '', message },
  });
  const problems: Problem[] = rolloutProblem === null ? [] : [inRollout(rolloutProblem)];

  const places = placesOf(versions.model);
  const names = new Set([...places.keys(), ...(rollout === null ? [] : versionsOf(rollout))]);
  const entries = await versions.entries();
  // One after the other: each holds its model in memory while it is checked.
  for (const version of names) {
    const path = places.get(version);
    const place = (message: string): Problem =>
      path === undefined
        ? inRollout(message)
        : { file: MONITOR_FILE, ...locate(path), path: formatPath(path), message };
    const entry = entries.get(version) ?? `there are no files of version ${version}`;
    if (typeof entry === 'string') problems.push(place(entry));
    else {
      const isOneOfMany = names.size > 1;
      problems.push(...(await checkVersion({ bundle, versions, entry, isOneOfMany, place })));
    }
  }
  return problems;
}
