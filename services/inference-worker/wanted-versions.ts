/**
 * What the bundle asks for: the plan that is wanted, and the files of the versions it needs, as the last
 * look at the models' folder found them. Loads nothing and decides nothing.
 *
 * `rollout.json` goes before the plan that `monitor.yaml` declares. Taken away, the declared plan holds
 * again, but only when two looks agree that it is gone: one look may fall between the parts of an
 * exchange of the whole folder. Likewise a version's files are settled when two looks agree on them.
 */
import type { Fallback } from '../core/monitor/monitor.ts';
import { versionsOf } from '../core/rollout/check-plan.ts';
import type { RolloutPlan } from '../core/rollout/rollout-plan.ts';
import type { FolderLook, ModelFolder, VersionFiles } from '../platform/model/model-folder.ts';
import type { VersionEntry } from './verify-version.ts';
import type { PlanSource } from './version-status.ts';

/** The part of a monitor's model that says which versions there are. */
export interface DeclaredVersions {
  /** Absolute path of the file of `version`; `null`: it lies in the folder like the others. */
  readonly file: string | null;
  readonly version: string;
  readonly rollout: RolloutPlan;
  readonly fallback: Fallback | null;
}

export class WantedVersions {
  target: RolloutPlan;
  source: PlanSource = 'monitor.yaml';
  /** The primary before this one, as rollout.json says. */
  previous: string | null = null;
  readonly fallback: string | null;
  readonly #declared: DeclaredVersions;
  readonly #folder: ModelFolder;
  #isRolloutGone = false;
  #entries: ReadonlyMap<string, VersionEntry> = new Map();
  #missing: ReadonlyMap<string, string> = new Map();
  /** Fingerprints of the look before, and of the last, by version. */
  #before: ReadonlyMap<string, string> = new Map();
  #last: ReadonlyMap<string, string> = new Map();

  constructor(declared: DeclaredVersions, folder: ModelFolder) {
    this.#declared = declared;
    this.#folder = folder;
    this.target = declared.rollout;
    this.fallback = declared.fallback?.kind === 'version' ? declared.fallback.version : null;
  }

  /** Of the wanted plan and the fallback, what matters most first. */
  needed(): readonly string[] {
    const all = [...versionsOf(this.target), ...(this.fallback === null ? [] : [this.fallback])];
    return [...new Set(all)];
  }

  /** The files of a version that is needed; `null`: there are none. */
  entry(version: string): VersionEntry | null {
    return this.#entries.get(version) ?? null;
  }

  /** Why a version that is needed has no files. */
  missing(): ReadonlyMap<string, string> {
    return this.#missing;
  }

  isSettled(version: string): boolean {
    const fingerprint = this.#last.get(version);
    return fingerprint !== undefined && fingerprint === this.#before.get(version);
  }

  /** The version's files as they are now. */
  async lookAgain(version: string): Promise<VersionFiles | null> {
    const { file } = this.#declared;
    if (file !== null && version === this.#declared.version) return this.#folder.lookAt(file);
    return (await this.#folder.look()).versions.get(version) ?? null;
  }

  /** What is wrong with the folder as a whole; nothing has changed for it. */
  async takeIn(look: FolderLook): Promise<readonly string[]> {
    const { file, version: declared } = this.#declared;
    if (!look.isPresent && this.source === 'rollout.json') {
      return [`${this.#folder.directory}: the folder of versions is not there`];
    }
    const single = file === null ? null : await this.#folder.lookAt(file);
    this.#takeRollout(look);
    const versions = new Map<string, VersionFiles>(look.versions);
    if (single !== null) versions.set(declared, single);
    this.#before = this.#last;
    this.#last = new Map([...versions].map(([name, { fingerprint }]) => [name, fingerprint]));

    const entries = new Map<string, VersionEntry>();
    const missing = new Map<string, string>();
    for (const version of this.needed()) {
      const files = versions.get(version);
      const isInFolder = file === null || version !== declared;
      if (files !== undefined) entries.set(version, { ...files, version, isInFolder });
      else missing.set(version, look.problems.get(version) ?? this.#absence(version, isInFolder));
    }
    this.#entries = entries;
    this.#missing = missing;
    return [look.rolloutProblem, this.#roleProblem()].filter((each) => each !== null);
  }

  #takeRollout({ rollout, rolloutProblem }: FolderLook): void {
    if (rollout !== null) {
      const { primary, canary, ab, shadow } = rollout;
      this.target = { primary, canary, ab, shadow };
      this.previous = rollout.previous;
      this.source = 'rollout.json';
      this.#isRolloutGone = false;
    } else if (rolloutProblem === null && this.source === 'rollout.json') {
      if (this.#isRolloutGone) {
        this.target = this.#declared.rollout;
        this.previous = null;
        this.source = 'monitor.yaml';
      }
      this.#isRolloutGone = true;
    }
  }

  #roleProblem(): string | null {
    if (this.fallback === null || this.target.shadow !== this.fallback) return null;
    return `version ${this.fallback} is the fallback, so it is left out as the shadow`;
  }

  #absence(version: string, isInFolder: boolean): string {
    const { file } = this.#declared;
    return `there is no ${isInFolder ? `${this.#folder.directory}/${version}` : file}`;
  }
}
