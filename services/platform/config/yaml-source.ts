/**
 * Reads YAML 1.2 and keeps the places of its values, so that every later complaint names a line.
 *
 * Guards against what YAML makes possible: repeated keys, keys that are not text, anchors that
 * expand without end, nesting beyond the stack. The only file that knows the YAML library.
 */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
} from 'yaml';
import type { Locate, Problem } from './problem.ts';

export type YamlSource =
  | { readonly ok: true; readonly value: unknown; readonly locate: Locate }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Nodes one alias may expand to; a few shared thresholds, not a bomb. */
const ALIAS_COUNT_MAX = 100;
/** Further ones are mostly consequences of the first. */
const SYNTAX_ERRORS_MAX = 10;

function resolve(node: unknown, document: Document): unknown {
  return isAlias(node) ? node.resolve(document) : node;
}

/** The deepest node of `path` that exists: what is missing is reported at its parent. */
function nodeAt(
  document: Document,
  path: readonly (string | number)[],
  part: 'key' | 'value',
): Node | null {
  let node: unknown = document.contents;
  for (const [index, step] of path.entries()) {
    const inner = resolve(node, document);
    const last = index === path.length - 1;
    let next: unknown = null;
    if (isMap(inner)) {
      const pair = inner.items.find(
        ({ key }) => isScalar(key) && String(key.value) === String(step),
      );
      const valueIsEmpty = isScalar(pair?.value) && pair.value.source === '';
      next = (last && part === 'key') || valueIsEmpty ? pair?.key : pair?.value;
    } else if (isSeq(inner)) {
      next = inner.items[Number(step)];
    }
    if (!isNode(next)) break;
    node = next;
  }
  return isNode(node) ? node : null;
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0]!.replace(/ at line \d+, column \d+:?$/, '');
}

export function parseYaml(file: string, text: string): YamlSource {
  const lines = new LineCounter();
  const problem = (line: number, column: number, message: string): YamlSource => ({
    ok: false,
    problems: [{ file, line, column, path: '', message }],
  });
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      stringKeys: true,
      uniqueKeys: true,
      version: '1.2',
    });
    if (document.errors.some(({ code }) => code === 'RESOURCE_EXHAUSTION')) {
      return problem(1, 1, 'it is nested too deeply');
    }
    if (document.errors.length > 0) {
      const problems = document.errors.slice(0, SYNTAX_ERRORS_MAX).map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        return { file, line, column: col, path: '', message: firstLine(error.message) };
      });
      return { ok: false, problems };
    }
    const value: unknown = document.toJS({ maxAliasCount: ALIAS_COUNT_MAX });
    const locate: Locate = (path, part = 'value') => {
      const node = nodeAt(document, path, part);
      const { line, col } = lines.linePos(node?.range?.[0] ?? 0);
      return { line: Math.max(1, line), column: Math.max(1, col) };
    };
    return { ok: true, value, locate };
  } catch (error) {
    if (error instanceof RangeError) return problem(1, 1, 'it is nested too deeply');
    if (error instanceof ReferenceError)
      return problem(1, 1, `an alias is wrong: ${error.message}`);
    throw error;
  }
}
