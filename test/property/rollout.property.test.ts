/**
 * Laws of a rollout: ids stay where they are when shares change around them, the file keeps what is
 * put into it, and no run of changes ends in a plan that is not good.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../services/core/errors.ts';
import { promote, rollback } from '../../services/core/rollout/change-plan.ts';
import { planMistakes, versionsOf } from '../../services/core/rollout/check-plan.ts';
import { createChooser } from '../../services/core/rollout/choose-version.ts';
import {
  encodeRolloutFile,
  parseRolloutFile,
  type RolloutFile,
  rolloutFileOf,
} from '../../services/core/rollout/rollout-file.ts';
import type { RolloutPlan } from '../../services/core/rollout/rollout-plan.ts';

const VERSIONS = ['1', '2', '3.0', '3.1-rc', 'blue', 'green'];
const ids = fc.array(fc.oneof(fc.string({ unit: 'binary', maxLength: 40 }), fc.uuid()), {
  minLength: 50,
  maxLength: 200,
});
/** Per mille: decimal fractions, as people write them. */
const share = fc.integer({ min: 1, max: 999 }).map((perMille) => perMille / 1_000);

/** A plan of up to five versions whose shares leave some events to the primary. */
const plans = fc
  .record({
    order: fc.shuffledSubarray(VERSIONS, { minLength: 3, maxLength: 6 }),
    weights: fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 5, maxLength: 5 }),
    hasCanary: fc.boolean(),
    hasShadow: fc.boolean(),
  })
  .map(({ order, weights, hasCanary, hasShadow }): RolloutPlan => {
    const [primary, ...others] = order as [string, ...string[]];
    const shadow = hasShadow ? (others.pop() ?? null) : null;
    const shares = others.map((version, index) => ({ version, share: weights[index]! / 1_000 }));
    const canary = hasCanary ? (shares.shift() ?? null) : null;
    return { primary, canary, ab: shares, shadow };
  });

function withShare(plan: RolloutPlan, version: string, change: number): RolloutPlan {
  const moved = <T extends { version: string; share: number }>(each: T): T =>
    each.version === version ? { ...each, share: each.share + change } : each;
  return {
    ...plan,
    canary: plan.canary === null ? null : moved(plan.canary),
    ab: plan.ab.map(moved),
  };
}

const answering = ({ canary, ab }: RolloutPlan): string[] =>
  [...(canary === null ? [] : [canary]), ...ab].map(({ version }) => version);

describe('ids', () => {
  it('a share that is raised keeps every id it had, and takes them from others only', () => {
    fc.assert(
      fc.property(plans, ids, fc.nat(), share, (plan, all, pick, raise) => {
        const versions = answering(plan);
        fc.pre(versions.length > 0);
        const version = versions[pick % versions.length]!;
        const room = 0.999 - versions.length * 0.2;
        const raised = withShare(plan, version, Math.max(0, Math.min(raise, room)));
        fc.pre(planMistakes(raised).length === 0);
        const [before, after] = [createChooser(plan), createChooser(raised)];
        for (const id of all) {
          const [was, is] = [before(id).version, after(id).version];
          if (was === version) expect(is).toBe(version);
          // Whoever else lost an id, lost it to the version that was raised, or won it from the primary.
          else if (is !== was) expect([version, ...versions]).toContain(is);
          if (is === plan.primary) expect(was).toBe(plan.primary);
        }
      }),
    );
  });

  it('the order in which arms are written means nothing', () => {
    fc.assert(
      fc.property(plans, ids, (plan, all) => {
        const [one, other] = [
          createChooser(plan),
          createChooser({ ...plan, ab: plan.ab.toReversed() }),
        ];
        for (const id of all) expect(other(id)).toEqual(one(id));
      }),
    );
  });

  it('a version that is not served gives its ids to the primary, and nobody else moves', () => {
    fc.assert(
      fc.property(plans, ids, fc.nat(), (plan, all, pick) => {
        const versions = answering(plan);
        fc.pre(versions.length > 0);
        const missing = versions[pick % versions.length]!;
        const whole = createChooser(plan);
        const without = createChooser(plan, (version) => version !== missing);
        for (const id of all) {
          const { version } = whole(id);
          expect(without(id).version).toBe(version === missing ? plan.primary : version);
        }
      }),
    );
  });

  it('equal choices are one object, named by the role', () => {
    fc.assert(
      fc.property(plans, ids, (plan, all) => {
        const choose = createChooser(plan);
        const known = new Map<string, object>();
        for (const id of all) {
          const choice = choose(id);
          expect(known.get(choice.version) ?? choice).toBe(choice);
          known.set(choice.version, choice);
          const variant =
            choice.version === plan.primary
              ? 'primary'
              : choice.version === plan.canary?.version
                ? 'canary'
                : 'ab';
          expect(choice.variant).toBe(variant);
        }
      }),
    );
  });
});

describe('changes', () => {
  const change = fc.oneof(
    fc.record({
      kind: fc.constant('promote' as const),
      version: fc.option(fc.constantFrom(...VERSIONS)),
      share: fc.option(share),
      shadow: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('rollback' as const), shadow: fc.boolean() }),
  );

  it('any run of them leaves a good plan, is refused with a reason, and survives the file', () => {
    fc.assert(
      fc.property(plans, fc.array(change, { maxLength: 20 }), (plan, changes) => {
        let file: RolloutFile = rolloutFileOf(plan);
        for (const [index, each] of changes.entries()) {
          const stamp = { at: new Date(index).toISOString(), by: index % 2 === 0 ? null : 'ann' };
          const before = JSON.stringify(file);
          let next: RolloutFile;
          try {
            next =
              each.kind === 'promote' ? promote(file, each, stamp) : rollback(file, each, stamp);
          } catch (error) {
            expect(error).toBeInstanceOf(CodedError);
            expect(JSON.stringify(file)).toBe(before);
            continue;
          }
          expect(planMistakes(next)).toEqual([]);
          expect(next.history).toHaveLength(file.history.length + 1);
          expect(parseRolloutFile(encodeRolloutFile(next))).toEqual(next);
          // Whatever answered events and does so no longer can be gone back to or was withdrawn.
          if (next.primary !== file.primary && each.kind === 'promote') {
            expect(next.previous).toBe(file.primary);
            expect(rollback({ ...next, canary: null }, { shadow: false }, stamp).primary).toBe(
              file.primary,
            );
          }
          expect(new Set(versionsOf(next)).size).toBe(versionsOf(next).length);
          file = next;
        }
      }),
    );
  });

  it('hostile text is refused with a reason or read, never anything else', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        try {
          expect(planMistakes(parseRolloutFile(text))).toEqual([]);
        } catch (error) {
          expect((error as CodedError).code).toBe('configuration.invalid');
        }
      }),
    );
  });
});
