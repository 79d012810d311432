/**
 * What must hold between the parts of the `model` section and the rest of monitor.yaml: columns and
 * outputs by their names, versions that differ, shares that add up, files inside the bundle. Pure;
 * every mistake is found, not only the first. Policies are looked at in `check-policies.ts`.
 */
import { BATCH_RUN_MS_MAX, MODEL_DURATION_MS_MAX } from '../../core/limits.ts';
import { suggestion } from '../../core/monitor/nearest.ts';
import { planMistakes } from '../../core/rollout/check-plan.ts';
import { checkPolicies } from './check-policies.ts';
import { durationMs } from './drift-file.ts';
import { type FallbackFile, type ModelFile, toRollout } from './model-file.ts';
import type { MonitorFile } from './monitor-file.ts';
import type { DocumentPath, ProblemList } from './problem.ts';

function checkInputs(file: MonitorFile, model: ModelFile, list: ProblemList): void {
  const names = Object.keys(file.columns);
  for (const [tensor, inputs] of Object.entries(model.inputs)) {
    for (const [index, name] of inputs.entries()) {
      const at = ['model', 'inputs', tensor, index];
      const column = Object.hasOwn(file.columns, name) ? file.columns[name] : undefined;
      if (column === undefined) {
        list.add(at, `there is no column ${name}${suggestion(name, names)}`);
      } else if (column.role === 'label' || column.role === 'prediction') {
        list.add(at, `column ${name} is a ${column.role}, expected a feature or context column`);
      }
    }
  }
}

function checkOutputs(file: MonitorFile, model: ModelFile, list: ProblemList): void {
  for (const name of Object.keys(model.outputs)) {
    if (!Object.hasOwn(file.columns, name)) continue;
    list.add(['model', 'outputs', name], 'a column has this name too, expected another', 'key');
  }
}

/** Whether a path relative to the bundle stays in it. */
export function isInsideBundle(path: string): boolean {
  return !path.split(/[\\/]/).includes('..');
}

function checkPaths(model: ModelFile, list: ProblemList): void {
  const paths: (readonly [DocumentPath, string])[] = Object.entries(model.lists ?? {}).map(
    ([name, path]) => [['model', 'lists', name], path],
  );
  if (model.file !== undefined) paths.push([['model', 'file'], model.file]);
  for (const [at, path] of paths) {
    if (!isInsideBundle(path)) list.add(at, `found ${path}, expected a file inside the bundle`);
  }
}

/** The plan's mistakes are told by its own root. */
function checkRollout(model: ModelFile, list: ProblemList): void {
  for (const { path, message } of planMistakes(toRollout(model))) {
    list.add(path[0] === 'primary' ? ['model', 'version'] : ['model', ...path], message);
  }
}

function checkFallbackVersion(model: ModelFile, version: string, list: ProblemList): void {
  const at = ['model', 'fallback', 'version'];
  if (version === model.version) {
    list.add(at, `version ${version} is the primary, expected one that can stand in for it`);
  } else if (version === model.shadow) {
    list.add(at, `version ${version} is the shadow, which answers nothing, expected another one`);
  }
}

function checkFallback(model: ModelFile, fallback: FallbackFile, list: ProblemList): void {
  if (fallback.version !== undefined) checkFallbackVersion(model, fallback.version, list);
  const outputs = Object.keys(model.outputs);
  for (const kind of ['constant', 'rule'] as const) {
    const values = fallback[kind];
    if (values === undefined) continue;
    const at = ['model', 'fallback', kind];
    for (const name of Object.keys(values)) {
      if (outputs.includes(name)) continue;
      list.add([...at, name], `there is no output ${name}${suggestion(name, outputs)}`, 'key');
    }
    const missing = outputs.filter((name) => !Object.hasOwn(values, name));
    if (missing.length === 0) continue;
    list.add(at, `${missing.join(', ')} is missing, expected every output`, 'key');
  }
}

function checkDurations(model: ModelFile, list: ProblemList): void {
  const most = (at: DocumentPath, written: string | number | undefined, msMax: number): void => {
    if (written === undefined || durationMs(written) <= msMax) return;
    const expected = msMax % 86_400_000 === 0 ? `${msMax / 86_400_000}d` : `${msMax}ms`;
    list.add(at, `found ${written}, expected at most ${expected}`);
  };
  most(['model', 'batch', 'runMax'], model.batch?.runMax, BATCH_RUN_MS_MAX);
  most(['model', 'deadline'], model.deadline, MODEL_DURATION_MS_MAX);
  most(['model', 'circuit', 'openFor'], model.circuit?.openFor, MODEL_DURATION_MS_MAX);
  most(['model', 'cache', 'ttl'], model.cache?.ttl, MODEL_DURATION_MS_MAX);
}

export function checkModel(file: MonitorFile, list: ProblemList): void {
  const { model } = file;
  if (model === undefined) return;
  checkInputs(file, model, list);
  checkOutputs(file, model, list);
  checkPaths(model, list);
  checkRollout(model, list);
  if (model.fallback !== undefined) checkFallback(model, model.fallback, list);
  checkDurations(model, list);
  checkPolicies(model, list);
}
