/**
 * Models other people exported: every file of the shared data gives its expected outputs, inline and
 * on workers. Where the data itself expects nothing, the reference evaluator of the `onnx` package
 * (1.17) said what comes out, the forest's also by walking its trees by hand.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Placement } from '../../services/platform/model/model-runtime.ts';
import { createOnnxModelRuntime } from '../../services/platform/model/onnx-model-runtime.ts';
import { floats } from '../support/model-batches.ts';
import { outputsOf } from '../support/model-fixture.ts';
import { compileModelWorkerEntry, type ModelWorkerEntry } from '../support/model-worker-entry.ts';
import { describeWithSharedData, sharedData } from '../support/shared-data.ts';

/** As `model-vectors.json` has them. */
interface ModelVector {
  readonly model: string;
  readonly input_name: string;
  readonly input: readonly number[][];
  readonly output_name?: string;
  readonly expected?: readonly number[][];
  readonly expected_label?: readonly number[];
  readonly expected_probability_by_hand?: readonly number[][];
  readonly abs_tol: number;
}

const IRISES = [
  [5.1, 3.5, 1.4, 0.2],
  [7.0, 3.2, 4.7, 1.4],
  [6.3, 3.3, 6.0, 2.5],
  [5.9, 2.8, 4.6, 1.5],
];

const EVALUATED: Readonly<Record<string, ModelVector>> = {
  'neurom-rf_iris': {
    model: 'models/iris/neurom-rf_iris.onnx',
    input_name: 'float_input',
    input: IRISES,
    expected: [
      [1, 0, 0],
      [0, 0.97, 0.03],
      [0, 0, 1],
      [0, 0.96, 0.04],
    ],
    expected_label: [0, 1, 2, 1],
    abs_tol: 1e-5,
  },
  'neurom-knn_iris': {
    model: 'models/iris/neurom-knn_iris.onnx',
    input_name: 'float_input',
    input: IRISES,
    expected: [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
      [0, 1, 0],
    ],
    expected_label: [0, 1, 2, 1],
    abs_tol: 1e-5,
  },
  'akokubo-logistic_davis': {
    model: 'models/iris/akokubo-logistic_davis.onnx',
    input_name: 'float_input',
    input: [
      [77, 182],
      [58, 161],
      [53, 161],
      [68, 177],
    ],
    expected: [
      [0.0032347, 0.9967653],
      [0.9929069, 0.0070931],
      [0.9971725, 0.0028275],
      [0.0860849, 0.9139152],
    ],
    expected_label: [1, 0, 0, 1],
    abs_tol: 1e-5,
  },
};

const SHARED = sharedData('onnx');
describeWithSharedData('models of others', () => {
  const given: Record<string, ModelVector> = JSON.parse(
    readFileSync(join(SHARED, 'model-vectors.json'), 'utf8'),
  );
  const vectors = { ...given, ...EVALUATED };
  const placements: readonly Placement[] = ['inline', 'workers'];
  let entry: ModelWorkerEntry;
  beforeAll(() => {
    entry = compileModelWorkerEntry();
  });
  afterAll(() => entry.remove());

  it('are all expected something of', () => {
    const files = readdirSync(SHARED, { recursive: true, encoding: 'utf8' });
    const models = files.filter((file) => file.endsWith('.onnx')).sort();
    expect(models.length).toBeGreaterThan(5);
    expect(
      Object.values(vectors)
        .map(({ model }) => model)
        .sort(),
    ).toEqual(models);
  });

  const cases = Object.entries(vectors).flatMap(([name, vector]) =>
    placements.map((placement) => ({ name, vector, placement })),
  );
  it.each(cases)('$name gives its expected outputs, $placement', async ({ vector, placement }) => {
    const runtime = createOnnxModelRuntime({ workerEntry: entry.url, trialEntry: entry.trial });
    const sizes = { workerCount: 1, threadCount: 1, rowsMax: 16 };
    const model = await runtime.load({ ...sizes, placement, file: join(SHARED, vector.model) });
    const outputs = await outputsOf(model, floats(vector.input_name, vector.input));
    await model.close();
    const probabilities = outputs.get(vector.output_name ?? 'output_probability')!;
    const expected = vector.expected ?? vector.expected_probability_by_hand!;
    expect(probabilities.width).toBe(expected[0]!.length);
    for (const [index, value] of expected.flat().entries()) {
      expect(Math.abs(Number(probabilities.data[index]) - value)).toBeLessThan(vector.abs_tol);
    }
    if (vector.expected_label === undefined) return;
    expect([...outputs.get('output_label')!.data].map(Number)).toEqual(vector.expected_label);
  });
});
