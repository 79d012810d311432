/**
 * Which version answers an event, by its id alone: pure, the same in every process and after every
 * restart, without an allocation.
 *
 * The canary draws with its version as salt and takes the ids below its share. Each arm then draws
 * with its own version among what is left, below the share of the rest that makes its share of all.
 * So each version has draws of its own; raising a share keeps every id the version had, lowering it
 * keeps the lowest of them, and a version that goes from canary to arm keeps its draws.
 *
 * A version that is not served stands aside: its ids go to the primary, nobody else's move.
 */
import type { RolloutPlan } from './rollout-plan.ts';
import { createSalt, draw, type Salt } from './stable-draw.ts';

export interface Choice {
  readonly variant: 'primary' | 'canary' | 'ab';
  readonly version: string;
}

/** Equal choices are one object. */
export type Chooser = (id: string) => Choice;

interface Arm {
  readonly salt: Salt;
  /** Of the ids that no arm before it took. */
  readonly threshold: number;
  readonly choice: Choice;
}

/** `isServed` is asked once for each version, now. */
export function createChooser(
  plan: RolloutPlan,
  isServed: (version: string) => boolean = () => true,
): Chooser {
  const primary: Choice = { variant: 'primary', version: plan.primary };
  const arms: Arm[] = [];
  let left = 1;
  const add = (variant: 'canary' | 'ab', version: string, share: number): void => {
    const choice: Choice = isServed(version) ? { variant, version } : primary;
    // The last arm takes all that is left where the shares add up to 1, whatever rounding left of it.
    const threshold = share >= left - ROUNDING ? 1 : share / left;
    arms.push({ salt: createSalt(version), threshold, choice });
    left -= share;
  };
  if (plan.canary !== null) add('canary', plan.canary.version, plan.canary.share);
  // Not in the order they are written in: that one may change without meaning anything.
  const ab = [...plan.ab].sort((a, b) => (a.version < b.version ? -1 : 1));
  for (const { version, share } of ab) add('ab', version, share);

  if (arms.length === 0) return () => primary;
  return (id) => {
    for (let index = 0; index < arms.length; index += 1) {
      const arm = arms[index]!;
      if (draw(id, arm.salt) < arm.threshold) return arm.choice;
    }
    return primary;
  };
}

const ROUNDING = 1e-9;
