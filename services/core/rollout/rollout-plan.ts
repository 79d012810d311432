/**
 * Which versions of a model answer which events. `monitor.yaml` declares a plan; `rollout.json` beside
 * the versions goes before it, so that a version is promoted or rolled back without a restart.
 */

/** Why a version answered: the plan's choice, or because another one could not. */
export type Variant = 'primary' | 'canary' | 'ab' | 'shadow' | 'fallback';

export const VARIANTS = ['primary', 'canary', 'ab', 'shadow', 'fallback'] as const;

export interface VersionShare {
  readonly version: string;
  /** Of the events, above 0, below 1. */
  readonly share: number;
}

export interface RolloutPlan {
  /** Answers what no other version is chosen for. */
  readonly primary: string;
  readonly canary: VersionShare | null;
  /** Arms of a comparison beside the primary; shares of canary and arms add up to at most 1. */
  readonly ab: readonly VersionShare[];
  /** Is asked about every event that a run has answered, where there is time, and answers none. */
  readonly shadow: string | null;
}
