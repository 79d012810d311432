/**
 * What may be answered: the arithmetic of a version and file that a plan named meanwhile, or what stands
 * in for it, with a reason that is true of the row. Every mistake is a line of text.
 */
import { type RolloutPlan, VARIANTS } from '../../services/core/rollout/rollout-plan.ts';
import type { RowAnswer } from '../../services/inference-worker/score-row.ts';
import { variantOf } from '../../services/inference-worker/served-model.ts';
import { type Content, contentText, digestOf, saidOf } from './content-model.ts';
import type { AskedRow, Call, Span, World } from './scoring-world.ts';

type Answered = Extract<RowAnswer, { readonly kind: 'answered' }>;

function during<T>(spans: readonly Span<T>[], { from, to }: { from: number; to: number }): T[] {
  return spans.filter((span) => span.from <= to && span.to >= from).map(({ value }) => value);
}

/** Versions and files that may have been asked about a row, with the role they had. */
function chosenFor(
  world: World,
  row: AskedRow,
): { version: string; role: string; file: Content }[] {
  const roles = during(world.plans, row).flatMap((plan: RolloutPlan) =>
    [plan.primary, plan.canary?.version, ...plan.ab.map(({ version }) => version)]
      .filter((version) => version !== undefined)
      .map((version) => ({ version, role: variantOf(plan, version) })),
  );
  return roles.flatMap(({ version, role }) =>
    during(world.files.get(version) ?? [], row).map((file) => ({ version, role, file })),
  );
}

function said(file: Content, cell: number | string | null): number | string {
  return typeof cell === 'string' ? 'inference.input' : saidOf(file, cell);
}

/** Whether a version may have failed on the row with this code. */
function isTrueReason(world: World, row: AskedRow, code: string, version: string | null): boolean {
  const { spec, isLive } = world;
  const chosen = chosenFor(world, row).filter(
    (each) => version === null || each.version === version,
  );
  switch (code) {
    case 'inference.deadline':
      return isLive && spec.deadlineMs > 0 && row.answeredMs >= row.askedMs + spec.deadlineMs;
    case 'inference.circuit':
      return (
        isLive &&
        spec.fallback !== null &&
        chosen.some((each) => world.openedCircuits.has(each.version))
      );
    case 'inference.overload':
      return world.isClosed;
    case 'inference.run':
      if (chosen.some(({ file }) => file.kind === 'losing')) return true;
  }
  return chosen.some(({ file }) => said(file, row.cell) === code);
}

function withPolicies(world: World, cell: AskedRow['cell'], output: number): number {
  if (world.spec.policies.length === 0) return output;
  const set = typeof cell === 'number' && cell < 4 ? output * 10 : output;
  return Math.min(100, set);
}

function ruleOf(cell: AskedRow['cell']): number | null {
  return typeof cell === 'number' ? cell + 0.5 : null;
}

function answeredMistake(world: World, row: AskedRow, answer: Answered): string | null {
  const { fallback } = world.spec;
  const { version, digest, variant, fallbackReason, outputs, rawOutputs } = answer;
  const finals = outputs[0]!;
  if (variant !== 'fallback') {
    if (fallbackReason !== '') return `a ${variant} with the reason ${fallbackReason}`;
    const chosen = chosenFor(world, row).filter((each) => each.version === version);
    if (chosen.length === 0) return `version ${version} was in no plan meanwhile`;
    if (!chosen.some(({ role }) => role === variant)) return `${version} was never ${variant}`;
    const files = chosen.filter(({ file }) => digestOf(contentText(file)) === digest);
    if (files.length === 0) return `version ${version} had another file`;
    const expected = said(files[0]!.file, row.cell);
    if (rawOutputs[0] !== expected) return `raw ${rawOutputs[0]}, expected ${expected}`;
    const policed = withPolicies(world, row.cell, rawOutputs[0]!);
    return finals === policed ? null : `${finals} after the policies, expected ${policed}`;
  }
  if (fallback === null) return 'a fallback without one';
  const failed = fallback.kind === 'version' ? null : version;
  if (!isTrueReason(world, row, fallbackReason, failed)) return `untrue reason ${fallbackReason}`;
  if (fallback.kind !== 'version') {
    const expected = fallback.kind === 'constant' ? fallback.outputs[0]! : ruleOf(row.cell)!;
    const policed = withPolicies(world, row.cell, expected);
    if (rawOutputs.length > 0) return 'what stands in for a model has no raw outputs';
    return finals === policed ? null : `${finals} stands in, expected ${policed}`;
  }
  if (version !== fallback.version) return `version ${version} is not the fallback`;
  const files = during(world.files.get(version) ?? [], row);
  const file = files.find((each) => digestOf(contentText(each)) === digest);
  if (file === undefined) return `fallback version ${version} had another file`;
  const expected = said(file, row.cell);
  if (rawOutputs[0] !== expected) return `fallback raw ${rawOutputs[0]}, expected ${expected}`;
  const policed = withPolicies(world, row.cell, rawOutputs[0]!);
  return finals === policed ? null : `${finals} after the policies, expected ${policed}`;
}

/** Whether the fallback version may have no answer either, or be the one that was chosen. */
function mayFail(world: World, row: AskedRow, version: string): boolean {
  const files = during(world.files.get(version) ?? [], row);
  return (
    world.isClosed ||
    chosenFor(world, row).some((each) => each.version === version) ||
    files.some((file) => file.kind === 'losing' || typeof said(file, row.cell) === 'string')
  );
}

function rejectedMistake(world: World, row: AskedRow, code: string): string | null {
  const { fallback } = world.spec;
  if (fallback?.kind === 'constant') return `rejected with ${code} although a constant stands in`;
  if (fallback?.kind === 'rule' && ruleOf(row.cell) !== null)
    return `rejected with ${code}, no rule`;
  if (fallback?.kind === 'version' && !mayFail(world, row, fallback.version)) {
    return `rejected with ${code} although version ${fallback.version} stands in`;
  }
  return isTrueReason(world, row, code, null) ? null : `untrue rejection ${code}`;
}

function rowMistake(world: World, row: AskedRow): string | null {
  if (row.answers.length !== 1) return `${row.answers.length} answers`;
  const answer = row.answers[0]!;
  if (answer.kind === 'rejected') return rejectedMistake(world, row, answer.rejection.code);
  if (!VARIANTS.includes(answer.variant)) return `variant ${answer.variant}`;
  return answeredMistake(world, row, answer);
}

function callMistake(world: World, call: Call): string | null {
  if (call.outcomes.length !== 1) return `${call.outcomes.length} outcomes`;
  const outcome = call.outcomes[0]!;
  if ('error' in outcome) {
    const codes = ['inference.run', 'inference.overload', 'inference.input', 'inference.deadline'];
    return codes.includes(outcome.error) ? null : `rejected with ${outcome.error}`;
  }
  const { version, scores } = outcome;
  const files = during(world.files.get(version) ?? [], call);
  const isRight = files.some((file) =>
    call.levels.every((level, index) => {
      const expected = saidOf(file, level);
      return typeof expected === 'number'
        ? scores[index] === expected
        : Number.isNaN(scores[index]);
    }),
  );
  return isRight ? null : `${scores.join(' ')} for ${call.levels.join(' ')}`;
}

/** Of the rows and calls of a world that is over. */
export function mistakesOf(world: World): readonly string[] {
  const mistakes: string[] = [];
  for (const [index, row] of world.rows.entries()) {
    const mistake = rowMistake(world, row);
    if (mistake === null) continue;
    mistakes.push(`row ${index} (${row.cell}): ${mistake}; ${JSON.stringify(row.answers)}`);
  }
  for (const [index, call] of world.calls.entries()) {
    const mistake = callMistake(world, call);
    if (mistake !== null) mistakes.push(`call ${index}: ${mistake}`);
  }
  for (const { cell, version, digest, output, isRepeated, at } of world.shadows) {
    const spans = (world.files.get(version) ?? []).filter(({ from }) => from <= at);
    const file = spans.find(({ value }) => digestOf(contentText(value)) === digest)?.value;
    const expected = file === undefined ? 'no such file' : said(file, cell);
    if (output !== expected) mistakes.push(`shadow ${version}: ${output}, expected ${expected}`);
    if (isRepeated) mistakes.push(`shadow ${version} was heard twice about a row`);
  }
  for (const { text, closeCount, lateRuns } of world.fates) {
    if (closeCount !== 1) mistakes.push(`model ${text} was closed ${closeCount} times`);
    if (lateRuns > 0) mistakes.push(`model ${text} was asked ${lateRuns} times after its close`);
  }
  return mistakes;
}
