/** What a policy does to the outputs of one row: set them, hold them within bounds, or suppress. */
import { ALL_VARIABLES } from '../expression/cel.ts';
import {
  compileExpression,
  type EvaluateExpression,
  type ExpressionValues,
} from '../expression/expression.ts';
import type { Policy } from '../monitor/monitor.ts';
import type { PolicyRow } from './policy-row.ts';

/** `left`: there was nothing to do. */
export type Outcome = 'applied' | 'left' | { readonly reason: string };

/** Changes the row as a whole or, with a reason, not at all. */
export type PolicyAction = (row: PolicyRow, values: ExpressionValues) => Outcome;

type ActionOf<Kind extends Policy['action']['kind']> = Extract<
  Policy['action'],
  { readonly kind: Kind }
>;

/** The value that is set, or why there is none. */
type EvaluateOutput = (values: ExpressionValues) => number | string;

function evaluateOutput(policyName: string, output: string, written: string): EvaluateOutput {
  const evaluate: EvaluateExpression<number> = compileExpression(written, {
    gives: 'number',
    variables: ALL_VARIABLES,
    name: `policy ${policyName}, ${output}`,
  });
  return (values) => {
    const result = evaluate(values);
    if (result === null) return `${output} has no value, a field is missing`;
    if (typeof result === 'string') return `${output}: ${result}`;
    return Number.isFinite(result) ? result : `${output} would be ${result}`;
  };
}

function compileSet(
  policyName: string,
  { outputs }: ActionOf<'set'>,
  indexOf: (output: string) => number,
): PolicyAction {
  const indexes = [...outputs.keys()].map(indexOf);
  const evaluators = [...outputs].map(([output, written]): EvaluateOutput => {
    return typeof written === 'number'
      ? () => written
      : evaluateOutput(policyName, output, written);
  });
  const results = new Float64Array(indexes.length);
  return (row, values) => {
    // All of them before the first is set: each reads the outputs as the policies before left them.
    for (let i = 0; i < indexes.length; i++) {
      const result = evaluators[i]!(values);
      if (typeof result === 'string') return { reason: result };
      results[i] = result;
    }
    for (let i = 0; i < indexes.length; i++) row.set(indexes[i]!, results[i]!);
    return 'applied';
  };
}

function compileBounds(
  { bounds }: ActionOf<'bounds'>,
  indexOf: (output: string) => number,
): PolicyAction {
  const limits = [...bounds].map(([output, [lowest, highest]]) => ({
    index: indexOf(output),
    lowest: lowest ?? Number.NEGATIVE_INFINITY,
    highest: highest ?? Number.POSITIVE_INFINITY,
  }));
  return (row) => {
    let outcome: Outcome = 'left';
    for (const { index, lowest, highest } of limits) {
      const value = row.at(index);
      if (value >= lowest && value <= highest) continue;
      row.set(index, value < lowest ? lowest : highest);
      outcome = 'applied';
    }
    return outcome;
  };
}

export function compileAction(
  { name, action }: Policy,
  indexOf: (output: string) => number,
): PolicyAction {
  switch (action.kind) {
    case 'set':
      return compileSet(name, action, indexOf);
    case 'bounds':
      return compileBounds(action, indexOf);
    case 'suppress':
      return (row) => {
        row.suppressed = true;
        return 'applied';
      };
  }
}
