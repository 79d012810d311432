/** The versions of a bundle's model on disk, loaded and verified as a worker does before it serves them. */
import { CodedError } from '../core/errors.ts';
import type { MonitorModel } from '../core/monitor/monitor.ts';
import {
  type Verification,
  type VersionEntry,
  verifyVersion,
} from '../inference-worker/verify-version.ts';
import { checkModelFits } from '../platform/config/check-model-fits.ts';
import type { Bundle } from '../platform/config/load-bundle.ts';
import { createEnsembleRuntime } from '../platform/model/ensemble-runtime.ts';
import { createFileModelFolder } from '../platform/model/file-model-folder.ts';
import type { ModelFolder } from '../platform/model/model-folder.ts';
import type { ModelDescription } from '../platform/model/model-runtime.ts';
import { createOnnxModelRuntime } from '../platform/model/onnx-model-runtime.ts';

export interface BundleVersions {
  readonly model: MonitorModel;
  readonly folder: ModelFolder;
  /** What is there, by version; a text: why it is none. */
  entries(): Promise<ReadonlyMap<string, VersionEntry | string>>;
  /** A verified model is the caller's to close. */
  verify(entry: VersionEntry, options?: VerifyOptions): Promise<Verification>;
}

export interface VerifyOptions {
  /** The largest batch it must warm up for. Default: 1, as nothing is scored here. */
  readonly rowsMax?: number;
  /** Why the model does not fit the monitor. Default: what `checkModelFits` says, with the path. */
  readonly fits?: (description: ModelDescription) => readonly string[];
}

export function createBundleVersions({ monitor }: Bundle): BundleVersions {
  const { model } = monitor;
  if (model === null) {
    throw new CodedError('configuration.invalid', `monitor ${monitor.name} has no model to run`);
  }
  const { file, version: declared } = model;
  const folder = createFileModelFolder(model.versionsDirectory);
  const runtime = createEnsembleRuntime(createOnnxModelRuntime());

  async function entries(): Promise<ReadonlyMap<string, VersionEntry | string>> {
    const found = new Map<string, VersionEntry | string>();
    const { versions, problems } = await folder.look();
    for (const [version, files] of versions) {
      found.set(version, { ...files, version, isInFolder: true });
    }
    for (const [name, problem] of problems) found.set(name, problem);
    if (file === null) return found;
    const files = await folder.lookAt(file);
    const single = files === null ? null : { ...files, version: declared, isInFolder: false };
    return found.set(declared, single ?? `there is no ${file}`);
  }

  const misfitsOf = (description: ModelDescription) =>
    checkModelFits(monitor, description).map(({ path, message }) => `${path}: ${message}`);

  return {
    model,
    folder,
    entries,
    verify: (checked, { rowsMax = 1, fits = misfitsOf } = {}) =>
      verifyVersion(checked, {
        ...{ folder, fits },
        load: ({ file }) => {
          const { threadCount } = model.runtime;
          return runtime.load({ file, placement: 'inline', workerCount: 1, threadCount, rowsMax });
        },
        lookAgain: async ({ version }) => {
          const again = (await entries()).get(version);
          return again === undefined || typeof again === 'string' ? null : again;
        },
      }),
  };
}
