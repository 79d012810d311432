/**
 * Relations between fields of one event: CEL expressions, parsed once and evaluated per event.
 *
 * - The only variable is `event`. Event numbers are CEL doubles; comparing them with `20` or `20.0`
 *   is the same, and mixed arithmetic (`2 * event.income`), which CEL itself refuses, is allowed.
 * - A field that is absent or null has no value. What is computed from it is undecided, `&&` and `||`
 *   decide without it where they can, and a relation left undecided is *not* violated: whether a
 *   value must be there is the business of `required`, or of `has(event.field)`.
 * - What an evaluation costs is bounded: the expression's size is limited, loops over lists do not
 *   nest, and regular expressions are left to a column's `pattern`, where they are checked.
 *
 * This is the only file that knows the CEL library.
 */
import { type ASTNode, Environment, EvaluationError } from '@marcbachmann/cel-js';
import { CodedError } from '../errors.ts';
import type { Relation } from './monitor.ts';

/** What `event` holds, for checking an expression; `any` for what cannot be said beforehand. */
export type RelationFieldType = 'number' | 'string' | 'boolean' | 'list' | 'any' | RelationFields;
export interface RelationFields {
  readonly [field: string]: RelationFieldType;
}

/** True: holds or undecided. False: violated. Text: why it cannot be evaluated. */
export type EvaluateRelation = (root: Record<string, unknown>) => boolean | string;

const LOOPS: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);

function createEnvironment(): Environment {
  const environment = new Environment({
    homogeneousAggregateLiterals: false,
    limits: { maxAstNodes: 500, maxDepth: 40, maxListElements: 200, maxMapEntries: 50 },
  });
  environment.registerVariable('event', 'map');
  const arithmetic: Record<string, (left: number, right: number) => number> = {
    '+': (left, right) => left + right,
    '-': (left, right) => left - right,
    '*': (left, right) => left * right,
    '/': (left, right) => left / right,
    '%': (left, right) => left % right,
  };
  for (const [operator, apply] of Object.entries(arithmetic)) {
    const mixed = (left: number | bigint, right: number | bigint) =>
      apply(Number(left), Number(right));
    environment.registerOperator(`double ${operator} int: double`, mixed);
    // Without its return type an operator would give that of its left operand.
    environment.registerOperator(`int ${operator} double: double`, mixed);
    if (operator === '%') environment.registerOperator('double % double', mixed);
  }
  environment.registerOperator(
    'double == int',
    (left: number, right: bigint) => left === Number(right),
  );
  return environment;
}

const environment = createEnvironment();

interface Survey {
  /** Paths from `event`, the root left out. */
  readonly paths: string[][];
  mistake: string | null;
}

function pathOf(node: ASTNode): string[] | null {
  if (node.op === 'id') return node.args === 'event' ? [] : null;
  if (node.op === '.') {
    const parent = pathOf(node.args[0]);
    return parent === null ? null : [...parent, node.args[1]];
  }
  if (node.op === '[]') {
    const key = node.args[1];
    const parent = pathOf(node.args[0]);
    if (parent === null || key.op !== 'value' || typeof key.args !== 'string') return null;
    return [...parent, key.args];
  }
  return null;
}

function isNode(value: unknown): value is ASTNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value;
}

function survey(node: ASTNode, loopDepth: number, into: Survey): void {
  const path = pathOf(node);
  if (path !== null && path.length > 0) {
    into.paths.push(path);
    return;
  }
  let depth = loopDepth;
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

function summaryOf(error: unknown): string {
  const summary = error instanceof Error && 'summary' in error ? error.summary : null;
  const text = typeof summary === 'string' ? summary : String(error);
  return text.replace(/dyn<(\w+)>/g, '$1');
}

type Parsed =
  | { readonly mistake: string; readonly evaluate?: never; readonly paths?: never }
  | {
      readonly mistake: null;
      readonly evaluate: (event: unknown) => unknown;
      readonly paths: readonly string[][];
    };

function parse(expression: string): Parsed {
  try {
    const parsed = environment.parse(expression);
    const check = parsed.check();
    if (!check.valid) return { mistake: summaryOf(check.error) };
    const found: Survey = { paths: [], mistake: null };
    survey(parsed.ast, 0, found);
    if (found.mistake !== null) return { mistake: found.mistake };
    if (found.paths.length === 0) return { mistake: 'it reads no field of event' };
    const type = String(check.type);
    if (type !== 'bool' && type !== 'dyn') {
      return { mistake: `it gives ${type}, expected true or false` };
    }
    return { mistake: null, evaluate: (event) => parsed({ event }), paths: found.paths };
  } catch (error) {
    return { mistake: summaryOf(error) };
  }
}

function lacks(root: Record<string, unknown>, path: readonly string[]): boolean {
  let value: unknown = root;
  for (const field of path) {
    if (typeof value !== 'object' || value === null) return true;
    value = (value as Record<string, unknown>)[field];
  }
  return value === null || value === undefined;
}

/** A copy without the fields that are null, so that CEL finds them absent. */
function withoutNulls(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (value instanceof Uint8Array) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== null && each !== undefined);
  return Object.fromEntries(entries.map(([field, each]) => [field, withoutNulls(each)]));
}

/** Codes of the CEL library for a value that is not there. */
const ABSENT: ReadonlySet<string> = new Set(['no_such_key', 'index_out_of_bounds']);
/** Codes for operands no value of these types could satisfy. */
const WRONG_TYPE: ReadonlySet<string> = new Set([
  'no_such_overload',
  'no_matching_overload',
  'invalid_logical_operand',
  'invalid_condition_type',
  'invalid_comprehension_range',
  'invalid_index_type',
  'cannot_index_type',
]);

function codeOf(error: unknown): string {
  return error instanceof EvaluationError ? error.code : '';
}

/** Throws `configuration.invalid` where the expression cannot be used. */
export function compileRelation(relation: Relation): EvaluateRelation {
  const { mistake, evaluate, paths } = parse(relation.expression);
  if (evaluate === undefined) {
    throw new CodedError('configuration.invalid', `relation ${relation.name}: ${mistake}`);
  }
  return (root) => {
    const incomplete = paths.some((path) => lacks(root, path));
    try {
      const result = evaluate(incomplete ? withoutNulls(root) : root);
      return typeof result === 'boolean' ? result : 'it gives neither true nor false';
    } catch (error) {
      return ABSENT.has(codeOf(error)) || summaryOf(error);
    }
  };
}

function sampleOf(type: RelationFieldType): unknown {
  switch (type) {
    case 'number':
      return 1;
    case 'string':
      return '';
    case 'boolean':
      return true;
    case 'list':
      return [];
    case 'any':
      return null;
    default:
      return Object.fromEntries(
        Object.entries(type).map(([field, inner]) => [field, sampleOf(inner)]),
      );
  }
}

/** The first part of `path` that `fields` does not have, `null` where all is there. */
function unknownField(fields: RelationFields, path: readonly string[]): string | null {
  let at: RelationFieldType = fields;
  for (const [index, field] of path.entries()) {
    if (at === 'any') return null;
    const inner: RelationFieldType | undefined =
      typeof at === 'object' && Object.hasOwn(at, field) ? at[field] : undefined;
    if (inner === undefined) return path.slice(0, index + 1).join('.');
    at = inner;
  }
  return null;
}

/**
 * What is wrong with an expression over events of this shape, `null` where nothing is: syntax,
 * unknown variables and functions, fields the event does not have, operands of the wrong type.
 */
export function relationMistake(expression: string, fields: RelationFields): string | null {
  const { mistake, evaluate, paths } = parse(expression);
  if (evaluate === undefined) return mistake;
  for (const path of paths) {
    const unknown = unknownField(fields, path);
    if (unknown !== null) return `event.${unknown} is not in the event schema`;
  }
  try {
    const result = evaluate(withoutNulls(sampleOf(fields)));
    return typeof result === 'boolean' ? null : 'it gives neither true nor false';
  } catch (error) {
    return WRONG_TYPE.has(codeOf(error)) ? summaryOf(error) : null;
  }
}
