/**
 * Refuses regular expressions that could run away.
 *
 * A backtracking matcher may try every way a pattern's quantifiers and alternatives can split a
 * value; hostile events would find the slow ones. This counts an upper bound of those ways for a
 * value of `CATEGORY_LENGTH_MAX` characters – `a*` has 257, two in a row 257 × 257, `(a+)+` 256^256 –
 * and refuses patterns beyond what takes some milliseconds. It over-counts, never under-counts,
 * within what it accepts: back references and lookbehind are refused.
 */
import { CATEGORY_LENGTH_MAX } from '../../core/limits.ts';

/** As many as three open quantifiers, or two in a pattern not anchored with ^. */
const WAYS_MAX = (CATEGORY_LENGTH_MAX + 1) ** 3;

const ATOM = /\\(?:[pPu]\{[^}]*\}|u[\da-fA-F]{4}|x[\da-fA-F]{2}|.)|\[(?:\\.|[^\]\\])*\]|[^()|]/suy;
const GROUP = /\((?:\?(?:[:=!]|<[A-Za-z_$][\w$]*>))?/y;
const QUANTIFIER = /(?:([*+?])|\{(\d+)(,(\d*))?\})\??/y;

class Reader {
  readonly pattern: string;
  offset = 0;

  constructor(pattern: string) {
    this.pattern = pattern;
  }

  take(regExp: RegExp): RegExpExecArray | null {
    regExp.lastIndex = this.offset;
    const match = regExp.exec(this.pattern);
    if (match !== null) this.offset += match[0].length;
    return match;
  }
}

function timesOf(quantifier: RegExpExecArray | null): readonly [number, number] {
  if (quantifier === null) return [1, 1];
  const [, sign, least, comma, greatest] = quantifier;
  if (sign === '*') return [0, CATEGORY_LENGTH_MAX];
  if (sign === '+') return [1, CATEGORY_LENGTH_MAX];
  if (sign === '?') return [0, 1];
  const low = Number(least);
  if (comma === undefined) return [low, low];
  return [low, greatest === '' ? CATEGORY_LENGTH_MAX : Number(greatest)];
}

/** Ways of everything up to the `)` or the end: alternatives add up, what follows multiplies. */
function countAlternatives(reader: Reader): number {
  let alternatives = 0;
  let ways = 1;
  while (reader.offset < reader.pattern.length) {
    const next = reader.pattern[reader.offset];
    if (next === ')') break;
    if (next === '|') {
      reader.offset++;
      alternatives += ways;
      ways = 1;
      continue;
    }
    let inner = 1;
    if (reader.take(GROUP) !== null) {
      inner = countAlternatives(reader);
      reader.offset++;
    } else if (reader.take(ATOM) === null) return Number.POSITIVE_INFINITY;
    const [least, greatest] = timesOf(reader.take(QUANTIFIER));
    ways *= (greatest - least + 1) * inner ** greatest;
  }
  return alternatives + ways;
}

/** Why a column's pattern cannot be used, `null` where it can. */
export function patternMistake(pattern: string): string | null {
  try {
    new RegExp(pattern, 'u');
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^.*\/u?: /, '') : String(error);
    return `not a valid regular expression: ${reason}`;
  }
  if (/\\[1-9]|\\k</.test(pattern)) return 'uses a back reference, expected a pattern without';
  if (/\(\?<[=!]/.test(pattern)) return 'uses lookbehind, expected a pattern without';
  const unanchored =
    pattern.startsWith('^') && !pattern.includes('|') ? 1 : CATEGORY_LENGTH_MAX + 1;
  const ways = countAlternatives(new Reader(pattern)) * unanchored;
  if (ways > WAYS_MAX) {
    return 'could take very long on some values, expected no repetition inside a repetition and at most three open-ended ones (two where the pattern does not start with ^)';
  }
  return null;
}
