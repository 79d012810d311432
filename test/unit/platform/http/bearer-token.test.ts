/** One token, the header it comes in, and what is no token at all. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createTokenCheck,
  isBearerToken,
} from '../../../../services/platform/http/bearer-token.ts';

const TOKEN = 'a-Token_of.some~kind+/==';
const token68 = fc.stringMatching(/^[A-Za-z0-9\-._~+/]{1,40}={0,2}$/);

describe('bearer token', () => {
  const check = createTokenCheck(TOKEN);

  it.each([`Bearer ${TOKEN}`, `bearer ${TOKEN}`, `BEARER   ${TOKEN} `])('takes %s', (header) => {
    expect(check(header)).toBe('right');
  });

  it.each([undefined, '', TOKEN, 'Bearer', 'Bearer ', `Basic ${TOKEN}`, `Bearer ${TOKEN} more`])(
    'sees no token in %s',
    (header) => {
      expect(check(header)).toBe('missing');
    },
  );

  it('takes its own token and no other, whatever both are', () => {
    fc.assert(
      fc.property(token68, token68, (own, other) => {
        const verdict = createTokenCheck(own)(`Bearer ${other}`);
        expect(verdict).toBe(own === other ? 'right' : 'wrong');
        expect(createTokenCheck(own)(`Bearer ${own}`)).toBe('right');
      }),
    );
  });

  it('knows what a token can be made of', () => {
    fc.assert(fc.property(token68, isBearerToken));
    for (const token of ['', ' ', 'two words', 'ümlaut', '=', 'a=b', 'line\n', '"quoted"']) {
      expect(isBearerToken(token), token).toBe(false);
    }
  });
});
