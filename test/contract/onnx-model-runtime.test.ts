/** onnxruntime-node against the contract on both placements, and what is its own: ZipMap, cost, threads. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BATCH_ROWS_MAX } from '../../services/core/limits.ts';
import type { LoadedModel, Placement } from '../../services/platform/model/model-runtime.ts';
import { createOnnxModelRuntime } from '../../services/platform/model/onnx-model-runtime.ts';
import { floats } from '../support/model-batches.ts';
import { compileModelWorkerEntry, type ModelWorkerEntry } from '../support/model-worker-entry.ts';
import { encodeOnnxModel, type OnnxModel } from '../support/onnx-file.ts';
import { describeWithSharedData, sharedData } from '../support/shared-data.ts';
import { describeModelRuntime } from './model-runtime.contract.ts';

let entry: ModelWorkerEntry;
let directory: string;
beforeAll(() => {
  entry = compileModelWorkerEntry();
  directory = mkdtempSync(join(tmpdir(), 'tidegauge-onnx-'));
});
afterAll(() => {
  entry.remove();
  rmSync(directory, { recursive: true, force: true });
});

for (const placement of ['inline', 'workers'] as const) {
  describeModelRuntime(placement, () => createOnnxModelRuntime({ workerEntry: entry.url }));
}

function writeModel(model: OnnxModel): string {
  const file = join(directory, 'model.onnx');
  writeFileSync(file, encodeOnnxModel(model));
  return file;
}

/** `count` times the sine of a row of 1 000: about 1 µs each. */
function sineModel(count: number): OnnxModel {
  const names = Array.from({ length: count + 1 }, (_, index) => `v${index}`);
  const value = { element: 'float32', shape: ['rows', 1_000] } as const;
  return {
    nodes: names.slice(1).map((name, index) => ({
      operator: 'Sin',
      inputs: [names[index]!],
      outputs: [name],
    })),
    inputs: [{ ...value, name: names[0]! }],
    outputs: [{ ...value, name: names[count]! }],
  };
}

function sineBatch(rowCount: number) {
  const data = new Float32Array(rowCount * 1_000).fill(1);
  return { rowCount, inputs: new Map([['v0', { type: 'float32', data, width: 1_000 } as const]]) };
}

describe('placement auto', () => {
  async function placed(file: string): Promise<LoadedModel> {
    const runtime = createOnnxModelRuntime({ workerEntry: entry.url });
    return await runtime.load({ file, placement: 'auto', workerCount: 1 });
  }

  it('keeps a light model on the main thread', async () => {
    const model = await placed(writeModel(sineModel(1)));
    expect(model.description.placement).toBe('inline');
    expect(model.rowsPerRunMax).toBeGreaterThanOrEqual(64);
    await model.close();
  });

  it('sends a heavy one to workers, which take full batches', async () => {
    const model = await placed(writeModel(sineModel(400)));
    expect(model.description.placement).toBe('workers');
    expect(model.rowsPerRunMax).toBe(BATCH_ROWS_MAX);
    expect((await model.run(sineBatch(1))).get('v400')!.width).toBe(1_000);
    await model.close();
  });
});

describe('worker threads', () => {
  const heavy = sineModel(400);

  async function load(workerEntry: URL, workerCount: number): Promise<LoadedModel> {
    const runtime = createOnnxModelRuntime({ workerEntry });
    return await runtime.load({ file: writeModel(heavy), placement: 'workers', workerCount });
  }

  it('leave the event loop free while they run', async () => {
    const model = await load(entry.url, 1);
    let isDone = false;
    const run = model.run(sineBatch(100)).then(() => {
      isDone = true;
    });
    let ticks = 0;
    while (!isDone) {
      await new Promise((resolve) => setImmediate(resolve));
      ticks++;
    }
    await run;
    expect(ticks).toBeGreaterThan(100);
    await model.close();
  });

  it('end on close without waiting for the queue, whose batches fail', async () => {
    const model = await load(entry.url, 2);
    const runs = Array.from({ length: 6 }, () => model.run(sineBatch(50)));
    const outcomes = Promise.allSettled(runs);
    await model.close();
    for (const outcome of await outcomes) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'inference.run' } });
    }
  });

  /** The real worker, except that a batch of 13 rows kills the thread. */
  function fragileEntry(): URL {
    const file = join(entry.directory, 'fragile.js');
    writeFileSync(
      file,
      // After the import: a listener before it would take the messages the worker must not miss.
      `import { parentPort } from 'node:worker_threads';
       await import(${JSON.stringify(entry.url.href)});
       parentPort.on('message', (m) => { if (m.batch?.rowCount === 13) process.exit(7); });`,
    );
    return pathToFileURL(file);
  }

  it('are replaced when they die; only their own batches fail', async () => {
    const model = await load(fragileEntry(), 2);
    for (let round = 0; round < 3; round++) {
      const fatal = model.run(sineBatch(13));
      const other = model.run(sineBatch(2));
      await expect(fatal).rejects.toMatchObject({
        code: 'inference.run',
        message: expect.stringContaining('ended with code 7'),
      });
      expect((await other).get('v400')!.data).toHaveLength(2_000);
    }
    // More batches than threads: the replaced ones take part.
    const outputs = await Promise.all([1, 2, 3, 4].map((rows) => model.run(sineBatch(rows))));
    expect(outputs.map((output) => output.get('v400')!.data.length / 1_000)).toEqual([1, 2, 3, 4]);
    await model.close();
  });

  it('that cannot start refuse the model', async () => {
    const absent = pathToFileURL(join(directory, 'absent.js'));
    await expect(load(absent, 2)).rejects.toMatchObject({
      code: 'configuration.model',
      message: expect.stringMatching(/worker threads cannot start.*absent\.js/s),
    });
  });

  it.each([0, 1.5, 1_000, Number.NaN])('are not %s in number', async (workerCount) => {
    await expect(load(entry.url, workerCount)).rejects.toMatchObject({
      code: 'configuration.invalid',
    });
  });
});

describe('ZipMap', () => {
  it('is stripped from a model that imports no default operator set', async () => {
    const file = writeModel({
      domains: ['ai.onnx.ml'],
      nodes: [
        { operator: 'Normalizer', inputs: ['x'], outputs: ['p'], domain: 'ai.onnx.ml' },
        {
          operator: 'ZipMap',
          inputs: ['p'],
          outputs: ['maps'],
          domain: 'ai.onnx.ml',
          attributes: { classlabels_int64s: [0, 1, 2] },
        },
      ],
      inputs: [{ name: 'x', element: 'float32', shape: ['rows', 3] }],
      outputs: [{ name: 'maps', element: 'maps' }],
    });
    const model = await createOnnxModelRuntime().load({
      file,
      placement: 'inline',
      workerCount: 1,
    });
    expect(model.description.outputs).toEqual([{ name: 'maps', type: 'float32', shape: [3] }]);
    const outputs = await model.run(
      floats('x', [
        [1, 2, 4],
        [0, 1, 5],
      ]),
    );
    expect(outputs.get('maps')).toEqual({
      type: 'float32',
      width: 3,
      // Normalizer divides by the largest value of the row.
      data: Float32Array.of(0.25, 0.5, 1, 0, 0.2, 1),
    });
    await model.close();
  });
});

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

const SHARED = sharedData('onnx');
const VECTORS = join(SHARED, 'model-vectors.json');
describeWithSharedData('models of others', () => {
  const vectors: Record<string, ModelVector> = JSON.parse(readFileSync(VECTORS, 'utf8'));
  const placements: readonly Placement[] = ['inline', 'workers'];
  const cases = Object.entries(vectors).flatMap(([name, vector]) =>
    placements.map((placement) => ({ name, vector, placement })),
  );

  it.each(cases)('$name gives its expected outputs, $placement', async ({ vector, placement }) => {
    const runtime = createOnnxModelRuntime({ workerEntry: entry.url });
    const model = await runtime.load({
      file: join(SHARED, vector.model),
      placement,
      workerCount: 1,
    });
    const outputs = await model.run(floats(vector.input_name, vector.input));
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

  it.each(['neurom-rf_iris', 'neurom-knn_iris', 'akokubo-logistic_davis'])(
    '%s gives probabilities that add up to one',
    async (name) => {
      const file = join(SHARED, 'models/iris', `${name}.onnx`);
      const runtime = createOnnxModelRuntime();
      const model = await runtime.load({ file, placement: 'inline', workerCount: 1 });
      const [input] = model.description.inputs;
      const width = input!.shape[0]!;
      const rows = [1, 2, 3].map((scale) => Array.from({ length: width }, () => scale * 1.3));
      const { data, width: classes } = (await model.run(floats(input!.name, rows))).get(
        'output_probability',
      )!;
      await model.close();
      for (let row = 0; row < rows.length; row++) {
        const values = (data as Float32Array).slice(row * classes, (row + 1) * classes);
        expect(values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
      }
    },
  );
});
