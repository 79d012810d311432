/**
 * The `Authorization: Bearer` header (RFC 6750) against one shared token, in a time that depends on
 * neither of them.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

/** RFC 7235's `token68`: what a bearer token can be made of. */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;
const HEADER = /^Bearer +([^ ]+) *$/i;

export type TokenVerdict = 'right' | 'missing' | 'wrong';

export function isBearerToken(token: string): boolean {
  return TOKEN.test(token);
}

/** Digests have one length, so that comparing says nothing about the length of the token either. */
export function createTokenCheck(token: string): (header: string | undefined) => TokenVerdict {
  const expected = digestOf(token);
  return (header) => {
    const given = header === undefined ? null : HEADER.exec(header);
    if (given === null) return 'missing';
    return timingSafeEqual(digestOf(given[1]!), expected) ? 'right' : 'wrong';
  };
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
