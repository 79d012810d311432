/** What a promotion and a rollback make of a plan, step by step as people do it. */
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../../services/core/errors.ts';
import { ROLLOUT_HISTORY_MAX } from '../../../../services/core/limits.ts';
import {
  type Promotion,
  promote,
  promotedVersion,
  rollback,
} from '../../../../services/core/rollout/change-plan.ts';
import { type RolloutFile, rolloutFileOf } from '../../../../services/core/rollout/rollout-file.ts';

const STAMP = { at: '2026-11-21T10:00:00.000Z', by: 'ann' };
const START = rolloutFileOf({ primary: '3', canary: null, ab: [], shadow: null });

const to = (version: string | null, rest: Partial<Promotion> = {}): Promotion => ({
  ...{ version, share: null, shadow: false },
  ...rest,
});
const promoted = (file: RolloutFile, version: string | null, rest?: Partial<Promotion>) =>
  promote(file, to(version, rest), STAMP);
const back = (file: RolloutFile) => rollback(file, { shadow: false }, STAMP);
const plan = ({ history: _, ...rest }: RolloutFile) => rest;

describe('a rollout as it is meant', () => {
  it('shadow, canary, a larger canary, primary, and back', () => {
    const shadow = promoted(START, '4', { shadow: true });
    expect(plan(shadow)).toEqual({ ...plan(START), shadow: '4' });
    const canary = promoted(shadow, '4', { share: 0.1 });
    expect(plan(canary)).toEqual({ ...plan(START), canary: { version: '4', share: 0.1 } });
    const larger = promoted(canary, null, { share: 0.5 });
    expect(larger.canary).toEqual({ version: '4', share: 0.5 });
    const primary = promoted(larger, null);
    expect(plan(primary)).toEqual({ ...plan(START), primary: '4', previous: '3' });
    const before = back(primary);
    expect(plan(before)).toEqual(plan(START));
    expect(before.history.map(({ change }) => change)).toEqual([
      'shadow 4',
      'canary 4 at 10%',
      'canary 4 at 50%',
      'promote 4',
      'roll back 4 to 3',
    ]);
    expect(before.history.every(({ at, by }) => at === STAMP.at && by === 'ann')).toBe(true);
  });

  it('a rollback withdraws the canary first, and the primary stays', () => {
    const four = promoted(START, '4');
    const five = promoted(four, '5', { share: 0.01 });
    const withdrawn = back(five);
    expect(plan(withdrawn)).toEqual(plan(four));
    expect(plan(back(withdrawn))).toEqual(plan(START));
  });

  it('a second rollback does not bring the bad version back', () => {
    const rolledBack = back(promoted(START, '4'));
    expect(() => back(rolledBack)).toThrow(/no primary before 3/);
    expect(promoted(rolledBack, '4')).toMatchObject({ primary: '4', previous: '3' });
  });

  it('a rollback leaves the shadow alone, unless asked', () => {
    const both = promoted(promoted(START, '4'), '5', { shadow: true });
    expect(back(both)).toMatchObject({ primary: '3', shadow: '5' });
    const without = rollback(both, { shadow: true }, STAMP);
    expect(without).toMatchObject({ primary: '4', previous: '3', shadow: null });
    expect(without.history.at(-1)!.change).toBe('withdraw shadow 5');
  });

  it('a version leaves the role it had', () => {
    const arms = { ...START, ab: [{ version: '5', share: 0.2 }], shadow: '4' };
    expect(promoted(arms, '5')).toMatchObject({ primary: '5', ab: [], shadow: '4' });
    expect(promoted(arms, '5', { shadow: true })).toMatchObject({ ab: [], shadow: '5' });
    // The old primary is compared with the new one, and is wanted back.
    const compared = promoted(promoted(START, '4'), '3', { shadow: true });
    expect(back(compared)).toMatchObject({ primary: '3', shadow: null });
  });
});

describe('what is refused', () => {
  const refusals: readonly (readonly [string, () => unknown, RegExp])[] = [
    ['the primary again', () => promoted(START, '3'), /version 3 is the primary already/],
    ['no version and no canary', () => promoted(START, null), /no canary to promote/],
    ['a share of nobody', () => promoted(START, null, { share: 0.1 }), /no canary/],
    ['a shadow of nobody', () => promoted(START, null, { shadow: true }), /name the version/],
    [
      'a shadow with a share',
      () => promoted(START, '4', { shadow: true, share: 0.1 }),
      /a shadow answers no events/,
    ],
    ['a path', () => promoted(START, '../4'), /found "..\/4", expected a version/],
    ['all events as a canary', () => promoted(START, '4', { share: 1 }), /found 1, expected/],
    [
      'more than all events',
      () => promoted({ ...START, ab: [{ version: '5', share: 0.6 }] }, '4', { share: 0.5 }),
      /add up to 1.1, expected at most 1/,
    ],
    ['nothing to go back to', () => back(START), /no canary and no primary before 3/],
    [
      'no shadow to withdraw',
      () => rollback(START, { shadow: true }, STAMP),
      /no shadow to withdraw/,
    ],
  ];
  it.each(refusals)('%s', (_, change, message) => {
    expect(change).toThrow(message);
    expect(change).toThrow(CodedError);
  });

  it('the version meant is known before anything is changed', () => {
    const canary = { ...START, canary: { version: '9', share: 0.1 } };
    expect(promotedVersion(canary, to(null))).toBe('9');
    expect(promotedVersion(canary, to('4'))).toBe('4');
  });
});

it('remembers a bounded number of changes, the newest', () => {
  let file = START;
  for (let count = 0; count < ROLLOUT_HISTORY_MAX + 5; count += 1) {
    file = promoted(file, `v${count}`);
  }
  expect(file.history).toHaveLength(ROLLOUT_HISTORY_MAX);
  expect(file.history.at(-1)!.change).toBe(`promote v${ROLLOUT_HISTORY_MAX + 4}`);
});
