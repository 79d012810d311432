/**
 * Where JSON is wrong: `JSON.parse` does not always say, so the tokens are walked once more when it
 * has already failed.
 */

export interface JsonMistake {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

const SPACE = /[ \t\r\n]*/y;
const STRING = /"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
const OTHER_VALUE = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y;

function mistakeAt(text: string, offset: number, expected: string): JsonMistake {
  const before = text.slice(0, offset).split('\n');
  const found = offset >= text.length ? 'the end of the file' : JSON.stringify(text[offset]);
  return {
    line: before.length,
    column: before.at(-1)!.length + 1,
    message: `not valid JSON: found ${found}, expected ${expected}`,
  };
}

/** The first mistake of a text that `JSON.parse` refuses. */
function findMistake(text: string): JsonMistake {
  let offset = 0;
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = offset;
    const match = pattern.exec(text);
    if (match !== null) offset += match[0].length;
    return match !== null;
  };
  const takeMark = (marks: string): string | null => {
    take(SPACE);
    const mark = text[offset];
    if (mark === undefined || !marks.includes(mark)) return null;
    offset++;
    return mark;
  };
  const stack: ('{' | '[')[] = [];
  const fail = (expected: string) => mistakeAt(text, offset, expected);
  const key = (): JsonMistake | null => {
    take(SPACE);
    if (!take(STRING)) return fail('a key in double quotes');
    return takeMark(':') === null ? fail('":"') : null;
  };
  for (;;) {
    const open = takeMark('{[');
    if (open === '{' || open === '[') {
      stack.push(open);
      if (takeMark(open === '{' ? '}' : ']') === null) {
        const mistake = open === '{' ? key() : null;
        if (mistake !== null) return mistake;
        continue;
      }
      stack.pop();
    } else if (!take(STRING) && !take(OTHER_VALUE)) return fail('a value');
    while (stack.length > 0) {
      const close = stack.at(-1) === '{' ? '}' : ']';
      const mark = takeMark(`,${close}`);
      if (mark === null) return fail(`"," or "${close}"`);
      if (mark === ',') break;
      stack.pop();
    }
    if (stack.length === 0) {
      take(SPACE);
      return fail('the end of the file');
    }
    const mistake = stack.at(-1) === '{' ? key() : null;
    if (mistake !== null) return mistake;
  }
}

export function parseJson(
  text: string,
): { readonly ok: true; readonly value: unknown } | ({ readonly ok: false } & JsonMistake) {
  try {
    return { ok: true, value: JSON.parse(text) as unknown };
  } catch {
    return { ok: false, ...findMistake(text) };
  }
}
