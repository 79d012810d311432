/** `FROM:TO`, a range of rows on the command line: 0-based, half open, either end may be left out. */
import { CodedError } from '../../core/errors.ts';
import type { RowRange } from './dataset.ts';

/** Throws `configuration.invalid`. */
export function parseRowRange(text: string): RowRange {
  const match = /^(\d{0,15}):(\d{0,15})$/.exec(text);
  if (match === null || text === ':') {
    throw new CodedError(
      'configuration.invalid',
      `rows ${JSON.stringify(text)}: expected FROM:TO, such as 0:8000 (0-based, TO not included)`,
    );
  }
  const from = match[1] === '' ? 0 : Number(match[1]);
  const to = match[2] === '' ? Number.POSITIVE_INFINITY : Number(match[2]);
  if (from >= to) {
    throw new CodedError('configuration.invalid', `rows ${text}: expected FROM to be less than TO`);
  }
  return { from, to };
}
