/** The page a redrive prints for people. */
import { describe, expect, it } from 'vitest';
import { redriveJson, redriveText } from '../../../services/cli/redrive-result.ts';
import type { RedriveResult } from '../../../services/redrive/redrive.ts';

const result: RedriveResult = {
  ...{ end: 'done', selected: 1_250, redriven: 1_240, recovered: 3, foreign: 2 },
  skipped: { redriven: 6, repeated: 4, attempts: 0, tooLarge: 0 },
  wouldBeRefused: new Map([['invariant.allowed', 40]]),
  byRule: [
    {
      ...{ class: 'invariant', rule: 'invariant.range', stage: 'validator' },
      ...{ count: 1_249, skipped: 10, oldestMs: 0, newestMs: 60_000, wouldBeValid: 1_199 },
      example: 'column age is 41,\u001b[2J\nexpected between 18 and 40',
    },
    {
      ...{ class: 'inference', rule: 'inference.run', stage: 'inference-worker' },
      ...{ count: 1, skipped: 0, oldestMs: 0, newestMs: 0, wouldBeValid: 1 },
      example: 'the model failed',
    },
  ],
};

describe('the page of a redrive', () => {
  it('says what was sent and why the rest was not', () => {
    expect(redriveText(redriveJson(result, false)).split('\n')).toEqual([
      'rule             stage             count  skipped  oldest             newest             example',
      'invariant.range  validator         1 249  10       1970-01-01T00:00Z  1970-01-01T00:01Z  column age is 41, [2J expected between 18 and 40',
      'inference.run    inference-worker  1      0        1970-01-01T00:00Z  1970-01-01T00:00Z  the model failed',
      '',
      'selected     1 250',
      '  skipped    6  redriven before',
      '  skipped    4  the same refusal again',
      'not ours     2 records of the range, left alone',
      'redriven     1 240',
      'recovered    3 that an interrupted redrive had announced',
      '',
    ]);
  });

  it('says of a dry run what would come of it', () => {
    const tried = redriveText(redriveJson({ ...result, redriven: 0, recovered: 0 }, true));
    expect(tried.split('\n').slice(-7)).toEqual([
      'not ours     2 records of the range, left alone',
      'would be valid now          1 200',
      '  of them 1 were refused by the model, which was not tried',
      'would be refused again      40',
      '  invariant.allowed         40',
      'dry run: nothing was written',
      '',
    ]);
    expect(tried).not.toContain('redriven     ');
  });

  it('says so where nothing matches', () => {
    const nothing = { ...result, byRule: [], selected: 0 };
    expect(redriveText(redriveJson(nothing, false))).toMatch(/^nothing in quarantine matches\n/);
  });
});
