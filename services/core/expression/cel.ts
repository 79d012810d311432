/**
 * The Common Expression Language as the pipeline offers it: bounded in size, with numbers that mix,
 * and with lists that are asked instead of walked. The only folder that knows the CEL library.
 *
 * - Event and output numbers are CEL doubles; comparing them with `20` or `20.0` is the same, and
 *   mixed arithmetic (`2 * event.income`), which CEL itself refuses, is allowed.
 * - Arithmetic of two whole literals is CEL's own: `1 / 2` is 0.
 */
import { Environment, EvaluationError } from '@marcbachmann/cel-js';
import { ValueList } from './value-list.ts';

export type Variable = 'event' | 'output' | 'raw' | 'lists';

/** What a policy sees; relations and fallback rules see `event` alone. */
export const ALL_VARIABLES: readonly Variable[] = ['event', 'output', 'raw', 'lists'];

const VARIABLE_TYPES: Readonly<Record<Variable, string>> = {
  event: 'map',
  output: 'map',
  raw: 'map',
  lists: 'map<string, ValueList>',
};

function registerArithmetic(environment: Environment): void {
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
}

function registerMembership(environment: Environment): void {
  environment.registerType('ValueList', { ctor: ValueList, fields: {} });
  for (const type of ['string', 'double', 'int', 'bool']) {
    environment.registerOperator(
      `${type} in ValueList`,
      (value: string | number | bigint | boolean, list: ValueList) => list.has(value),
    );
  }
}

function createEnvironment(variables: readonly Variable[]): Environment {
  const environment = new Environment({
    homogeneousAggregateLiterals: false,
    limits: { maxAstNodes: 500, maxDepth: 40, maxListElements: 200, maxMapEntries: 50 },
  });
  registerMembership(environment);
  for (const name of variables) environment.registerVariable(name, VARIABLE_TYPES[name]);
  registerArithmetic(environment);
  return environment;
}

const environments = new Map<string, Environment>();

export function environmentOf(variables: readonly Variable[]): Environment {
  const key = variables.join();
  let environment = environments.get(key);
  if (environment === undefined) {
    environment = createEnvironment(variables);
    environments.set(key, environment);
  }
  return environment;
}

/** Codes of the library for a value that is not there. */
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

export function isAbsence(error: unknown): boolean {
  return ABSENT.has(codeOf(error));
}

export function isWrongType(error: unknown): boolean {
  return WRONG_TYPE.has(codeOf(error));
}

/** The library's message in one line. */
export function summaryOf(error: unknown): string {
  const summary = error instanceof Error && 'summary' in error ? error.summary : null;
  const text = typeof summary === 'string' ? summary : String(error);
  return text.replace(/dyn<(\w+)>/g, '$1');
}
