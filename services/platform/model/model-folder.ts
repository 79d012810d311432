/**
 * Port: the folder of a bundle's model versions, `models/`, one folder for each version:
 *
 *   models/rollout.json          the plan in force, where one has been changed since monitor.yaml
 *   models/4/model.onnx          or ensemble.yaml and the models it names
 *   models/4/golden.json         inputs and the outputs expected for them
 *
 * A look changes nothing and loads nothing. Two looks that find the same fingerprint found the same
 * files; whoever loads a version looks again afterwards, because the files may be replaced at any time.
 */
import type { RolloutFile } from '../../core/rollout/rollout-file.ts';
import type { Golden } from './golden.ts';

/** Files that make a version, wherever they lie. */
export interface VersionFiles {
  /** Absolute. */
  readonly file: string;
  readonly kind: 'onnx' | 'ensemble';
  /** Absolute; `null`: there is none. */
  readonly goldenFile: string | null;
  /** Of names, sizes and times of all its files: changes when any of them does. */
  readonly fingerprint: string;
}

export interface FolderLook {
  /** The folder itself is there; while it is exchanged it may be away for a moment. */
  readonly isPresent: boolean;
  /** By version. */
  readonly versions: ReadonlyMap<string, VersionFiles>;
  /** `null`: there is no rollout.json, or one that cannot be used. */
  readonly rollout: RolloutFile | null;
  /** Why rollout.json cannot be used; `null` where it can, or where there is none. */
  readonly rolloutProblem: string | null;
  /** Why a folder is no version, by its name. */
  readonly problems: ReadonlyMap<string, string>;
}

export interface ModelFolder {
  /** Absolute path, for messages. */
  readonly directory: string;
  /** Never throws for what is in the folder. */
  look(): Promise<FolderLook>;
  /** The same of a model file that lies elsewhere, with a golden.json beside it; `null`: no such file. */
  lookAt(file: string): Promise<VersionFiles | null>;
  /** Throws `configuration.model` where the file cannot be read or is wrong. */
  readGolden(goldenFile: string): Promise<Golden>;
  /**
   * Exchanges rollout.json for what `change` makes of it, as a whole or not at all; `null`: there is
   * none. One change at a time, over all processes: a second one is refused. What `change` throws is
   * thrown and nothing is written.
   */
  updateRollout(change: (current: RolloutFile | null) => RolloutFile): Promise<RolloutFile>;
}
