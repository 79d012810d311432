/**
 * What the text of a table's cell means: a number, a boolean, or nothing.
 *
 * One reading for all, so that a profile and a replay of the same file see the same values.
 */

/** How pandas, R, SQL dumps and Python write a missing number. */
const MISSING_WORDS: ReadonlySet<string> = new Set([
  'NA',
  'N/A',
  'NaN',
  'nan',
  'null',
  'NULL',
  'None',
]);

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const INFINITY = /^([+-]?)(?:inf|infinity)$/i;

/** Missing where a number or a boolean is expected; for text only the empty cell is missing. */
export function isMissingText(text: string): boolean {
  return text === '' || MISSING_WORDS.has(text);
}

/** `null` where it is not a decimal number; surrounding blanks do not matter. */
export function parseNumberText(text: string): number | null {
  const trimmed = text.trim();
  if (NUMBER.test(trimmed)) return Number(trimmed);
  const infinite = INFINITY.exec(trimmed);
  if (infinite === null) return null;
  return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}

/** `null` where it is neither. */
export function parseBooleanText(text: string): boolean | null {
  switch (text.trim()) {
    case 'true':
    case 'True':
    case 'TRUE':
      return true;
    case 'false':
    case 'False':
    case 'FALSE':
      return false;
    default:
      return null;
  }
}
