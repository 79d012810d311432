/**
 * What is wrong with a plan, wherever it was written: every version has a name and one role, and the
 * shares leave no event without an answer. Pure; whether the versions exist is another question.
 */
import type { RolloutPlan } from './rollout-plan.ts';
import { isVersionName, VERSION_NAME_EXPECTED } from './version-name.ts';

export interface PlanMistake {
  /** From the plan's own root: `['ab', 0, 'share']`. */
  readonly path: readonly (string | number)[];
  /** What was found and what was expected. */
  readonly message: string;
}

/** Rounding of decimal shares that add up to 1. */
const SHARES_MAX = 1 + 1e-9;

export function planMistakes(plan: RolloutPlan): readonly PlanMistake[] {
  const mistakes: PlanMistake[] = [];
  const roles = new Map<string, string>();

  function take(path: readonly (string | number)[], role: string, version: string): void {
    if (!isVersionName(version)) {
      const message = `found ${JSON.stringify(version)}, expected ${VERSION_NAME_EXPECTED}`;
      mistakes.push({ path, message });
    }
    const other = roles.get(version);
    if (other !== undefined) {
      mistakes.push({ path, message: `version ${version} is ${other} already, expected another` });
    }
    roles.set(version, other ?? role);
  }
  function takeShare(path: readonly (string | number)[], share: number): void {
    if (share > 0 && share < 1) return;
    mistakes.push({ path, message: `found ${share}, expected a share above 0 and below 1` });
  }

  take(['primary'], 'the primary', plan.primary);
  if (plan.canary !== null) {
    take(['canary', 'version'], 'the canary', plan.canary.version);
    takeShare(['canary', 'share'], plan.canary.share);
  }
  for (const [index, arm] of plan.ab.entries()) {
    take(['ab', index, 'version'], 'an arm', arm.version);
    takeShare(['ab', index, 'share'], arm.share);
  }
  if (plan.shadow !== null) take(['shadow'], 'the shadow', plan.shadow);

  const sum = plan.ab.reduce((total, { share }) => total + share, plan.canary?.share ?? 0);
  if (sum > SHARES_MAX) {
    const found = `the shares of canary and arms add up to ${Number(sum.toPrecision(6))}`;
    mistakes.push({
      path: plan.ab.length > 0 ? ['ab'] : ['canary'],
      message: `${found}, expected at most 1`,
    });
  }
  return mistakes;
}

/** Every version the plan names, what matters most first. */
export function versionsOf(plan: RolloutPlan): readonly string[] {
  return [
    plan.primary,
    ...(plan.canary === null ? [] : [plan.canary.version]),
    ...plan.ab.map(({ version }) => version),
    ...(plan.shadow === null ? [] : [plan.shadow]),
  ];
}
