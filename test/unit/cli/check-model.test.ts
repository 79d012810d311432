/** Every version of a bundle's model, loaded for real: what is said of those that cannot serve. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { checkBundleModel } from '../../../services/cli/check-model.ts';
import { formatProblem } from '../../../services/platform/config/problem.ts';
import { createOnnxModelRuntime } from '../../../services/platform/model/onnx-model-runtime.ts';
import { tinyMlp } from '../../support/onnx-models.ts';
import { copyExample, type ExampleCopy } from './example-copy.ts';

const ROWS = [
  [35, 30_000, 5_000, 24, 0.3],
  [60, 12_000, 9_000, 48, 0.9],
];

/** Line of the canary, which stands below the version. */
const CANARY = 'canary: { version: "2", share: 10% }';

/** What the model gives for the rows above, as a golden.json; `add` is added to every value. */
async function golden(copy: ExampleCopy, add = 0): Promise<string> {
  const model = await createOnnxModelRuntime().load({
    ...{ file: join(copy.directory, 'model.onnx'), placement: 'inline' },
    ...{ workerCount: 1, threadCount: 1, rowsMax: 2 },
  });
  const { outputs } = await model.run({
    rowCount: 2,
    inputs: new Map([
      ['features', { type: 'float32', width: 5, data: Float32Array.from(ROWS.flat()) }],
    ]),
  });
  await model.close();
  const values = [...(outputs.get('output_probability')!.data as Float32Array)];
  const output_probability = [values.slice(0, 2), values.slice(2)].map((row) =>
    row.map((value) => value + add),
  );
  return JSON.stringify({ inputs: { features: ROWS }, outputs: { output_probability } });
}

async function check(copy: ExampleCopy): Promise<readonly string[]> {
  return (await checkBundleModel(await copy.load())).map(formatProblem);
}

async function canary(): Promise<ExampleCopy> {
  const copy = await copyExample([CANARY]);
  await copy.copyModel('models/2/model.onnx');
  await copy.write('models/2/golden.json', await golden(copy));
  return copy;
}

test('the example has one version and it is good', async () => {
  expect(await check(await copyExample())).toEqual([]);
});

describe('a version in its folder', () => {
  test('is good where its golden outputs hold', async () => {
    expect(await check(await canary())).toEqual([]);
  });

  test('is refused where they do not, at the line that names it', async () => {
    const copy = await canary();
    await copy.write('models/2/golden.json', await golden(copy, 0.01));
    const [problem, ...others] = await check(copy);
    expect(others).toEqual([]);
    expect(problem).toMatch(/^monitor\.yaml:\d+:\d+: model\.canary\.version: .*row 0, element 0/);
  });

  test('is refused without them', async () => {
    const copy = await canary();
    await copy.remove('models/2/golden.json');
    expect(await check(copy)).toEqual([
      expect.stringMatching(/model\.canary\.version: .*version 2 has no golden\.json/),
    ]);
  });

  test('is refused where it is no model', async () => {
    const copy = await canary();
    await copy.write('models/2/model.onnx', 'not a model');
    expect(await check(copy)).toEqual([
      expect.stringMatching(/model\.canary\.version: .*models\/2\/model\.onnx/),
    ]);
  });

  test('that does not fit is named at the inputs and outputs it differs in', async () => {
    const copy = await canary();
    await copy.write('models/2/model.onnx', tinyMlp(4).bytes);
    expect(await check(copy)).toEqual([
      expect.stringMatching(/model\.inputs\.features: version 2: found 5 columns .* the 4 the/),
      expect.stringMatching(/model\.outputs\.score\.tensor: version 2: .* no output output_prob/),
    ]);
  });

  test('may be an ensemble', async () => {
    const copy = await canary();
    await copy.remove('models/2/model.onnx');
    await copy.copyModel('models/2/a.onnx');
    await copy.copyModel('models/2/b.onnx');
    const ensemble = (second: string) => `nodes:
  a: { model: a.onnx }
  b: { model: ${second}.onnx }
  both: { mean: [a.output_probability, b.output_probability] }
outputs: { output_probability: both }
`;
    await copy.write('models/2/ensemble.yaml', ensemble('b'));
    expect(await check(copy)).toEqual([]);
    await copy.write('models/2/ensemble.yaml', ensemble('c'));
    expect(await check(copy)).toEqual([
      expect.stringMatching(/model\.canary\.version: .*models\/2\/c\.onnx/),
    ]);
  });
});

describe('a rollout in force', () => {
  test('has its versions checked as well', async () => {
    const copy = await copyExample();
    await copy.write('models/rollout.json', '{ "primary": "5", "shadow": "6" }');
    await copy.copyModel('models/5/model.onnx');
    await copy.write('models/5/golden.json', await golden(copy));
    expect(await check(copy)).toEqual(['models/rollout.json:1:1: there are no files of version 6']);
  });

  test('that cannot be read is named', async () => {
    const copy = await copyExample();
    await copy.write('models/rollout.json', '{ "primary": 5 }');
    expect(await check(copy)).toEqual([
      expect.stringMatching(/^models\/rollout\.json:1:1: .*primary: found 5/),
    ]);
  });
});

test('the file of the primary is held against golden outputs beside it', async () => {
  const copy = await copyExample();
  await copy.write('golden.json', await golden(copy));
  expect(await check(copy)).toEqual([]);
  await copy.write('golden.json', await golden(copy, 1));
  expect(await check(copy)).toEqual([expect.stringMatching(/: model\.file: .*row 0, element 0/)]);
});
