/**
 * Parses an expression and finds out what it reads, and refuses what would cost more than it says:
 * loops within loops, and regular expressions, which are left to a column's `pattern`.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import { environmentOf, summaryOf, type Variable } from './cel.ts';

export type Gives = 'boolean' | 'number';

export interface ReadPath {
  readonly variable: Variable;
  /** From the variable on. */
  readonly path: readonly string[];
}

export type ParsedExpression =
  | { readonly mistake: string }
  | {
      readonly mistake: null;
      readonly evaluate: (values: object) => unknown;
      readonly reads: readonly ReadPath[];
      /** Whether it may have a value though something it reads has none. */
      readonly isLenient: boolean;
    };

const LOOPS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);

/** What decides without an operand, or asks whether there is one. */
const LENIENT: ReadonlySet<string> = new Set(['&&', '||', '?:', 'call', 'rcall']);

const TYPES: Readonly<Record<Gives, readonly string[]>> = {
  boolean: ['bool', 'dyn'],
  number: ['double', 'int', 'dyn'],
};
const EXPECTED: Readonly<Record<Gives, string>> = {
  boolean: 'true or false',
  number: 'a number',
};

interface Survey {
  readonly variables: readonly Variable[];
  readonly reads: ReadPath[];
  isLenient: boolean;
  mistake: string | null;
}

function pathOf(node: ASTNode, variables: readonly Variable[]): ReadPath | null {
  if (node.op === 'id') {
    const variable = variables.find((name) => name === node.args);
    return variable === undefined ? null : { variable, path: [] };
  }
  if (node.op !== '.' && node.op !== '[]') return null;
  const parent = pathOf(node.args[0], variables);
  if (parent === null) return null;
  const key = node.op === '.' ? node.args[1] : literalOf(node.args[1]);
  return typeof key === 'string'
    ? { variable: parent.variable, path: [...parent.path, key] }
    : null;
}

function literalOf(node: ASTNode): unknown {
  return node.op === 'value' ? node.args : null;
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value;
}

function survey(node: ASTNode, loopDepth: number, into: Survey): void {
  const read = pathOf(node, into.variables);
  if (read !== null && read.path.length > 0) {
    into.reads.push(read);
    return;
  }
  let depth = loopDepth;
  if (LENIENT.has(node.op)) into.isLenient = true;
  if (node.op === 'value' && node.args === null) {
    into.mistake ??=
      'it compares with null; test with has(event.field) whether a field has a value';
  }
  if (node.op === 'rcall') {
    const [name] = node.args;
    if (name === 'matches') {
      into.mistake ??= 'it uses matches(); give the column a pattern instead';
    }
    if (LOOPS.has(name)) depth++;
    if (depth > 1) into.mistake ??= `it nests ${name}() in another loop`;
  }
  surveyAll(node.args, depth, into);
}

function surveyAll(args: unknown, loopDepth: number, into: Survey): void {
  if (isNode(args)) survey(args, loopDepth, into);
  else if (Array.isArray(args)) for (const each of args) surveyAll(each, loopDepth, into);
}

/** Whole numbers that are a branch of a choice become doubles: `event.old ? 1 : 0.5`. */
function widenBranches(node: unknown, isBranch: boolean): void {
  if (Array.isArray(node)) {
    for (const each of node) widenBranches(each, false);
  } else if (isNode(node)) {
    if (node.op === '?:') {
      const [condition, left, right] = node.args;
      widenBranches(condition, false);
      widenBranches(left, true);
      widenBranches(right, true);
    } else if (node.op === '-_') {
      widenBranches(node.args, isBranch);
    } else if (node.op === 'value') {
      if (isBranch && typeof node.args === 'bigint') {
        (node as { args: unknown }).args = Number(node.args);
      }
    } else {
      widenBranches(node.args, false);
    }
  }
}

function parseAndCheck(expression: string, variables: readonly Variable[]) {
  const parsed = environmentOf(variables).parse(expression);
  const check = parsed.check();
  const isMixedChoice =
    check.error !== undefined &&
    'code' in check.error &&
    check.error.code === 'incompatible_ternary_branches';
  if (!isMixedChoice) return { parsed, check };
  // A check leaves its findings in the nodes: so once more from the text.
  const widened = environmentOf(variables).parse(expression);
  widenBranches(widened.ast, false);
  return { parsed: widened, check: widened.check() };
}

/** Never throws, whatever the text. */
export function parseExpression(
  expression: string,
  { gives, variables }: { readonly gives: Gives; readonly variables: readonly Variable[] },
): ParsedExpression {
  try {
    const { parsed, check } = parseAndCheck(expression, variables);
    if (!check.valid) return { mistake: summaryOf(check.error) };
    const found: Survey = { variables, reads: [], isLenient: false, mistake: null };
    survey(parsed.ast, 0, found);
    if (found.mistake !== null) return { mistake: found.mistake };
    if (gives === 'boolean' && found.reads.length === 0) {
      const others = variables.length > 1 ? `, ${variables.slice(1).join(', ')}` : '';
      return { mistake: `it reads no field of event${others}` };
    }
    const type = String(check.type);
    if (!TYPES[gives].includes(type)) {
      return { mistake: `it gives ${type}, expected ${EXPECTED[gives]}` };
    }
    const { reads, isLenient } = found;
    return { mistake: null, evaluate: (values) => parsed(values), reads, isLenient };
  } catch (error) {
    return { mistake: summaryOf(error) };
  }
}
