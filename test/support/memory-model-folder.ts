/**
 * A folder of model versions in memory: a test puts versions into it, exchanges and removes them, breaks
 * rollout.json, and takes the whole folder away.
 */
import { CodedError } from '../../services/core/errors.ts';
import type { RolloutFile } from '../../services/core/rollout/rollout-file.ts';
import { rolloutFileOf } from '../../services/core/rollout/rollout-file.ts';
import type { RolloutPlan } from '../../services/core/rollout/rollout-plan.ts';
import { type Golden, parseGolden } from '../../services/platform/model/golden.ts';
import type { ModelFolder, VersionFiles } from '../../services/platform/model/model-folder.ts';

/** Of `createFakeModel`: scores half its one feature. */
const GOLDEN = { inputs: { features: [[1], [8]] }, outputs: { score: [[0.5], [4]] } };

export interface MemoryModelFolder extends ModelFolder {
  /** How often it was looked at. */
  readonly lookCount: number;
  /** Puts files there, other ones than before; their content is `content`, told to who loads them. */
  put(version: string, content?: string, options?: { readonly golden?: object | null }): void;
  remove(version: string): void;
  /** The content of the file now; throws where there is none. */
  contentOf(file: string): string;
  setPlan(
    plan: Partial<RolloutPlan> & { readonly primary: string; readonly previous?: string },
  ): void;
  removePlan(): void;
  breakPlan(problem: string | null): void;
  setPresent(isPresent: boolean): void;
  /** The next look fails. */
  failOnce(message: string): void;
}

export function createMemoryModelFolder(directory = '/models'): MemoryModelFolder {
  const versions = new Map<string, VersionFiles>();
  const contents = new Map<string, string>();
  const goldens = new Map<string, string>();
  let rollout: RolloutFile | null = null;
  let rolloutProblem: string | null = null;
  let isPresent = true;
  let failure: string | null = null;
  let putCount = 0;
  let lookCount = 0;

  return {
    directory,
    get lookCount() {
      return lookCount;
    },
    put(version, content = version, { golden = GOLDEN } = {}) {
      putCount += 1;
      const file = `${directory}/${version}/model.onnx`;
      const goldenFile = golden === null ? null : `${directory}/${version}/golden.json`;
      if (goldenFile !== null) goldens.set(goldenFile, JSON.stringify(golden));
      contents.set(file, content);
      versions.set(version, { file, kind: 'onnx', goldenFile, fingerprint: `put ${putCount}` });
    },
    remove(version) {
      contents.delete(`${directory}/${version}/model.onnx`);
      versions.delete(version);
    },
    contentOf(file) {
      const content = contents.get(file);
      if (content !== undefined) return content;
      throw new CodedError('configuration.model', `model ${file}: it cannot be read`);
    },
    setPlan(plan) {
      const whole = { canary: null, ab: [], shadow: null, ...plan };
      rollout = { ...rolloutFileOf(whole), previous: plan.previous ?? null };
    },
    removePlan() {
      rollout = null;
    },
    breakPlan(problem) {
      rolloutProblem = problem;
    },
    setPresent(present) {
      isPresent = present;
    },
    failOnce(message) {
      failure = message;
    },

    async look() {
      lookCount += 1;
      if (failure !== null) {
        const message = failure;
        failure = null;
        throw new Error(message);
      }
      const nothing = { rollout: null, rolloutProblem: null };
      if (!isPresent) {
        return { isPresent, versions: new Map(), problems: new Map(), ...nothing };
      }
      const read =
        rolloutProblem === null ? { rollout, rolloutProblem } : { rollout: null, rolloutProblem };
      return { isPresent, versions: new Map(versions), problems: new Map(), ...read };
    },
    async lookAt(file) {
      if (!contents.has(file)) return null;
      return [...versions.values()].find((files) => files.file === file) ?? null;
    },
    async readGolden(goldenFile): Promise<Golden> {
      return parseGolden(goldenFile, goldens.get(goldenFile)!);
    },
    async updateRollout(change) {
      rollout = change(rollout);
      return rollout;
    },
  };
}
