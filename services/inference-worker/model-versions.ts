/**
 * The versions of a model that are loaded, and the plan in force: follows the models' folder, loads and
 * verifies what a new plan needs off to the side while scoring goes on, and then switches in one step.
 *
 * - A plan comes into force when its primary is loaded and verified; until then, and where it is refused,
 *   everything stays as it was. Of the rest of the plan a version that is not served is left out, loudly,
 *   and its events go to the primary.
 * - A look never waits for a load: going back to a version that is still loaded takes one look. Loads run
 *   one at a time, what matters most first.
 * - A version's files exchanged under the same name are loaded anew, and the old model goes on until the
 *   new one is verified. A refusal is said once for the same files.
 * - What the plan no longer names is kept for an instant rollback, `MODEL_VERSIONS_KEPT_MAX` of them, the
 *   former primary before all others; older ones end when their last batch is done.
 * - What cannot be read, a rollout.json with a mistake, a folder that has gone: nothing changes.
 */
import { CodedError } from '../core/errors.ts';
import { MODEL_FOLDER_INTERVAL_MS, MODEL_VERSIONS_KEPT_MAX } from '../core/limits.ts';
import { versionsOf } from '../core/rollout/check-plan.ts';
import { type Chooser, createChooser } from '../core/rollout/choose-version.ts';
import type { RolloutPlan } from '../core/rollout/rollout-plan.ts';
import type { Clock } from '../platform/clock/clock.ts';
import type { ModelFolder } from '../platform/model/model-folder.ts';
import type { LoadedModel } from '../platform/model/model-runtime.ts';
import { HeldVersions, type Serving } from './held-versions.ts';
import { type VersionChecks, type VersionEntry, verifyVersion } from './verify-version.ts';
import {
  isPlanEqual,
  type ModelVersionsStatus,
  type PlanSource,
  planOfServed,
  statusOf,
} from './version-status.ts';
import { type DeclaredVersions, WantedVersions } from './wanted-versions.ts';

/** `Served`: a version as the caller serves it. */
export interface ModelVersionsOptions<Served>
  extends Serving<Served>,
    Pick<VersionChecks, 'load' | 'fits'> {
  readonly spec: DeclaredVersions;
  readonly folder: ModelFolder;
  readonly clock: Clock;
  /** Follow the folder; live only, a replay keeps the plan it began with. */
  readonly watch: boolean;
  readonly events: {
    versionServed(version: string, model: LoadedModel): void;
    versionRefused(version: string, reason: string): void;
    versionRetired(version: string): void;
    planChanged(plan: RolloutPlan, source: PlanSource): void;
    /** After each look at the folder and each load, whether anything has changed or not. */
    versionsLooked(status: ModelVersionsStatus): void;
    /** What keeps the folder from being followed; said once until it is over. */
    folderFailed(reason: string): void;
  };
}

export interface ModelVersions<Served> {
  /** Throws `configuration.model` where the primary cannot be loaded, and leaves nothing behind. */
  start(): Promise<void>;
  /** In force; only versions that are served; another object whenever it changes. */
  plan(): RolloutPlan;
  /** By the plan in force; the ids of a version that is not served go to the primary, nobody else's move. */
  readonly choose: Chooser;
  /** Loaded and verified, in the plan or kept. */
  served(version: string): Served | null;
  allServed(): readonly Served[];
  /** One look at the folder; resolves when it is done, which is before what it began to load is. */
  check(): Promise<void>;
  status(): ModelVersionsStatus;
  /** Ends the watch and closes every model; nothing may run on them any more. */
  close(): Promise<void>;
}

interface Refusal {
  /** `null`: there were no files. */
  readonly fingerprint: string | null;
  readonly reason: string;
  readonly isTransient: boolean;
}

/** Files that are replaced while a service starts are given so many chances. */
const START_ATTEMPTS_MAX = 3;

export function createModelVersions<Served>(
  options: ModelVersionsOptions<Served>,
): ModelVersions<Served> {
  const { folder, clock, events } = options;
  const wanted = new WantedVersions(options.spec, folder);
  const { fallback } = wanted;
  const checks: VersionChecks = {
    folder,
    load: (entry) => options.load(entry),
    fits: (description) => options.fits(description),
    lookAgain: ({ version }) => wanted.lookAgain(version),
  };
  const held = new HeldVersions<Served>(options, failed);
  const refused = new Map<string, Refusal>();
  const stopping = new AbortController();
  let plan: RolloutPlan | null = null;
  let choose: Chooser = createChooser(wanted.target);
  let planCount = 0;
  let problems: readonly string[] = [];
  let looking: Promise<void> | null = null;
  let loading: { readonly version: string; readonly done: Promise<void> } | null = null;
  let watching: Promise<void> | null = null;

  const isHeld = (version: string): boolean => held.has(version);

  function report(found: readonly string[]): void {
    for (const reason of found) if (!problems.includes(reason)) events.folderFailed(reason);
    problems = found;
  }

  function refuse(version: string, refusal: Refusal): void {
    const before = refused.get(version);
    refused.set(version, refusal);
    const isSaid = before?.fingerprint === refusal.fingerprint && before.reason === refusal.reason;
    if (!isSaid) events.versionRefused(version, refusal.reason);
  }

  async function takeIn(): Promise<void> {
    report(await wanted.takeIn(await folder.look()));
    const needed = wanted.needed();
    for (const version of refused.keys()) if (!needed.includes(version)) refused.delete(version);
    for (const [version, reason] of wanted.missing()) {
      if (!isHeld(version)) refuse(version, { fingerprint: null, reason, isTransient: false });
    }
  }

  /** Brings the wanted plan into force as far as it can be, in one step. */
  function apply(): void {
    if (!isHeld(wanted.target.primary)) return;
    const next = planOfServed(wanted.target, isHeld, fallback);
    planCount += 1;
    const versions = [...versionsOf(next), ...(fallback === null ? [] : [fallback])];
    for (const version of versions) held.need(version, version === next.shadow, planCount);
    choose = createChooser(wanted.target, isHeld);
    if (plan !== null && isPlanEqual(next, plan)) return;
    plan = next;
    events.planChanged(plan, wanted.source);
  }

  function status(): ModelVersionsStatus {
    return statusOf({
      ...{ held: held.all(), refused, problems, fallback },
      ...{ source: wanted.source, target: wanted.target, needed: wanted.needed() },
      plan: plan ?? wanted.target,
      loading: loading?.version ?? null,
    });
  }

  async function take(entry: VersionEntry): Promise<'changed' | 'done'> {
    const { version, fingerprint } = entry;
    const verdict = await verifyVersion(entry, checks);
    if (verdict.kind === 'changed') return 'changed';
    if (verdict.kind === 'refused') {
      refuse(version, { ...verdict, fingerprint });
      return 'done';
    }
    const { model, isGolden } = verdict;
    refused.delete(version);
    const isSame = held.get(version)?.model.description.digest === model.description.digest;
    if (isSame) held.renew({ entry, isGolden });
    if (isSame || stopping.signal.aborted || !wanted.needed().includes(version)) {
      await model.close();
      return 'done';
    }
    // One that answers events goes on in its role until the plan says otherwise.
    const isShadow =
      held.get(version)?.isShadow ?? (version === wanted.target.shadow && version !== fallback);
    held.hold({ entry, model, isGolden }, isShadow, planCount);
    events.versionServed(version, model);
    return 'done';
  }

  function failed(error: unknown): void {
    events.folderFailed(error instanceof Error ? error.message : String(error));
  }

  function endSpare(): void {
    const { previous } = wanted;
    const kept = new Set([...wanted.needed(), ...(plan === null ? [] : versionsOf(plan))]);
    const rank = (version: string) =>
      version === previous ? Number.POSITIVE_INFINITY : held.get(version)!.neededBy;
    const spare = [...held.all().keys()].filter((version) => !kept.has(version));
    spare.sort((a, b) => rank(b) - rank(a));
    for (const version of spare.slice(MODEL_VERSIONS_KEPT_MAX)) {
      held.drop(version);
      events.versionRetired(version);
    }
  }

  function isDue({ version, fingerprint }: VersionEntry): boolean {
    if (!wanted.isSettled(version) || held.isEnding(version)) return false;
    if (held.get(version)?.entry.fingerprint === fingerprint) return false;
    const refusal = refused.get(version);
    return refusal?.fingerprint !== fingerprint || refusal.isTransient;
  }

  /** Begins the next load where one is due and none is under way. */
  function loadNext(): void {
    if (loading !== null || stopping.signal.aborted) return;
    const due = wanted.needed().map((version) => wanted.entry(version));
    const entry = due.find((each) => each !== null && isDue(each));
    if (entry === undefined || entry === null) return;
    const done = take(entry)
      .then((outcome) => {
        if (outcome === 'changed' || stopping.signal.aborted) return false;
        apply();
        endSpare();
        // A transient failure is tried again at the next look.
        return refused.get(entry.version)?.isTransient !== true;
      })
      .catch((error: unknown) => {
        failed(error);
        return false;
      })
      .then((isNextDue) => {
        loading = null;
        if (isNextDue) loadNext();
        events.versionsLooked(status());
      });
    loading = { version: entry.version, done };
  }

  async function look(): Promise<void> {
    try {
      await takeIn();
      apply();
      endSpare();
      loadNext();
      events.versionsLooked(status());
    } catch (error) {
      report([error instanceof Error ? error.message : String(error)]);
    }
  }

  function check(): Promise<void> {
    looking ??= look().finally(() => {
      looking = null;
    });
    return looking;
  }

  async function watch(): Promise<void> {
    const { signal } = stopping;
    while (!signal.aborted) {
      await clock.sleep(MODEL_FOLDER_INTERVAL_MS, signal);
      if (!signal.aborted) await check();
    }
  }

  async function loadAtStart(version: string): Promise<void> {
    for (let attempt = 1; attempt <= START_ATTEMPTS_MAX; attempt += 1) {
      const entry = wanted.entry(version);
      if (entry === null || (await take(entry)) === 'done') return;
      await takeIn();
    }
    const reason = 'its files change again and again while they are loaded';
    refuse(version, { fingerprint: null, reason, isTransient: true });
  }

  async function start(): Promise<void> {
    const { rolloutProblem } = await folder.look();
    if (rolloutProblem !== null) throw new CodedError('configuration.invalid', rolloutProblem);
    await takeIn();
    for (const version of wanted.needed()) {
      await loadAtStart(version);
      const { primary } = wanted.target;
      if (isHeld(primary)) continue;
      const reason = refused.get(primary)?.reason ?? 'it was not loaded';
      throw new CodedError('configuration.model', `primary version ${primary}: ${reason}`);
    }
    apply();
    events.versionsLooked(status());
    if (options.watch) watching = watch();
  }

  async function close(): Promise<void> {
    stopping.abort();
    await Promise.all([watching, looking, loading?.done]);
    await held.close();
  }

  return {
    start: () =>
      start().catch(async (error: unknown) => {
        await close();
        throw error;
      }),
    plan: () => plan ?? wanted.target,
    choose: (id) => choose(id),
    served: (version) => held.get(version)?.served ?? null,
    allServed: () => [...held.all().values()].map(({ served }) => served),
    check,
    status,
    close,
  };
}
