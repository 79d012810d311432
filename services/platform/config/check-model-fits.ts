/**
 * Whether a loaded model fits the monitor: tensor names, widths and types. Pure; the caller loads the
 * model and decides what a problem means.
 */
import type { Monitor, MonitorModel } from '../../core/monitor/monitor.ts';
import type { ModelDescription, TensorDescription } from '../model/model-runtime.ts';
import { MONITOR_FILE } from './monitor-file.ts';
import { suggestion } from './nearest.ts';
import { type Locate, type Problem, ProblemList } from './problem.ts';

/** Elements of one row; `null` where the model leaves it open. */
function widthOf({ shape }: TensorDescription): number | null {
  return shape.reduce<number | null>(
    (width, size) => (width === null || size === null ? null : width * size),
    1,
  );
}

function checkInputs(
  model: MonitorModel,
  required: ReadonlySet<string>,
  description: ModelDescription,
  list: ProblemList,
): void {
  const inputs = new Map(description.inputs.map((input) => [input.name, input]));
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
    if (input.type === 'string') {
      list.add(at, `the model takes text for input ${tensor}, expected numbers`, 'key');
    } else if (!input.type.startsWith('float')) {
      const optional = columns.filter((name) => !required.has(name)).join(', ');
      const message = `input ${tensor} is ${input.type}, which has no missing value, expected ${optional} to be required`;
      if (optional !== '') list.add(at, message);
    }
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

const FILE_AS_A_WHOLE: Locate = () => ({ line: 1, column: 1 });

/** `locate` is the bundle's, so that each problem names its line of monitor.yaml. */
export function checkModelFits(
  monitor: Monitor,
  description: ModelDescription,
  locate: Locate = FILE_AS_A_WHOLE,
): Problem[] {
  const list = new ProblemList(MONITOR_FILE, locate);
  if (monitor.model === null) return [];
  const required = monitor.columns.filter((column) => column.required).map(({ name }) => name);
  checkInputs(monitor.model, new Set(required), description, list);
  checkOutputs(monitor.model, description, list);
  return list.problems;
}
