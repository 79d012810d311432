/**
 * The plan that can be in force with the versions that are served, and what is to be said of them: pure.
 */
import type { RolloutPlan, Variant } from '../core/rollout/rollout-plan.ts';
import type { LoadedModel } from '../platform/model/model-runtime.ts';

export type PlanSource = 'monitor.yaml' | 'rollout.json';

export interface VersionStatus {
  readonly version: string;
  /** What it is for, `kept` for a rollback alone. */
  readonly roles: readonly (Variant | 'kept')[];
  /** `refused` where it is not served at all; a served version whose new files were refused is `serving`. */
  readonly state: 'serving' | 'loading' | 'refused';
  /** SHA-256 of the model, hex; `null`: not loaded. */
  readonly digest: string | null;
  /** Its golden inputs gave what they should. */
  readonly isGolden: boolean;
  /** Why it, or its new files, were refused; empty where they were not. */
  readonly reason: string;
}

export interface ModelVersionsStatus {
  /** Where the plan that is wanted stands. */
  readonly source: PlanSource;
  /** In force. */
  readonly plan: RolloutPlan;
  /** The plan that is wanted is in force, all of it. */
  readonly isComplete: boolean;
  readonly versions: readonly VersionStatus[];
  /** What keeps the folder from being followed. */
  readonly problems: readonly string[];
}

/** What is left of a plan whose primary is served. A shadow is not the fallback: one queue serves both. */
export function planOfServed(
  plan: RolloutPlan,
  isServed: (version: string) => boolean,
  fallback: string | null,
): RolloutPlan {
  const { primary, canary, ab, shadow } = plan;
  const hasShadow = shadow !== null && shadow !== fallback && isServed(shadow);
  return {
    primary,
    canary: canary !== null && isServed(canary.version) ? canary : null,
    ab: ab.filter(({ version }) => isServed(version)),
    shadow: hasShadow ? shadow : null,
  };
}

export function isPlanEqual(a: RolloutPlan, b: RolloutPlan): boolean {
  const text = ({ primary, canary, ab, shadow }: RolloutPlan) =>
    JSON.stringify([
      primary,
      canary === null ? null : [canary.version, canary.share],
      ab.map(({ version, share }) => [version, share]),
      shadow,
    ]);
  return text(a) === text(b);
}

export function statusOf(state: {
  readonly source: PlanSource;
  readonly plan: RolloutPlan;
  readonly target: RolloutPlan;
  readonly fallback: string | null;
  readonly held: ReadonlyMap<string, { readonly model: LoadedModel; readonly isGolden: boolean }>;
  readonly refused: ReadonlyMap<string, { readonly reason: string }>;
  readonly problems: readonly string[];
  /** The version that is being loaded. */
  readonly loading: string | null;
  /** Versions of `target`, and the fallback. */
  readonly needed: readonly string[];
}): ModelVersionsStatus {
  const { source, plan, target, fallback, held, refused, problems, loading } = state;
  const versions = [...new Set([...state.needed, ...held.keys()])];
  return {
    source,
    plan,
    isComplete: isPlanEqual(plan, target),
    versions: versions.map((version) => {
      const loaded = held.get(version);
      const roles = rolesOf(version, loaded === undefined ? target : plan, fallback);
      return {
        version,
        roles: roles.length === 0 ? ['kept'] : roles,
        state:
          loaded !== undefined
            ? 'serving'
            : version === loading || !refused.has(version)
              ? 'loading'
              : 'refused',
        digest: loaded?.model.description.digest ?? null,
        isGolden: loaded?.isGolden ?? false,
        reason: refused.get(version)?.reason ?? '',
      };
    }),
    problems,
  };
}

export function rolesOf(
  version: string,
  { primary, canary, ab, shadow }: RolloutPlan,
  fallback: string | null,
): readonly Variant[] {
  const roles: Variant[] = [];
  if (version === primary) roles.push('primary');
  if (version === canary?.version) roles.push('canary');
  if (ab.some((arm) => arm.version === version)) roles.push('ab');
  if (version === shadow) roles.push('shadow');
  if (version === fallback) roles.push('fallback');
  return roles;
}
