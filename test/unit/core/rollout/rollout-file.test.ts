/** rollout.json: what is written is read back, and each mistake is refused by the name of its field. */
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../../services/core/errors.ts';
import {
  encodeRolloutFile,
  parseRolloutFile,
} from '../../../../services/core/rollout/rollout-file.ts';

const WHOLE = {
  primary: '4',
  previous: '3',
  canary: { version: '5', share: 0.1 },
  ab: [{ version: '6.0-rc_1', share: 0.2 }],
  shadow: '7',
  history: [
    { at: '2026-11-21T10:00:00.000Z', change: 'promote 4', by: 'ann' },
    { at: '2026-11-21T11:00:00+01:00', change: 'canary 5 at 10%' },
  ],
};

function mutated(change: object): string {
  return JSON.stringify({ ...WHOLE, ...change });
}

describe('a good file', () => {
  it('is read, and written again as it was', () => {
    const text = `${JSON.stringify(WHOLE, null, 2)}\n`;
    const file = parseRolloutFile(text);
    expect(file).toMatchObject({ ...WHOLE, history: [{ by: 'ann' }, { by: null }] });
    expect(encodeRolloutFile(file)).toBe(text);
  });

  it('written by hand says as little as the primary', () => {
    const nothing = { previous: null, canary: null, ab: [], shadow: null, history: [] };
    expect(parseRolloutFile('{"primary":"4"}')).toEqual({ primary: '4', ...nothing });
    const nulls = '{"primary":"4","previous":null,"canary":null,"ab":null,"shadow":null}';
    expect(parseRolloutFile(nulls)).toEqual({ primary: '4', ...nothing });
  });
});

describe('a mistake', () => {
  const mistakes: readonly (readonly [string, RegExp])[] = [
    ['', /rollout\.json: not valid JSON/],
    ['[]', /rollout\.json: found \[\], expected an object/],
    ['null', /found null, expected an object/],
    ['{}', /primary: is absent, expected a version/],
    [mutated({ primary: 4 }), /primary: found 4, expected a version/],
    [mutated({ primary: '' }), /primary: found "", expected a version/],
    [mutated({ primary: '../../etc' }), /primary: found "..\/..\/etc"/],
    [mutated({ primary: '.hidden' }), /primary: found ".hidden"/],
    [mutated({ primary: '-4' }), /primary: found "-4"/],
    [mutated({ primary: 'v'.repeat(101) }), /primary: found "v{79}, expected/],
    [mutated({ previous: 3 }), /previous: found 3/],
    [mutated({ canary: '5' }), /canary: found "5", expected an object/],
    [mutated({ canary: { version: '5' } }), /canary\.share: is absent, expected a number/],
    [mutated({ canary: { version: '5', share: '10%' } }), /canary\.share: found "10%"/],
    [mutated({ canary: { version: '5', share: 0 } }), /canary\.share: found 0, expected a share/],
    [mutated({ canary: { version: '5', share: 1 } }), /canary\.share: found 1, expected a share/],
    [mutated({ canary: { version: '5', share: 0.1, x: 1 } }), /canary\.x: unknown field/],
    [
      mutated({ canary: { version: '4', share: 0.1 } }),
      /canary\.version: version 4 is the primary/,
    ],
    [mutated({ ab: {} }), /ab: found {}, expected a list/],
    [mutated({ ab: [{ version: '6', share: 2 }] }), /ab\[0\]\.share: found 2/],
    [mutated({ ab: [{ version: '5', share: 0.1 }] }), /ab\[0\]\.version: version 5 is the canary/],
    [mutated({ ab: [{ version: '6', share: 0.95 }] }), /ab: the shares .* add up to 1\.05/],
    [mutated({ shadow: '6.0-rc_1' }), /shadow: version 6\.0-rc_1 is an arm/],
    [mutated({ shadow: true }), /shadow: found true/],
    [
      mutated({ history: [{ at: 'yesterday', change: 'x' }] }),
      /history\[0\]\.at: found "yesterday"/,
    ],
    [mutated({ history: [{ at: '2026-13-41T10:00:00Z', change: 'x' }] }), /history\[0\]\.at/],
    [mutated({ history: [{ at: '2026-11-21T10:00:00Z' }] }), /history\[0\]\.change: is absent/],
    [
      mutated({ history: [{ at: '2026-11-21T10:00:00Z', change: 'x', by: 1 }] }),
      /history\[0\]\.by: found 1/,
    ],
    [mutated({ promoted: '5' }), /promoted: unknown field, expected primary, previous/],
    ['{"primary":"4","__proto__":{"shadow":"5"}}', /__proto__: unknown field/],
  ];
  it.each(mistakes)('%s', (text, message) => {
    expect(() => parseRolloutFile(text)).toThrow(message);
    expect(() => parseRolloutFile(text)).toThrow(CodedError);
  });
});
