/**
 * Expressions over an event and what a model said of it: CEL, parsed once and evaluated per event.
 *
 * - `event` is the event; `output` and `raw` hold numbers by the names of the monitor's outputs;
 *   `lists` holds the values of list files: `event.country in lists.embargo`.
 * - A field that is absent or null has no value. What is computed from it is undecided, and `&&` and
 *   `||` decide without it where they can; `has(event.field)` asks whether it is there.
 * - What an evaluation costs is bounded: the expression's size is limited, loops over lists do not
 *   nest, and there are no regular expressions. Nothing of it is ever run as code.
 */
import { CodedError } from '../errors.ts';
import { suggestion } from '../monitor/nearest.ts';
import { isAbsence, isWrongType, summaryOf, type Variable } from './cel.ts';
import { type EventFields, lacks, pathMistake, sampleOf, withoutNulls } from './event-fields.ts';
import { type Gives, type ParsedExpression, parseExpression } from './parse-expression.ts';
import { ValueList, type ValueLists } from './value-list.ts';

/** The variables' values; those the expression was not compiled for are not looked at. */
export interface ExpressionValues {
  readonly event: Record<string, unknown>;
  readonly output?: ReadonlyMap<string, number>;
  readonly raw?: ReadonlyMap<string, number>;
  readonly lists?: ValueLists;
}

/** `null`: undecided, for want of a value. Text: why it cannot be evaluated. */
export type EvaluateExpression<T> = (values: ExpressionValues) => T | null | string;

/** What an expression may read, for checking it. */
export interface ExpressionScope {
  readonly event: EventFields;
  /** Names of the model's outputs; absent: neither `output` nor `raw` can be read. */
  readonly outputs?: readonly string[];
  /** Names of the list files; absent: no `lists`. */
  readonly lists?: readonly string[];
}

const NOT_GIVEN: Readonly<Record<Gives, string>> = {
  boolean: 'it gives neither true nor false',
  number: 'it gives no number',
};

/** The result as it is promised, or text. */
function settle(result: unknown, gives: Gives): boolean | number | string {
  if (gives === 'number' && typeof result === 'bigint') return Number(result);
  return typeof result === gives ? (result as boolean | number) : NOT_GIVEN[gives];
}

type Evaluable = Extract<ParsedExpression, { readonly mistake: null }>;

function evaluator({ evaluate, reads, isLenient }: Evaluable, gives: Gives) {
  const eventPaths = reads.filter((read) => read.variable === 'event').map((read) => read.path);
  return (values: ExpressionValues): boolean | number | null | string => {
    let isIncomplete = false;
    for (const path of eventPaths) isIncomplete ||= lacks(values.event, path);
    // Finding that out by evaluating costs an exception.
    if (isIncomplete && !isLenient) return null;
    try {
      const known = isIncomplete ? { ...values, event: withoutNulls(values.event) } : values;
      return settle(evaluate(known), gives);
    } catch (error) {
      return isAbsence(error) ? null : summaryOf(error);
    }
  };
}

interface CompileOptions<G extends Gives> {
  readonly gives: G;
  readonly variables: readonly Variable[];
  /** What the expression is, for the message of a refusal: `relation income`. */
  readonly name: string;
}

/** Throws `configuration.invalid` where the expression cannot be used. */
export function compileExpression(
  expression: string,
  options: CompileOptions<'boolean'>,
): EvaluateExpression<boolean>;
export function compileExpression(
  expression: string,
  options: CompileOptions<'number'>,
): EvaluateExpression<number>;
export function compileExpression(
  expression: string,
  options: CompileOptions<Gives>,
): EvaluateExpression<boolean | number> {
  const parsed = parseExpression(expression, options);
  if (parsed.mistake !== null) {
    throw new CodedError('configuration.invalid', `${options.name}: ${parsed.mistake}`);
  }
  return evaluator(parsed, options.gives);
}

function variablesOf({ outputs, lists }: ExpressionScope): readonly Variable[] {
  const variables: Variable[] = ['event'];
  if (outputs !== undefined) variables.push('output', 'raw');
  if (lists !== undefined) variables.push('lists');
  return variables;
}

function readMistake(
  scope: ExpressionScope,
  { variable, path }: Evaluable['reads'][number],
): string | null {
  if (variable === 'event') return pathMistake(scope.event, path);
  const [name] = path;
  if (name === undefined) return null;
  const [known, kind] =
    variable === 'lists' ? [scope.lists ?? [], 'list'] : [scope.outputs ?? [], 'output'];
  if (known.includes(name)) return null;
  return `${variable}.${name}: there is no ${kind} ${name}${suggestion(name, known)}`;
}

function sampleValues({ event, outputs = [], lists = [] }: ExpressionScope): ExpressionValues {
  const numbers = new Map(outputs.map((name) => [name, 1]));
  return {
    event: withoutNulls(sampleOf(event)) as Record<string, unknown>,
    output: numbers,
    raw: numbers,
    lists: new Map(lists.map((name) => [name, new ValueList([])])),
  };
}

/**
 * What is wrong with an expression over events of this shape, `null` where nothing is: syntax,
 * unknown variables, functions, fields, outputs and lists, operands and results of the wrong type.
 */
export function expressionMistake(
  expression: string,
  { gives, scope }: { readonly gives: Gives; readonly scope: ExpressionScope },
): string | null {
  const parsed = parseExpression(expression, { gives, variables: variablesOf(scope) });
  if (parsed.mistake !== null) return parsed.mistake;
  for (const read of parsed.reads) {
    const mistake = readMistake(scope, read);
    if (mistake !== null) return mistake;
  }
  try {
    const result = settle(parsed.evaluate(sampleValues(scope)), gives);
    return typeof result === 'string' ? result : null;
  } catch (error) {
    return isWrongType(error) ? summaryOf(error) : null;
  }
}
