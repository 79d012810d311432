/**
 * `tidegauge rollout`: which version of a bundle's model answers which events, and changes of that, by
 * the bundle's `models/rollout.json`. Workers follow the file and switch without a restart.
 *
 * A version is promoted only after it was loaded and gave its golden outputs, by the code the workers
 * use. A rollback loads nothing: it has to be quick, and workers still have the version in memory.
 */
import { userInfo } from 'node:os';
import { Argument, type Command, InvalidArgumentError } from 'commander';
import { CodedError } from '../core/errors.ts';
import {
  type ChangeStamp,
  promote,
  promotedVersion,
  rollback,
} from '../core/rollout/change-plan.ts';
import { type RolloutFile, rolloutFileOf } from '../core/rollout/rollout-file.ts';
import { createSystemClock } from '../platform/clock/system-clock.ts';
import { type BundleVersions, createBundleVersions } from './bundle-versions.ts';
import { openBundle } from './open-bundle.ts';
import { compareLiveVersions } from './rollout-live.ts';
import { type RolloutJson, rolloutJson, rolloutText, type VersionJson } from './rollout-result.ts';

const ACTIONS = ['status', 'promote', 'rollback'] as const;
type Action = (typeof ACTIONS)[number];

interface RolloutOptions {
  readonly bundle: string;
  readonly share?: number;
  readonly shadow?: true;
  readonly brokers?: string;
  readonly json?: true;
}

export function addRolloutCommand(program: Command): void {
  program
    .command('rollout')
    .description('which version of the model answers which events, and changes of that')
    .addArgument(new Argument('<action>', 'what to do').choices(ACTIONS))
    .argument('[version]', 'the version to promote; the canary where not given')
    .requiredOption('--bundle <folder>', 'the folder that describes the monitor')
    .option('--share <share>', 'promote as the canary, for this share of the events', parseShare)
    .option('--shadow', 'promote as the shadow; rollback: withdraw the shadow')
    .option('--brokers <host:port,…>', 'status: compare the versions by their latest predictions')
    .option('--json', 'print the result as one JSON object on the last line')
    .addHelpText('after', EXPLANATION)
    .action(async (action: Action, version: string | undefined, options: RolloutOptions) => {
      const result = await runRollout(action, version ?? null, options);
      const text = options.json ? `${JSON.stringify(result)}\n` : rolloutText(result);
      process.stdout.write(text);
    });
}

const EXPLANATION = `
promote loads the version, verifies its golden outputs, and makes it the primary; with --share the
canary, in place of another one; with --shadow the shadow, which is asked about every event and answers
none. A version has one role: it leaves the one it had.
rollback withdraws the canary while there is one; else the primary before this one is the primary again,
once. With --shadow it withdraws the shadow.
models/rollout.json goes before the versions that monitor.yaml declares; remove it to go back to those.`;

export async function runRollout(
  action: Action,
  version: string | null,
  options: RolloutOptions,
): Promise<RolloutJson> {
  const { share = null, shadow = false } = options;
  if (action !== 'promote' && (version !== null || share !== null)) {
    throw new CodedError('configuration.invalid', `${action} takes no version and no --share`);
  }
  if (action !== 'status' && options.brokers !== undefined) {
    throw new CodedError('configuration.invalid', `${action} takes no --brokers`);
  }
  const lenient = { requireModel: false, requireReference: false };
  const bundle = await openBundle(options.bundle, lenient);
  const versions = createBundleVersions(bundle);
  const current = await currentPlan(versions);
  switch (action) {
    case 'status': {
      const status = rolloutJson(
        { action, ...current, ...about(versions) },
        await survey(versions),
      );
      const { brokers } = options;
      if (brokers === undefined) return status;
      return { ...status, comparison: await compareLiveVersions(bundle, brokers) };
    }
    case 'promote': {
      const promoted = promotedVersion(current.plan, { version, share, shadow });
      await requireVerified(promoted, versions);
      const promotion = { version: promoted, share, shadow };
      return change(versions, action, (before, stamp) => promote(before, promotion, stamp));
    }
    case 'rollback': {
      const result = await change(versions, action, (before, stamp) =>
        rollback(before, { shadow }, stamp),
      );
      await warnOfAbsence(result, versions);
      return result;
    }
  }
}

interface CurrentPlan {
  readonly plan: RolloutFile;
  /** By monitor.yaml: there is no rollout.json. */
  readonly isDeclared: boolean;
}

function about({ model }: BundleVersions) {
  const { fallback, rollout } = model;
  return {
    declaredPrimary: rollout.primary,
    fallback: fallback?.kind === 'version' ? fallback.version : null,
  };
}

async function currentPlan({ model, folder }: BundleVersions): Promise<CurrentPlan> {
  const { rollout, rolloutProblem } = await folder.look();
  if (rolloutProblem !== null) throw new CodedError('configuration.invalid', rolloutProblem);
  return { plan: rollout ?? rolloutFileOf(model.rollout), isDeclared: rollout === null };
}

async function change(
  versions: BundleVersions,
  action: Action,
  next: (before: RolloutFile, stamp: ChangeStamp) => RolloutFile,
): Promise<RolloutJson> {
  const at = new Date(createSystemClock().nowMs()).toISOString();
  const { model, folder } = versions;
  const stamp = { at, by: userName() };
  const file = await folder.updateRollout((before) =>
    next(before ?? rolloutFileOf(model.rollout), stamp),
  );
  return rolloutJson({ action, plan: file, isDeclared: false, ...about(versions) }, null);
}

async function requireVerified(version: string, versions: BundleVersions): Promise<void> {
  const entry = (await versions.entries()).get(version);
  if (entry === undefined || typeof entry === 'string') {
    const reason = entry ?? `there is no ${versions.folder.directory}/${version}`;
    throw new CodedError('configuration.model', `version ${version} is refused: ${reason}`);
  }
  const verdict = await versions.verify(entry);
  if (verdict.kind === 'verified') return verdict.model.close();
  const reason =
    verdict.kind === 'refused' ? verdict.reason : 'its files were replaced while it was loaded';
  throw new CodedError('configuration.model', `version ${version} is refused: ${reason}`);
}

/** Loads every version there is, one after the other. */
async function survey(versions: BundleVersions): Promise<readonly VersionJson[]> {
  const found: VersionJson[] = [];
  for (const [version, entry] of await versions.entries()) {
    const unusable = { version, kind: null, digest: null, golden: null } as const;
    if (typeof entry === 'string') {
      found.push({ ...unusable, reason: entry });
      continue;
    }
    const verdict = await versions.verify(entry);
    const { kind } = entry;
    if (verdict.kind === 'verified') {
      const { digest } = verdict.model.description;
      await verdict.model.close();
      const golden = verdict.isGolden ? 'verified' : 'absent';
      found.push({ version, kind, digest, golden, reason: '' });
      continue;
    }
    const reason =
      verdict.kind === 'refused' ? verdict.reason : 'its files were replaced while it was loaded';
    found.push({ ...unusable, kind, reason });
  }
  return found;
}

async function warnOfAbsence(result: RolloutJson, versions: BundleVersions): Promise<void> {
  const { version } = result.plan.find(({ role }) => role === 'primary')!;
  const entry = (await versions.entries()).get(version);
  if (entry !== undefined && typeof entry !== 'string') return;
  process.stderr.write(
    `tidegauge: version ${version} has no files: only workers that still hold it can go back to it\n`,
  );
}

function userName(): string | null {
  try {
    return userInfo().username;
  } catch {
    // A container's user need not have a name.
    return null;
  }
}

function parseShare(text: string): number {
  const share = text.endsWith('%') ? Number(text.slice(0, -1)) / 100 : Number(text);
  if (/^\d+(\.\d+)?%?$/.test(text) && share > 0 && share < 1) return share;
  throw new InvalidArgumentError(`"${text}" is not a share such as 10%, above 0 and below 100%`);
}
