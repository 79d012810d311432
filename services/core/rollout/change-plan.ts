/**
 * The two changes a rollout knows, pure: a plan in, the next plan out, or `configuration.invalid` with
 * the reason why not.
 *
 * `promote` moves a version one step nearer to all events: with `shadow` it is asked about every event
 * and answers none; with `share` it is the canary, in place of another one; with neither it is the
 * primary, and the former primary is remembered. Without a version it means the canary. A version has
 * one role: whatever it was before, canary, arm or shadow, it leaves.
 *
 * `rollback` takes back what answers events, the boldest thing first: while there is a canary, it is
 * withdrawn and the primary stays; without one, the primary before this one is the primary again. That
 * is remembered once: a second rollback in a panic must not bring the bad version back. With `shadow`
 * the shadow is withdrawn, and nothing else.
 */
import { CodedError } from '../errors.ts';
import { ROLLOUT_HISTORY_MAX } from '../limits.ts';
import { planMistakes } from './check-plan.ts';
import type { RolloutFile } from './rollout-file.ts';
import { isVersionName, VERSION_NAME_EXPECTED } from './version-name.ts';

export interface Promotion {
  /** `null`: the canary. */
  readonly version: string | null;
  /** As a canary that answers this share of the events; `null`: of all. */
  readonly share: number | null;
  /** As the shadow. */
  readonly shadow: boolean;
}

/** When and by whom, for the history. */
export interface ChangeStamp {
  readonly at: string;
  readonly by: string | null;
}

/** The version a promotion is about. */
export function promotedVersion(file: RolloutFile, promotion: Promotion): string {
  const { version, share, shadow } = promotion;
  if (shadow && share !== null) refuse('a shadow answers no events, so it has no share');
  if (version !== null && !isVersionName(version)) {
    refuse(`found ${JSON.stringify(version)}, expected ${VERSION_NAME_EXPECTED}`);
  }
  if (version === file.primary) refuse(`version ${version} is the primary already`);
  if (version !== null) return version;
  if (shadow) return refuse('name the version that is to be the shadow');
  return file.canary?.version ?? refuse('there is no canary to promote; name a version');
}

export function promote(file: RolloutFile, promotion: Promotion, stamp: ChangeStamp): RolloutFile {
  const version = promotedVersion(file, promotion);
  const { share, shadow } = promotion;
  const rest = withoutVersion(file, version);
  if (shadow) return checked({ ...rest, shadow: version }, `shadow ${version}`, stamp);
  if (share !== null) {
    const change = `canary ${version} at ${percentText(share)}`;
    return checked({ ...rest, canary: { version, share } }, change, stamp);
  }
  const next = { ...rest, primary: version, previous: file.primary };
  return checked(next, `promote ${version}`, stamp);
}

export function rollback(
  file: RolloutFile,
  { shadow }: { readonly shadow: boolean },
  stamp: ChangeStamp,
): RolloutFile {
  if (shadow) {
    if (file.shadow === null) refuse('there is no shadow to withdraw');
    return checked({ ...file, shadow: null }, `withdraw shadow ${file.shadow}`, stamp);
  }
  if (file.canary !== null) {
    const change = `withdraw canary ${file.canary.version}`;
    return checked({ ...file, canary: null }, change, stamp);
  }
  const { previous } = file;
  if (previous === null) {
    return refuse(
      `there is no canary and no primary before ${file.primary} to go back to; promote a version by name`,
    );
  }
  const next = { ...withoutVersion(file, previous), primary: previous, previous: null };
  return checked(next, `roll back ${file.primary} to ${previous}`, stamp);
}

function withoutVersion(file: RolloutFile, version: string): RolloutFile {
  return {
    ...file,
    canary: file.canary?.version === version ? null : file.canary,
    ab: file.ab.filter((arm) => arm.version !== version),
    shadow: file.shadow === version ? null : file.shadow,
  };
}

function checked(file: RolloutFile, change: string, stamp: ChangeStamp): RolloutFile {
  const [mistake] = planMistakes(file);
  if (mistake !== undefined) refuse(mistake.message);
  const history = [...file.history, { ...stamp, change }].slice(-ROLLOUT_HISTORY_MAX);
  return { ...file, history };
}

function percentText(share: number): string {
  return `${Number((100 * share).toPrecision(6))}%`;
}

function refuse(reason: string): never {
  throw new CodedError('configuration.invalid', `rollout: ${reason}`);
}
