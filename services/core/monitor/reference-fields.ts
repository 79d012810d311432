/**
 * The fields of reference.json as they are read: each is what it should be, or refused by its place
 * in the file with `configuration.invalid`. The text may come from anywhere.
 */
import { CodedError } from '../errors.ts';

const NAME_LENGTH_MAX = 1_000;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** What the bytes of a base64 text are, as `decode` reads them. */
export function sketchAt<T>(place: string, value: unknown, decode: (bytes: Uint8Array) => T): T {
  if (typeof value !== 'string' || !BASE64.test(value)) return fail(place, 'expected base64 text');
  return refusedAt(place, () => decode(Buffer.from(value, 'base64')));
}

/** What `read` refuses is refused by its place in the reference. */
export function refusedAt<T>(place: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return fail(place, error.message, error);
  }
}

export function entriesAt(place: string, value: unknown, countMax: number): [string, unknown][] {
  const entries = Object.entries(objectAt(place, value));
  if (entries.length > countMax) {
    fail(place, `${entries.length} entries, expected at most ${countMax}`);
  }
  for (const [name] of entries) {
    if (name.length === 0 || name.length > NAME_LENGTH_MAX) {
      fail(place, `a name of ${name.length} characters, expected 1 to ${NAME_LENGTH_MAX}`);
    }
  }
  return entries;
}

export function objectAt(place: string, value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  return fail(place, `${show(value)}, expected an object`);
}

export function countAt(place: string, value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  return fail(place, `${show(value)}, expected a whole number, 0 or more`);
}

export function show(value: unknown): string {
  return value === undefined ? 'is absent' : JSON.stringify(value).slice(0, 80);
}

export function fail(place: string, reason: string, cause?: unknown): never {
  const where = place === '' ? 'the reference' : `the reference at ${place}`;
  throw new CodedError('configuration.invalid', `${where}: ${reason}`, { cause });
}
