/**
 * Policies: rules after the model, applied in their order, each to what the ones before have left.
 *
 * - A `when` that is undecided, because a field it reads is missing, does not apply.
 * - What cannot be evaluated, has no value or is not finite leaves the outputs as they were, and is
 *   said in `failed`: a policy never turns a usable answer into none.
 * - `bounds` counts as applied where it moved a value.
 */
import { CodedError } from '../errors.ts';
import { ALL_VARIABLES } from '../expression/cel.ts';
import {
  compileExpression,
  type EvaluateExpression,
  type ExpressionValues,
} from '../expression/expression.ts';
import { createValueLists } from '../expression/value-list.ts';
import type { Policy } from '../monitor/monitor.ts';
import { compileAction, type Outcome, type PolicyAction } from './policy-action.ts';
import { PolicyRow } from './policy-row.ts';

export interface AppliedPolicies {
  /** In the order of the monitor's outputs; the raw ones themselves where no policy changed any. */
  readonly outputs: readonly number[];
  /** Names, in the policies' order. */
  readonly applied: readonly string[];
  readonly suppressed: boolean;
  /** A message for each policy that could not be applied. */
  readonly failed: readonly string[];
}

/** The result is one object for all calls and holds until the next; what it refers to may be kept. */
export type ApplyPolicies = (
  root: Record<string, unknown>,
  raw: readonly number[],
) => AppliedPolicies;

export interface PolicyContext {
  /** Names of the model's outputs. */
  readonly outputs: readonly string[];
  readonly lists: ReadonlyMap<string, readonly string[]>;
}

interface CompiledPolicy {
  readonly name: string;
  /** `null`: always. */
  readonly when: EvaluateExpression<boolean> | null;
  readonly act: PolicyAction;
}

const NONE: readonly string[] = [];

function compilePolicy(policy: Policy, indexOf: (output: string) => number): CompiledPolicy {
  const { name, when } = policy;
  return {
    name,
    when:
      when === null
        ? null
        : compileExpression(when, {
            gives: 'boolean',
            variables: ALL_VARIABLES,
            name: `policy ${name}, when`,
          }),
    act: compileAction(policy, indexOf),
  };
}

function applyTo({ when, act }: CompiledPolicy, row: PolicyRow, values: ExpressionValues): Outcome {
  const holds = when === null ? true : when(values);
  if (typeof holds === 'string') return { reason: `when: ${holds}` };
  return holds === true ? act(row, values) : 'left';
}

/** Throws `configuration.invalid` where an expression cannot be used or an output is not known. */
export function compilePolicies(
  policies: readonly Policy[],
  { outputs: names, lists }: PolicyContext,
): ApplyPolicies {
  const indexOf = (policyName: string, output: string): number => {
    const index = names.indexOf(output);
    if (index >= 0) return index;
    throw new CodedError(
      'configuration.invalid',
      `policy ${policyName}: the model has no output ${output}`,
    );
  };
  const compiled = policies.map((policy) =>
    compilePolicy(policy, (output) => indexOf(policy.name, output)),
  );
  const row = new PolicyRow(names);
  const valueLists = createValueLists(compiled.length === 0 ? new Map() : lists);
  const values = { event: {}, output: row.output, raw: row.raw, lists: valueLists };
  const result = {
    outputs: [] as readonly number[],
    applied: NONE,
    suppressed: false,
    failed: NONE,
  };

  return (root, raw) => {
    result.outputs = raw;
    if (compiled.length === 0) return result;
    result.applied = NONE;
    result.failed = NONE;
    values.event = root;
    row.begin(raw);
    for (const policy of compiled) {
      const outcome = applyTo(policy, row, values);
      if (outcome === 'left') continue;
      if (outcome === 'applied') result.applied = [...result.applied, policy.name];
      else result.failed = [...result.failed, `policy ${policy.name}: ${outcome.reason}`];
    }
    result.outputs = row.outputs;
    result.suppressed = row.suppressed;
    return result;
  };
}
