/**
 * The rule that stands in for a model: an expression over `event` for each of its outputs. All of
 * them give a finite number, or the rule has no answer and says why.
 */
import type { EventFields } from '../expression/event-fields.ts';
import { compileExpression, expressionMistake } from '../expression/expression.ts';

/** Values in the order of the outputs, or why there are none. */
export type FallbackRule = (root: Record<string, unknown>) => readonly number[] | string;

/** Throws `configuration.invalid` where an expression cannot be used. */
export function compileFallbackRule(expressions: readonly string[]): FallbackRule {
  const rules = expressions.map((expression) => ({
    expression,
    evaluate: compileExpression(expression, {
      gives: 'number',
      variables: ['event'],
      name: `fallback rule ${expression}`,
    }),
  }));
  return (root) => {
    const outputs: number[] = [];
    const values = { event: root };
    for (const { expression, evaluate } of rules) {
      const result = evaluate(values);
      if (result === null) return `${expression} has no value, a field is missing`;
      if (typeof result === 'string') return `${expression} cannot be evaluated: ${result}`;
      if (!Number.isFinite(result)) return `${expression} gives ${result}`;
      outputs.push(result);
    }
    return outputs;
  };
}

/** What is wrong with the expression of one output, `null` where nothing is. */
export function fallbackRuleMistake(expression: string, fields: EventFields): string | null {
  return expressionMistake(expression, { gives: 'number', scope: { event: fields } });
}
