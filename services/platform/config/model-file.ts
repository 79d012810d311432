/**
 * The `model` section of `monitor.yaml` as written, and what it stands for: which version answers
 * which events, how they are run, what stands in where they fail, and the rules on what they say.
 */
import { join, resolve } from 'node:path';
import { BATCH_ROWS_MAX } from '../../core/limits.ts';
import type {
  Fallback,
  ModelOutputColumn,
  MonitorModel,
  Policy,
} from '../../core/monitor/monitor.ts';
import type { RolloutPlan, VersionShare } from '../../core/rollout/rollout-plan.ts';
import { type DriftFile, durationMs, toDriftRule, type UsualRules } from './drift-file.ts';

/** `10%`, or the same as a number: 0.1. */
export type ShareFile = string | number;

export interface VersionShareFile {
  readonly version: string;
  readonly share: ShareFile;
}

export interface FallbackFile {
  readonly version?: string;
  readonly constant?: Readonly<Record<string, number>>;
  readonly rule?: Readonly<Record<string, string>>;
}

export type BoundsFile = readonly [number | null, number | null];

export interface PolicyFile {
  readonly name: string;
  readonly when?: string;
  readonly set?: Readonly<Record<string, number | string>>;
  readonly bounds?: Readonly<Record<string, BoundsFile>>;
  readonly suppress?: true;
}

export interface ModelFile {
  readonly file?: string;
  readonly version: string;
  readonly canary?: VersionShareFile;
  readonly ab?: readonly VersionShareFile[];
  readonly shadow?: string;
  readonly inputs: Readonly<Record<string, readonly string[]>>;
  readonly outputs: Readonly<
    Record<string, { readonly tensor: string; readonly index?: number; readonly drift?: DriftFile }>
  >;
  readonly batch?: {
    readonly rowsMax?: number;
    readonly bytesMax?: number;
    readonly runMax?: string;
  };
  readonly runtime?: {
    readonly placement?: MonitorModel['runtime']['placement'];
    readonly workers?: number;
    readonly threads?: number;
  };
  readonly deadline?: string | number;
  readonly fallback?: FallbackFile;
  readonly circuit?: {
    readonly failures?: ShareFile;
    readonly rows?: number;
    readonly openFor?: string;
  };
  readonly cache?: { readonly entries: number; readonly ttl: string };
  /** Files relative to the bundle, by the name policies know the list by. */
  readonly lists?: Readonly<Record<string, string>>;
  readonly policies?: readonly PolicyFile[];
}

/** Folder of versions within the bundle, each in a folder that is named after it. */
export const VERSIONS_FOLDER = 'models';
/** A version's folder holds one of them. */
export const VERSION_FILES = ['model.onnx', 'ensemble.yaml'] as const;

/** Values of list files by the lists' names. */
export type Lists = ReadonlyMap<string, readonly string[]>;

/** A part of 1, of a share the schema has let through. */
export function toShare(written: ShareFile): number {
  return typeof written === 'number' ? written : Number(written.replace('%', '')) / 100;
}

function toVersionShare({ version, share }: VersionShareFile): VersionShare {
  return { version, share: toShare(share) };
}

export function toRollout({ version, canary, ab = [], shadow }: ModelFile): RolloutPlan {
  return {
    primary: version,
    canary: canary === undefined ? null : toVersionShare(canary),
    ab: ab.map(toVersionShare),
    shadow: shadow ?? null,
  };
}

/** Values are given by name and wanted in the order of the outputs. */
function inOrder<T>(outputs: readonly string[], values: Readonly<Record<string, T>>): T[] {
  return outputs.flatMap((name) => (Object.hasOwn(values, name) ? [values[name]!] : []));
}

function toFallback(file: FallbackFile, outputs: readonly string[]): Fallback | null {
  if (file.version !== undefined) return { kind: 'version', version: file.version };
  if (file.constant !== undefined) {
    return { kind: 'constant', outputs: inOrder(outputs, file.constant) };
  }
  if (file.rule === undefined) return null;
  return { kind: 'rule', expressions: inOrder(outputs, file.rule) };
}

function toAction({ set, bounds }: PolicyFile): Policy['action'] {
  if (set !== undefined) return { kind: 'set', outputs: new Map(Object.entries(set)) };
  if (bounds === undefined) return { kind: 'suppress' };
  return { kind: 'bounds', bounds: new Map(Object.entries(bounds)) };
}

function toOutputs(file: ModelFile, usual: UsualRules): readonly ModelOutputColumn[] {
  return Object.entries(file.outputs).map(([name, output]) => ({
    name,
    tensor: output.tensor,
    index: output.index ?? 0,
    drift: toDriftRule(output.drift, 'numeric', usual),
  }));
}

export interface ModelSurroundings {
  /** The bundle's folder, absolute or relative to the working directory. */
  readonly directory: string;
  readonly usual: UsualRules;
  readonly lists: Lists;
}

export function toModel(
  file: ModelFile,
  { directory, usual, lists }: ModelSurroundings,
): MonitorModel {
  const { batch, runtime, circuit, cache } = file;
  return {
    file: file.file === undefined ? null : resolve(directory, file.file),
    versionsDirectory: resolve(join(directory, VERSIONS_FOLDER)),
    version: file.version,
    rollout: toRollout(file),
    inputs: Object.entries(file.inputs).map(([tensor, columns]) => ({ tensor, columns })),
    outputs: toOutputs(file, usual),
    batch: {
      rowsMax: batch?.rowsMax ?? BATCH_ROWS_MAX,
      bytesMax: batch?.bytesMax ?? 4 * 1_048_576,
      runMsMax: durationMs(batch?.runMax ?? '50ms'),
    },
    runtime: {
      placement: runtime?.placement ?? 'auto',
      workerCount: runtime?.workers ?? 2,
      threadCount: runtime?.threads ?? 1,
    },
    deadlineMs: durationMs(file.deadline ?? 0),
    fallback:
      file.fallback === undefined ? null : toFallback(file.fallback, Object.keys(file.outputs)),
    circuit: {
      failureShare: toShare(circuit?.failures ?? '50%'),
      rowCount: circuit?.rows ?? 200,
      openMs: durationMs(circuit?.openFor ?? '30s'),
    },
    policies: (file.policies ?? []).map((policy) => ({
      name: policy.name,
      when: policy.when ?? null,
      action: toAction(policy),
    })),
    lists,
    cache: cache === undefined ? null : { entriesMax: cache.entries, ttlMs: durationMs(cache.ttl) },
  };
}
