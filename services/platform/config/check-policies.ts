/**
 * Whether the policies of the `model` section have names of their own, say exactly one thing each and
 * say it of outputs that exist. Pure; every mistake is found, not only the first.
 */

import { suggestion } from '../../core/monitor/nearest.ts';
import type { BoundsFile, ModelFile, PolicyFile } from './model-file.ts';
import type { DocumentPath, ProblemList } from './problem.ts';

const ACTIONS = ['set', 'bounds', 'suppress'] as const;

function checkAction(policy: PolicyFile, at: DocumentPath, list: ProblemList): void {
  const given = ACTIONS.filter((action) => policy[action] !== undefined);
  if (given.length === 1) return;
  const found = given.length === 0 ? 'it does nothing' : `found ${given.join(' and ')}`;
  list.add(at, `${found}, expected one of ${ACTIONS.join(', ')}`);
}

function checkBounds([least, greatest]: BoundsFile, at: DocumentPath, list: ProblemList): void {
  if (least === null && greatest === null) {
    list.add(at, 'neither bound is given, expected at least one number');
  } else if (least !== null && greatest !== null && least > greatest) {
    list.add(at, `found ${least} to ${greatest}, expected the least value first`);
  }
}

export function checkPolicies({ policies = [], outputs }: ModelFile, list: ProblemList): void {
  const known = Object.keys(outputs);
  const seen = new Set<string>();
  for (const [index, policy] of policies.entries()) {
    const at = ['model', 'policies', index];
    if (seen.has(policy.name)) {
      const message = `another policy is called ${policy.name}, expected a name of its own`;
      list.add([...at, 'name'], message);
    }
    seen.add(policy.name);
    checkAction(policy, at, list);
    for (const action of ['set', 'bounds'] as const) {
      for (const name of Object.keys(policy[action] ?? {})) {
        if (known.includes(name)) continue;
        const message = `there is no output ${name}${suggestion(name, known)}`;
        list.add([...at, action, name], message, 'key');
      }
    }
    for (const [name, bounds] of Object.entries(policy.bounds ?? {})) {
      checkBounds(bounds, [...at, 'bounds', name], list);
    }
  }
}
