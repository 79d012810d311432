/**
 * Whether a version may answer events: it loads, it takes and gives what the monitor says, and it
 * answers its golden inputs as it should. A version of the models' folder must have golden ones, because
 * it comes into force without anybody watching; a single model file may.
 *
 * The files may be replaced meanwhile. So they are looked at again afterwards: what was verified is what
 * was looked at, or else `changed`, which says nothing of either.
 */
import { CodedError, isTransient } from '../core/errors.ts';
import { verifyGolden } from '../platform/model/golden.ts';
import type { ModelFolder, VersionFiles } from '../platform/model/model-folder.ts';
import type { LoadedModel, ModelDescription } from '../platform/model/model-runtime.ts';

export interface VersionEntry extends VersionFiles {
  readonly version: string;
  /** Of the models' folder, not a file that the monitor names. */
  readonly isInFolder: boolean;
}

export interface VersionChecks {
  readonly folder: Pick<ModelFolder, 'readGolden'>;
  /** Loads and warms it. */
  load(entry: VersionEntry): Promise<LoadedModel>;
  /** What is wrong with it for the monitor; empty where it fits. */
  fits(description: ModelDescription): readonly string[];
  /** The version's files as they are now; `null`: gone. */
  lookAgain(entry: VersionEntry): Promise<VersionFiles | null>;
}

export type Verification =
  /** The caller closes the model. */
  | { readonly kind: 'verified'; readonly model: LoadedModel; readonly isGolden: boolean }
  | {
      readonly kind: 'refused';
      readonly reason: string;
      /** The files are not at fault: it may be asked again. */
      readonly isTransient: boolean;
    }
  | { readonly kind: 'changed' };

/** Never rejects; a model that is not handed back is closed. */
export async function verifyVersion(
  entry: VersionEntry,
  checks: VersionChecks,
): Promise<Verification> {
  let model: LoadedModel | null = null;
  try {
    const golden = await goldenOf(entry, checks);
    model = await checks.load(entry);
    const misfits = checks.fits(model.description);
    if (misfits.length > 0) throw refusal(`${entry.file} does not fit the monitor`, misfits);
    const mistakes = golden === null ? [] : await verifyGolden(model, golden);
    if (mistakes.length > 0) throw refusal(`${entry.goldenFile} does not hold`, mistakes);
    if (!(await isUnchanged(entry, checks))) {
      await close(model);
      return { kind: 'changed' };
    }
    return { kind: 'verified', model, isGolden: golden !== null };
  } catch (error) {
    if (model !== null) await close(model);
    if (!(await isUnchanged(entry, checks))) return { kind: 'changed' };
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: 'refused', reason, isTransient: isTransient(error) };
  }
}

async function goldenOf(entry: VersionEntry, { folder }: VersionChecks) {
  if (entry.goldenFile !== null) return folder.readGolden(entry.goldenFile);
  if (!entry.isInFolder) return null;
  throw new CodedError(
    'configuration.model',
    `version ${entry.version} has no golden.json beside ${entry.file}; write one with a few inputs and what the model gave for them where it was trained: {"inputs": {"<tensor>": [[…]]}, "outputs": {"<tensor>": [[…]]}}`,
  );
}

function refusal(what: string, mistakes: readonly string[]): CodedError {
  return new CodedError('configuration.model', `${what}: ${mistakes.join('; ')}`);
}

async function isUnchanged(entry: VersionEntry, checks: VersionChecks): Promise<boolean> {
  try {
    return (await checks.lookAgain(entry))?.fingerprint === entry.fingerprint;
  } catch {
    return false;
  }
}

/** A model that is not wanted must not stop the one that is. */
async function close(model: LoadedModel): Promise<void> {
  await model.close().catch(() => undefined);
}
