/**
 * `tidegauge model inspect` on models that run and models that do not: what is in the file is said of
 * all, what it costs of those that run, and why not of the others. The generated models of the other
 * tests are run here too.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { addModelCommand } from '../../services/cli/model-command.ts';
import { inspectModel } from '../../services/cli/model-inspection.ts';
import { modelJson } from '../../services/cli/model-result.ts';
import { sampleBatch } from '../../services/platform/model/model-file-cost.ts';
import type { LoadedModel, ModelRuntime } from '../../services/platform/model/model-runtime.ts';
import { createOnnxModelRuntime } from '../../services/platform/model/onnx-model-runtime.ts';
import { compileModelWorkerEntry, type ModelWorkerEntry } from '../support/model-worker-entry.ts';
import { encodeOnnxModel, type OnnxModel } from '../support/onnx-file.ts';
import {
  fixedBatch,
  type GeneratedModel,
  heavyMlp,
  largerMlp,
  quantisedMlp,
  REGIONS,
  severalInputs,
  slowModel,
  stringModel,
  tinyMlp,
  treeEnsemble,
} from '../support/onnx-models.ts';
import { describeWithSharedData, sharedData } from '../support/shared-data.ts';

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

let entry: ModelWorkerEntry;
let directory: string;
let runtime: ModelRuntime;
beforeAll(() => {
  entry = compileModelWorkerEntry();
  runtime = createOnnxModelRuntime({ workerEntry: entry.url, trialEntry: entry.trial });
  directory = mkdtempSync(join(tmpdir(), 'tidegauge-inspect-'));
});
afterAll(() => {
  entry.remove();
  rmSync(directory, { recursive: true, force: true });
});

function write(bytes: Uint8Array): string {
  const file = join(directory, 'model.onnx');
  writeFileSync(file, bytes);
  return file;
}

const GENERATED: Readonly<Record<string, () => GeneratedModel>> = {
  'tiny MLP': () => tinyMlp(),
  'larger MLP': () => largerMlp(),
  'heavy MLP': () => heavyMlp(),
  'tree ensemble': () => treeEnsemble(),
  'int8 MLP with scales of its own': () => quantisedMlp('static'),
  'int8 MLP with scales of the batch': () => quantisedMlp('dynamic'),
  strings: stringModel,
  'several inputs': severalInputs,
  'a fixed batch': () => fixedBatch(16),
  'a slow one': () => slowModel(2),
};

/** Up to 16 rows. */
async function runOnce(model: LoadedModel) {
  const { outputs } = await model.run(sampleBatch(model.description, 16));
  return outputs;
}

describe('a generated model', () => {
  it.each(Object.entries(GENERATED))(
    '%s: runs, and its file says what it was made of',
    async (_name, make) => {
      const model = make();
      expect(sha256(make().bytes)).toBe(sha256(model.bytes));
      const file = write(model.bytes);
      const { trial, summary } = await inspectModel(runtime, file);
      expect(trial).toMatchObject({ refusal: null });
      const described = ({ name, element, width }: GeneratedModel['inputs'][number]) => {
        return { name, type: element, shape: [expect.anything(), width] };
      };
      expect(summary.inputs).toEqual(model.inputs.map(described));
      expect(summary.outputs).toEqual(model.outputs.map(described));

      const loaded = await runtime.load({
        ...{ file, placement: 'inline', workerCount: 1, threadCount: 1, rowsMax: 16 },
      });
      try {
        const [score] = model.outputs;
        const { type, data } = (await runOnce(loaded)).get(score!.name)!;
        expect(type).toBe(score!.element);
        const values = Array.from(data as Float32Array);
        expect(values.every(Number.isFinite)).toBe(true);
        // Blank strings are one category: all rows alike.
        if (model.inputs[0]!.element !== 'string') expect(new Set(values).size).toBeGreaterThan(4);
      } finally {
        await loaded.close();
      }
    },
    30_000,
  );

  it('of strings gives each category its own score', async () => {
    const file = write(stringModel().bytes);
    const loaded = await runtime.load({
      ...{ file, placement: 'inline', workerCount: 1, threadCount: 1, rowsMax: 16 },
    });
    const region = ['north', 'south', 'östlich', '', 'elsewhere'];
    const column = (data: readonly string[]) => ({ type: 'string', data, width: 1 }) as const;
    const { outputs } = await loaded.run({
      rowCount: region.length,
      inputs: new Map([
        ['region', column(region)],
        ['channel', column(['', '', '', '', 'web'])],
      ]),
    });
    await loaded.close();
    const logits = [1, -1, 0.25, 2, 0.5];
    expect(REGIONS).toHaveLength(4);
    for (const [row, score] of [...(outputs.get('score')!.data as Float32Array)].entries()) {
      expect(score).toBeCloseTo(1 / (1 + Math.exp(-logits[row]!)), 5);
    }
  });
});

describe('what it costs', () => {
  it('is measured at every size, and a large model costs more than a tiny one', async () => {
    const costsOf = async (bytes: Uint8Array) => {
      const { trial } = await inspectModel(runtime, write(bytes));
      return trial.refusal === null ? trial.costs : [];
    };
    const tiny = await costsOf(tinyMlp().bytes);
    const heavy = await costsOf(heavyMlp().bytes);
    expect(tiny.map(({ rowCount }) => rowCount)).toEqual([1, 4, 16, 64, 256, 1_024]);
    for (const { rowCount, runMs, rowMs } of tiny) {
      expect(runMs).toBeGreaterThan(0);
      expect(rowMs * rowCount).toBeCloseTo(runMs, 9);
    }
    // Some 500 times as many multiplications: far beyond what any machine's noise can hide.
    expect(heavy[3]!.rowMs).toBeGreaterThan(10 * tiny[3]!.rowMs);
  }, 30_000);

  it('suggests the main thread for a tiny model, workers for a heavy one, and says a fixed batch', async () => {
    const of = async (bytes: Uint8Array) => (await inspectModel(runtime, write(bytes))).trial;
    expect(await of(tinyMlp().bytes)).toMatchObject({ placement: 'inline', batchRowsFixed: null });
    expect(await of(slowModel(40).bytes)).toMatchObject({ placement: 'workers' });
    expect(await of(fixedBatch(16).bytes)).toMatchObject({
      ...{ batchRowsFixed: 16, costs: [{ rowCount: 16 }] },
    });
  }, 30_000);
});

describe('a model that ends in ZipMap', () => {
  const MODEL: OnnxModel = {
    nodes: [
      {
        ...{ operator: 'ZipMap', inputs: ['x'], outputs: ['y'], domain: 'ai.onnx.ml' },
        attributes: { classlabels_int64s: [0, 1] },
      },
    ],
    inputs: [{ name: 'x', element: 'float32', shape: ['rows', 2] }],
    outputs: [{ name: 'y', element: 'maps' }],
  };

  it('is described as it stands and as it is run, with the digest of both', async () => {
    const bytes = encodeOnnxModel(MODEL);
    const json = modelJson(await inspectModel(runtime, write(bytes)));
    expect(json).toMatchObject({
      sha256: sha256(bytes),
      outputs: [{ name: 'y', type: 'sequence(map(int64, float32))', shape: null }],
      runOutputs: [{ name: 'y', type: 'float32' }],
      runs: true,
    });
    expect(json.runSha256).not.toBe(json.sha256);
    const plain = modelJson(await inspectModel(runtime, write(tinyMlp().bytes)));
    expect(plain.runSha256).toBe(plain.sha256);
    expect(plain.runOutputs).toEqual(plain.outputs);
  });
});

/** Cannot run: an operator that nobody knows, over weights that nobody should have. */
const BROKEN: OnnxModel = {
  nodes: [{ operator: 'Conjure', inputs: ['x', 'w'], outputs: ['y'] }],
  inputs: [{ name: 'x', element: 'float32', shape: ['rows', 2] }],
  outputs: [{ name: 'y', element: 'float32', shape: ['rows', 2] }],
  initializers: [
    { name: 'w', element: 'float32', shape: [2], values: [Number.NaN, 3] },
    { name: 'far', element: 'float32', shape: [4], values: [], externalFile: 'far.bin' },
  ],
};

describe('the command', () => {
  const written: string[] = [];
  beforeEach(() => {
    written.length = 0;
    for (const stream of [process.stdout, process.stderr]) {
      vi.spyOn(stream, 'write').mockImplementation((text) => {
        if (stream === process.stdout) written.push(String(text));
        return true;
      });
    }
  });
  afterEach(() => {
    vi.restoreAllMocks();
    process.exitCode = undefined;
  });

  async function run(...args: readonly string[]): Promise<string> {
    const program = new Command('tidegauge').exitOverride();
    addModelCommand(program);
    await program.parseAsync(['model', ...args], { from: 'user' });
    return written.join('');
  }

  it('describes what it cannot run, says why not, and ends as after a wrong configuration', async () => {
    const json = JSON.parse(await run('inspect', write(encodeOnnxModel(BROKEN)), '--json'));
    expect(process.exitCode).toBe(2);
    expect(json).toMatchObject({
      ...{ runs: false, placement: null, costs: [], externalFiles: ['far.bin'] },
      parameters: { count: 6, nanCount: 1, minimum: 3, maximum: 3 },
      operators: [{ operator: 'Conjure', domain: 'ai.onnx', count: 1 }],
    });
    expect(json.refusal).toMatch(/model\.onnx/);
  });

  it('ends in order on a model that runs, and names what a person looks for', async () => {
    const file = write(treeEnsemble(4, 3, 5).bytes);
    const text = await run('inspect', file);
    expect(process.exitCode).toBeUndefined();
    for (const found of [
      ...[file, sha256(readFileSync(file)), 'IR 8', 'ai.onnx.ml 3', 'features: float32 [rows, 5]'],
      ...['score: float32 [rows, 1]', '1 × ai.onnx.ml.TreeEnsembleRegressor', 'suspect'],
      ...['92 in 2 tensors', '1 rows', '1 024 rows', 'µs a row', 'placement', 'inline'],
    ]) {
      expect(text).toContain(found);
    }
  });

  it('refuses a file that is none, or no model', async () => {
    const code = { code: 'configuration.model' };
    await expect(run('inspect', join(directory, 'none.onnx'))).rejects.toMatchObject(code);
    const text = write(Buffer.from('this is no model'));
    await expect(run('inspect', text)).rejects.toMatchObject(code);
    await expect(run('inspect')).rejects.toMatchObject({ code: 'commander.missingArgument' });
  });
});

describeWithSharedData('the shared models', () => {
  const folder = sharedData('onnx/models');
  it.each(readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(isModel))(
    '%s: runs, and its weights are finite',
    async (name) => {
      const { trial, summary } = await inspectModel(runtime, join(folder, name));
      expect(trial.refusal).toBeNull();
      expect(summary.weights.length).toBeGreaterThan(0);
      for (const { nanCount, infiniteCount } of summary.weights) {
        expect(nanCount + infiniteCount).toBe(0);
      }
    },
    30_000,
  );
});

function isModel(name: string): boolean {
  return name.endsWith('.onnx');
}
