/** A loaded model against the monitor: names, widths and types, at their lines. */
import { expect, test } from 'vitest';
import { checkModelFits } from '../../../../services/platform/config/check-model-fits.ts';
import { loadBundle } from '../../../../services/platform/config/load-bundle.ts';
import { formatProblem } from '../../../../services/platform/config/problem.ts';
import type {
  ModelDescription,
  TensorDescription,
} from '../../../../services/platform/model/model-runtime.ts';
import { monitorYaml, writeBundle } from './bundle-files.ts';

const INPUT: TensorDescription = { name: 'float_input', type: 'float32', shape: [2] };
const LABEL: TensorDescription = { name: 'label', type: 'int64', shape: [] };
const SCORES: TensorDescription = { name: 'probabilities', type: 'float32', shape: [2] };

async function problems(
  description: Partial<ModelDescription>,
  yaml = monitorYaml('', ''),
  version?: string,
) {
  const directory = await writeBundle({ 'monitor.yaml': yaml });
  const result = await loadBundle(directory, { requireReference: false });
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join('\n'));
  const { monitor, locate } = result.bundle;
  const whole: ModelDescription = {
    digest: '',
    inputs: [INPUT],
    outputs: [LABEL, SCORES],
    batchRowsFixed: null,
    costSamples: [],
    ...description,
  };
  const options = version === undefined ? { locate } : { locate, version };
  return checkModelFits(monitor, whole, options).map(formatProblem);
}

test('a model that fits has no problem, with open dimensions too', async () => {
  expect(await problems({})).toEqual([]);
  expect(await problems({ inputs: [{ ...INPUT, shape: [null] }] })).toEqual([]);
  expect(await problems({ outputs: [{ ...SCORES, shape: [null] }] })).toEqual([]);
});

test('another width is refused at the input', async () => {
  expect(await problems({ inputs: [{ ...INPUT, shape: [5] }] })).toEqual([
    'monitor.yaml:31:26: model.inputs.float_input: found 2 columns for input float_input, expected the 5 the model takes',
  ]);
});

test('an unknown and a missing input are both named', async () => {
  expect(await problems({ inputs: [{ ...INPUT, name: 'float_inputs' }] })).toEqual([
    'monitor.yaml:31:13: model.inputs.float_input: the model has no input float_input; did you mean float_inputs?',
    "monitor.yaml:31:3: model.inputs: the model's input float_inputs is missing",
  ]);
});

test('an unknown output, an index beyond it and text are refused', async () => {
  expect(await problems({ outputs: [LABEL] })).toEqual([
    'monitor.yaml:33:22: model.outputs.score.tensor: the model has no output probabilities; known are label',
  ]);
  expect(await problems({ outputs: [{ ...SCORES, shape: [1] }] })).toEqual([
    'monitor.yaml:33:44: model.outputs.score.index: found 1 for output probabilities, expected an index below its width 1',
  ]);
  expect(await problems({ outputs: [{ ...SCORES, type: 'string' }] })).toEqual([
    'monitor.yaml:33:22: model.outputs.score.tensor: output probabilities is text, expected numbers',
  ]);
});

const EMPLOYMENT = monitorYaml('[age, income] }', '[employment, channel] }');

test('a text input takes categorical columns, which may be missing', async () => {
  const inputs: ModelDescription['inputs'] = [{ ...INPUT, type: 'string' }];
  expect(await problems({ inputs }, EMPLOYMENT)).toEqual([]);
  expect(await problems({ inputs })).toEqual([
    'monitor.yaml:31:27: model.inputs.float_input[0]: column age is numeric and input float_input takes text, expected a categorical column',
    'monitor.yaml:31:32: model.inputs.float_input[1]: column income is numeric and input float_input takes text, expected a categorical column',
  ]);
});

test('an input for numbers takes no categorical column', async () => {
  for (const type of ['float32', 'float64', 'int64'] as const) {
    const yaml = EMPLOYMENT.replace(
      'type: categorical\n',
      'type: categorical\n    required: true\n',
    );
    const [first] = await problems({ inputs: [{ ...INPUT, type }] }, yaml);
    expect(first).toMatch(
      /float_input\[0\]: column employment is categorical and input float_input takes numbers/,
    );
  }
});

test('a boolean input takes either, of events that have the value', async () => {
  const inputs: ModelDescription['inputs'] = [{ ...INPUT, type: 'bool' }];
  expect(await problems({ inputs })).toEqual([]);
  const allowed = EMPLOYMENT.replace('[salaried, self-employed]', '[true, false]').replace(
    /(employment:\n.*\n.*\n)/,
    '$1    required: true\n',
  );
  expect(await problems({ inputs }, allowed)).toEqual([
    expect.stringMatching(/input float_input is bool, .* expected channel to be required$/),
  ]);
  expect(await problems({ inputs }, EMPLOYMENT)).toEqual([
    expect.stringMatching(
      /float_input\[0\]: column employment may be salaried .* expected only true and false/,
    ),
    expect.stringMatching(/expected employment, channel to be required$/),
  ]);
});

test('several inputs are each held against their own columns', async () => {
  const yaml = monitorYaml(
    'float_input: [age, income]',
    'age: [age], income: [income], job: [employment]',
  );
  const one = (name: string, type: TensorDescription['type']): TensorDescription => ({
    ...{ name, type, shape: [1] },
  });
  const inputs = [one('age', 'int64'), one('income', 'float32'), one('job', 'string')];
  expect(await problems({ inputs }, yaml)).toEqual([]);
  expect(await problems({ inputs: [...inputs.slice(0, 2), one('job', 'float32')] }, yaml)).toEqual([
    expect.stringMatching(/model\.inputs\.job\[0\]: column employment is categorical/),
  ]);
});

test('a version among several is named', async () => {
  expect(await problems({ inputs: [{ ...INPUT, shape: [5] }] }, monitorYaml('', ''), '4')).toEqual([
    expect.stringContaining('float_input: version 4: found 2 columns for input float_input'),
  ]);
});

test('an integer input asks for columns that are never missing', async () => {
  const integers: ModelDescription['inputs'] = [{ ...INPUT, type: 'int64' }];
  expect(await problems({ inputs: integers })).toEqual([]);
  expect(
    await problems({ inputs: integers }, monitorYaml('required: true, range', 'range')),
  ).toEqual([
    'monitor.yaml:31:26: model.inputs.float_input: input float_input is int64, which has no missing value, expected age to be required',
  ]);
});

test('without a model there is nothing to fit', async () => {
  const yaml = monitorYaml('', '')
    .replace(/model:\n( .*\n)+/, '')
    .replace('[income, score]', '[income]');
  expect(await problems({ inputs: [] }, yaml)).toEqual([]);
});
