/**
 * Whether a loaded version of the model, alone or an ensemble, fits the monitor: names, widths and
 * types of its tensors. Pure; the caller loads it and decides what a problem means.
 */
import type { Column, Monitor, MonitorModel } from '../../core/monitor/monitor.ts';
import { suggestion } from '../../core/monitor/nearest.ts';
import type { ModelDescription, TensorDescription, TensorType } from '../model/model-runtime.ts';
import { MONITOR_FILE } from './monitor-file.ts';
import {
  type DocumentPath,
  FILE_AS_A_WHOLE,
  type Locate,
  type Problem,
  ProblemList,
} from './problem.ts';

/** The texts a boolean input takes, besides the numbers 0 and 1. */
const BOOLEAN_TEXTS = ['true', 'false'];

/** Elements of one row; `null` where the model leaves it open. */
function widthOf({ shape }: TensorDescription): number | null {
  return shape.reduce<number | null>(
    (width, size) => (width === null || size === null ? null : width * size),
    1,
  );
}

/** Why no value of the column can go into an input of the type, `null` where some can. */
function columnMistake({ name, type, allowed }: Column, input: TensorDescription): string | null {
  const found = `column ${name} is ${type} and input ${input.name}`;
  if (input.type === 'string') {
    return type === 'categorical' ? null : `${found} takes text, expected a categorical column`;
  }
  if (input.type !== 'bool') {
    return type === 'numeric' ? null : `${found} takes numbers, expected a numeric column`;
  }
  const strange = allowed?.filter((value) => !BOOLEAN_TEXTS.includes(value)) ?? [];
  if (strange.length === 0) return null;
  return `column ${name} may be ${strange[0]} and input ${input.name} is bool, expected only true and false to be allowed`;
}

/** Float inputs take NaN for a missing value and text inputs empty text; the others have nothing. */
function needsValues(type: TensorType): boolean {
  return type !== 'string' && !type.startsWith('float');
}

function checkColumns(
  columns: readonly Column[],
  { input, at }: { readonly input: TensorDescription; readonly at: DocumentPath },
  list: ProblemList,
): void {
  for (const [index, column] of columns.entries()) {
    const mistake = columnMistake(column, input);
    if (mistake !== null) list.add([...at, index], mistake);
  }
  const optional = columns.filter((column) => !column.required).map(({ name }) => name);
  if (!needsValues(input.type) || optional.length === 0) return;
  const found = `input ${input.name} is ${input.type}, which has no missing value`;
  list.add(at, `${found}, expected ${optional.join(', ')} to be required`);
}

function checkInputs(
  monitor: Monitor,
  model: MonitorModel,
  { description, list }: { readonly description: ModelDescription; readonly list: ProblemList },
): void {
  const inputs = new Map(description.inputs.map((input) => [input.name, input]));
  const columnOf = new Map(monitor.columns.map((column) => [column.name, column]));
  for (const { tensor, columns } of model.inputs) {
    const at = ['model', 'inputs', tensor];
    const input = inputs.get(tensor);
    if (input === undefined) {
      const near = suggestion(tensor, [...inputs.keys()]);
      list.add(at, `the model has no input ${tensor}${near}`, 'key');
      continue;
    }
    const width = widthOf(input);
    if (width !== null && width !== columns.length) {
      const found = `found ${columns.length} columns for input ${tensor}`;
      list.add(at, `${found}, expected the ${width} the model takes`);
    }
    const known = columns.flatMap((name) => columnOf.get(name) ?? []);
    checkColumns(known, { input, at }, list);
  }
  const given = new Set(model.inputs.map(({ tensor }) => tensor));
  for (const name of inputs.keys()) {
    if (!given.has(name)) {
      list.add(['model', 'inputs'], `the model's input ${name} is missing`, 'key');
    }
  }
}

function checkOutputs(model: MonitorModel, description: ModelDescription, list: ProblemList): void {
  const outputs = new Map(description.outputs.map((output) => [output.name, output]));
  for (const { name, tensor, index } of model.outputs) {
    const at = ['model', 'outputs', name];
    const output = outputs.get(tensor);
    if (output === undefined) {
      const near = suggestion(tensor, [...outputs.keys()]);
      list.add([...at, 'tensor'], `the model has no output ${tensor}${near}`);
      continue;
    }
    const width = widthOf(output);
    if (width !== null && index >= width) {
      const message = `found ${index} for output ${tensor}, expected an index below its width ${width}`;
      list.add([...at, 'index'], message);
    }
    if (output.type === 'string') {
      list.add([...at, 'tensor'], `output ${tensor} is text, expected numbers`);
    }
  }
}

export interface FitOptions {
  /** The bundle's, so that each problem names its line of monitor.yaml. */
  readonly locate?: Locate;
  /** Said in each problem; left out for the only version there is. */
  readonly version?: string;
}

export function checkModelFits(
  monitor: Monitor,
  description: ModelDescription,
  { locate = FILE_AS_A_WHOLE, version }: FitOptions = {},
): Problem[] {
  const list = new ProblemList(MONITOR_FILE, locate);
  if (monitor.model === null) return [];
  checkInputs(monitor, monitor.model, { description, list });
  checkOutputs(monitor.model, description, list);
  if (version === undefined) return list.problems;
  return list.problems.map((problem) => ({
    ...problem,
    message: `version ${version}: ${problem.message}`,
  }));
}
