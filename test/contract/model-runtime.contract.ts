/**
 * What every `ModelRuntime` guarantees, on one placement. The models are the example's (a pipeline
 * of scikit-learn that ends in ZipMap) and small ones written by the suite.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CodedError } from '../../services/core/errors.ts';
import type {
  LoadedModel,
  ModelBatch,
  ModelRuntime,
  Placement,
  TensorType,
} from '../../services/platform/model/model-runtime.ts';
import { floats, GATHER, gatherBatch, SAMPLE_TENSORS } from '../support/model-batches.ts';
import { encodeOnnxModel, type OnnxModel } from '../support/onnx-file.ts';
import { REFUSED_MODELS } from './refused-models.ts';

const EXAMPLE = fileURLToPath(
  new URL('../../deploy/examples/credit-default/model.onnx', import.meta.url),
);
const WIDTH = 5;

function identityModel(element: TensorType): OnnxModel {
  return {
    nodes: [{ operator: 'Identity', inputs: ['x'], outputs: ['y'] }],
    inputs: [{ name: 'x', element, shape: ['rows', 2] }],
    outputs: [{ name: 'y', element, shape: ['rows', 2] }],
  };
}

const plain = { name: 'x', element: 'float32', shape: ['rows', 2] } as const;

export function describeModelRuntime(
  placement: Placement,
  createRuntime: () => ModelRuntime,
): void {
  describe(`ModelRuntime, ${placement}`, () => {
    let runtime: ModelRuntime;
    let directory: string;
    let example: LoadedModel;

    function load(file: string): Promise<LoadedModel> {
      return runtime.load({ file, placement, workerCount: 1 });
    }

    function writeModel(name: string, model: OnnxModel | Uint8Array): string {
      const file = join(directory, `${name}.onnx`);
      writeFileSync(file, model instanceof Uint8Array ? model : encodeOnnxModel(model));
      return file;
    }

    async function withModel(
      model: OnnxModel,
      use: (loaded: LoadedModel) => Promise<void>,
    ): Promise<void> {
      const loaded = await load(writeModel('model', model));
      try {
        await use(loaded);
      } finally {
        await loaded.close();
      }
    }

    async function scores(rows: readonly (readonly number[])[]): Promise<readonly number[][]> {
      const outputs = await example.run(floats('features', rows));
      const { data, width } = outputs.get('output_probability')!;
      return rows.map((_, row) => [
        ...(data as Float32Array).slice(row * width, (row + 1) * width),
      ]);
    }

    beforeAll(async () => {
      directory = mkdtempSync(join(tmpdir(), 'tidegauge-model-'));
      runtime = createRuntime();
      example = await load(EXAMPLE);
    });
    afterAll(async () => {
      await example.close();
      rmSync(directory, { recursive: true, force: true });
    });

    it('describes the model: digest of the file, tensors, placement, cost', () => {
      const { description } = example;
      expect(description.digest).toBe(
        createHash('sha256').update(readFileSync(EXAMPLE)).digest('hex'),
      );
      expect(description.inputs).toEqual([{ name: 'features', type: 'float32', shape: [WIDTH] }]);
      expect(description.outputs).toEqual([
        { name: 'output_label', type: 'int64', shape: [] },
        { name: 'output_probability', type: 'float32', shape: [2] },
      ]);
      expect(description.placement).toBe(placement);
      expect(description.cost.fixedMs + description.cost.perRowMs).toBeGreaterThan(0);
      expect(example.rowsPerRunMax).toBeGreaterThanOrEqual(1);
    });

    const row = fc.tuple(
      fc.integer({ min: 18, max: 90 }),
      fc.integer({ min: 6_000, max: 200_000 }),
      fc.integer({ min: 500, max: 400_000 }),
      fc.constantFrom(12, 24, 36, 48, 60, 72, 84),
      fc.double({ min: 0, max: 1, noNaN: true }),
    );

    it('gives each row, in order, what it gives the row alone', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 70 }), async (rows) => {
          const together = await scores(rows);
          const alone = await Promise.all(rows.map((one) => scores([one])));
          expect(together).toEqual(alone.flat());
        }),
        { numRuns: 15 },
      );
    });

    it('keeps a non-finite value to its own row', async () => {
      // The example's imputer would hide the NaN, so this model has none.
      const model: OnnxModel = {
        nodes: [{ operator: 'Softmax', inputs: ['x'], outputs: ['y'], attributes: { axis: 1 } }],
        inputs: [plain],
        outputs: [{ ...plain, name: 'y' }],
      };
      await withModel(model, async (loaded) => {
        const outputs = await loaded.run(
          floats('x', [
            [1, 2],
            [Number.NaN, 2],
            [3, 1],
          ]),
        );
        const data = outputs.get('y')!.data as Float32Array;
        expect([...data].map(Number.isFinite)).toEqual([true, true, false, false, true, true]);
      });
    });

    it('scores a row with a missing value', async () => {
      const [known, missing] = await scores([
        [40, 38_000, 12_000, 36, 0.9],
        [40, 38_000, 12_000, 36, Number.NaN],
      ]);
      expect(missing!.every(Number.isFinite)).toBe(true);
      expect(missing).not.toEqual(known);
    });

    it.each(SAMPLE_TENSORS)('passes $type through unchanged', async (tensor) => {
      await withModel(identityModel(tensor.type), async (loaded) => {
        const outputs = await loaded.run({ rowCount: 2, inputs: new Map([['x', tensor]]) });
        expect(outputs.get('y')).toEqual(tensor);
      });
    });

    it('never touches its inputs, not even those that are views of something larger', async () => {
      const whole = Float32Array.from({ length: 4 * WIDTH }, (_, index) => index);
      const before = whole.slice();
      const data = whole.subarray(WIDTH, 3 * WIDTH);
      await example.run({
        rowCount: 2,
        inputs: new Map([['features', { type: 'float32', data, width: WIDTH }]]),
      });
      expect(whole).toEqual(before);
    });

    it('answers batches in flight together each with its own rows', async () => {
      const batches = Array.from({ length: 20 }, (_, index) => [
        [20 + index, 30_000 + 1_000 * index, 9_000, 36, 0.4],
      ]);
      const together = await Promise.all(batches.map(scores));
      for (const [index, rows] of batches.entries()) {
        expect(together[index]).toEqual(await scores(rows));
      }
    });

    it.each<[string, ModelBatch, RegExp]>([
      ['no rows', floats('features', []), /at least one row/],
      ['a missing input', { rowCount: 1, inputs: new Map() }, /input features is missing/],
      [
        'a row too short',
        floats('features', [[1, 2, 3, 4]]),
        /4 elements a row, the model takes 5/,
      ],
      [
        'fewer rows than said',
        { ...floats('features', [[1, 2, 3, 4, 5]]), rowCount: 2 },
        /5 elements, 2 rows of 5 are 10/,
      ],
      [
        'another type',
        {
          rowCount: 1,
          inputs: new Map([
            ['features', { type: 'float64', data: new Float64Array(WIDTH), width: WIDTH }],
          ]),
        },
        /is float64, the model takes float32/,
      ],
      [
        'data that is not its type',
        {
          rowCount: 1,
          inputs: new Map([
            ['features', { type: 'float32', data: new Float64Array(WIDTH), width: WIDTH }],
          ]),
        },
        /says float32 but its data is a Float64Array/,
      ],
      [
        'an input too many',
        {
          rowCount: 1,
          inputs: new Map([
            ...floats('features', [[1, 2, 3, 4, 5]]).inputs,
            ...floats('extra', [[1]]).inputs,
          ]),
        },
        /no input named extra/,
      ],
    ])('refuses a batch with %s', async (_, batch, says) => {
      const error = await example.run(batch).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(CodedError);
      expect(error).toMatchObject({
        code: 'inference.input',
        message: expect.stringMatching(says),
      });
    });

    it('fails a batch as a whole with inference.run and goes on', async () => {
      await withModel(GATHER, async (loaded) => {
        await expect(loaded.run(gatherBatch([0, 7]))).rejects.toMatchObject({
          code: 'inference.run',
        });
        const outputs = await loaded.run(gatherBatch([1, 0]));
        expect(outputs.get('y')!.data).toEqual(Float32Array.of(1, -1, 0, -0));
      });
    });

    it('closes once, however often it is asked, and runs nothing afterwards', async () => {
      const loaded = await load(EXAMPLE);
      await Promise.all([loaded.close(), loaded.close()]);
      await loaded.close();
      const late = loaded.run(floats('features', [[1, 2, 3, 4, 5]]));
      await expect(late).rejects.toMatchObject({ code: 'inference.run' });
    });

    it.each(REFUSED_MODELS)('refuses $what and says why', async ({ model, says }) => {
      const file = writeModel('refused', model);
      const error = await load(file).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(CodedError);
      expect(error).toMatchObject({
        code: 'configuration.model',
        message: expect.stringMatching(says),
      });
      expect((error as Error).message).toContain(file);
    });

    it('refuses a file that is not there, and a folder', async () => {
      for (const file of [join(directory, 'absent.onnx'), directory]) {
        await expect(load(file)).rejects.toMatchObject({
          code: 'configuration.model',
          message: expect.stringContaining(`${file}: it cannot be read`),
        });
      }
    });
  });
}
