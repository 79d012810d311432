/**
 * Relations between fields of one event: CEL expressions over `event`, true when the relation holds.
 *
 * A relation left undecided for want of a value is *not* violated: whether a value must be there is
 * the business of `required`, or of `has(event.field)`. What an expression may be: core/expression.
 */
import type { EventFields } from '../expression/event-fields.ts';
import { compileExpression, expressionMistake } from '../expression/expression.ts';
import type { Relation } from './monitor.ts';

/** True: holds or undecided. False: violated. Text: why it cannot be evaluated. */
export type EvaluateRelation = (root: Record<string, unknown>) => boolean | string;

/** Throws `configuration.invalid` where the expression cannot be used. */
export function compileRelation({ name, expression }: Relation): EvaluateRelation {
  const evaluate = compileExpression(expression, {
    gives: 'boolean',
    variables: ['event'],
    name: `relation ${name}`,
  });
  return (root) => evaluate({ event: root }) ?? true;
}

/** What is wrong with a relation over events of this shape, `null` where nothing is. */
export function relationMistake(expression: string, fields: EventFields): string | null {
  return expressionMistake(expression, { gives: 'boolean', scope: { event: fields } });
}
