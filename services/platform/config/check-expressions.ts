/**
 * Whether the CEL expressions of the `model` section – of its policies and of a fallback's rule – can
 * be used on events of this shape: each is looked at by itself, so that a mistake stands at its line.
 */
import type { AvroNode } from '../../core/codec/avro-schema.ts';
import { type ExpressionScope, expressionMistake } from '../../core/expression/expression.ts';
import { fallbackRuleMistake } from '../../core/policy/fallback-rule.ts';
import { relationFields } from './event-schema.ts';
import type { ModelFile, PolicyFile } from './model-file.ts';
import type { DocumentPath, ProblemList } from './problem.ts';

function checkPolicy(
  { when, set = {} }: PolicyFile,
  { at, scope }: { readonly at: DocumentPath; readonly scope: ExpressionScope },
  list: ProblemList,
): void {
  const add = (place: DocumentPath, mistake: string | null): void => {
    if (mistake !== null) list.add(place, mistake);
  };
  if (when !== undefined) {
    add([...at, 'when'], expressionMistake(when, { gives: 'boolean', scope }));
  }
  for (const [output, value] of Object.entries(set)) {
    if (typeof value === 'number') continue;
    add([...at, 'set', output], expressionMistake(value, { gives: 'number', scope }));
  }
}

/** `root` is the event schema, a record. */
export function checkExpressions(model: ModelFile, root: AvroNode, list: ProblemList): void {
  const event = relationFields(root);
  const scope: ExpressionScope = {
    event,
    outputs: Object.keys(model.outputs),
    lists: Object.keys(model.lists ?? {}),
  };
  for (const [index, policy] of (model.policies ?? []).entries()) {
    checkPolicy(policy, { at: ['model', 'policies', index], scope }, list);
  }
  for (const [output, expression] of Object.entries(model.fallback?.rule ?? {})) {
    const mistake = fallbackRuleMistake(expression, event);
    if (mistake !== null) list.add(['model', 'fallback', 'rule', output], mistake);
  }
}
