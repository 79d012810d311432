/**
 * What every `ModelRuntime` does with tensors, on one placement: all types, fixed and dynamic batch
 * dimensions, several inputs and outputs, int8 weights.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  ModelBatch,
  ModelRuntime,
  Placement,
  Tensor,
  TensorData,
  TensorType,
} from '../../services/platform/model/model-runtime.ts';
import { floats, SAMPLE_TENSORS } from '../support/model-batches.ts';
import { createModelFixture, type ModelFixture, outputsOf } from '../support/model-fixture.ts';
import type { OnnxModel } from '../support/onnx-file.ts';
import { quantisedMlp, tinyMlp, treeEnsemble } from '../support/onnx-models.ts';
import { ELEMENT } from '../support/onnx-tensor-file.ts';

function identityModel(element: TensorType, rows: number | string = 'rows'): OnnxModel {
  return {
    nodes: [{ operator: 'Identity', inputs: ['x'], outputs: ['y'] }],
    inputs: [{ name: 'x', element, shape: [rows, 2] }],
    outputs: [{ name: 'y', element, shape: [rows, 2] }],
  };
}

/** An array of the kind of `kind`. */
function arrayLike(kind: TensorData, values: readonly unknown[]): TensorData {
  const { from } = kind.constructor as unknown as { from(values: readonly unknown[]): TensorData };
  return from.call(kind.constructor, values);
}

const plain = { name: 'x', element: 'float32', shape: ['rows', 2] } as const;

function copyOf({ rowCount, inputs }: ModelBatch): ModelBatch {
  const copies = [...inputs].map(([name, tensor]) => {
    return [name, { ...tensor, data: tensor.data.slice() }] as const;
  });
  return { rowCount, inputs: new Map(copies) };
}

export function describeModelTensors(
  placement: Placement,
  createRuntime: () => ModelRuntime,
): void {
  describe(`tensors of a ModelRuntime, ${placement}`, () => {
    let fixture: ModelFixture;

    beforeAll(() => {
      const sizes = { workerCount: 1, threadCount: 1, rowsMax: 4 };
      fixture = createModelFixture(createRuntime(), { ...sizes, placement });
    });
    afterAll(() => fixture.remove());

    it('keeps a non-finite value to its own row', async () => {
      // The example's imputer would hide the NaN, so this model has none.
      const model: OnnxModel = {
        nodes: [{ operator: 'Softmax', inputs: ['x'], outputs: ['y'], attributes: { axis: 1 } }],
        inputs: [plain],
        outputs: [{ ...plain, name: 'y' }],
      };
      await fixture.withModel(model, async (loaded) => {
        const outputs = await outputsOf(
          loaded,
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

    it.each(SAMPLE_TENSORS)('passes $type through unchanged, owned or not', async (tensor) => {
      await fixture.withModel(identityModel(tensor.type), async (loaded) => {
        const batch = { rowCount: 2, inputs: new Map([['x', tensor]]) };
        expect((await outputsOf(loaded, batch)).get('y')).toEqual(tensor);
        expect((await outputsOf(loaded, copyOf(batch), { owned: true })).get('y')).toEqual(tensor);
      });
    });

    it('fills up a fixed batch dimension and cuts the rest off again', async () => {
      for (const tensor of SAMPLE_TENSORS) {
        await fixture.withModel(identityModel(tensor.type, 3), async (loaded) => {
          expect(loaded.description.batchRowsFixed).toBe(3);
          for (const rowCount of [1, 2, 3]) {
            // Rows of the sample, over and over.
            const data = [...tensor.data, ...tensor.data].slice(0, 2 * rowCount);
            const given = { ...tensor, data: arrayLike(tensor.data, data) };
            const batch = { rowCount, inputs: new Map([['x', given]]) };
            expect((await outputsOf(loaded, batch)).get('y')).toEqual(given);
            expect((await outputsOf(loaded, copyOf(batch), { owned: true })).get('y')).toEqual(
              given,
            );
          }
        });
      }
    });

    it('refuses more rows than a fixed batch dimension has', async () => {
      await fixture.withModel(identityModel('float32', 2), async (loaded) => {
        const rows = [1, 2, 3].map((value) => [value, value]);
        await expect(loaded.run(floats('x', rows))).rejects.toMatchObject({
          code: 'inference.input',
          message: expect.stringContaining('takes 2 rows at most, not 3'),
        });
      });
    });

    it('takes one column per input, of several types, and gives several outputs', async () => {
      const rows = ['rows', 1] as const;
      const model: OnnxModel = {
        nodes: [
          {
            operator: 'Cast',
            inputs: ['age'],
            outputs: ['ageFloat'],
            attributes: { to: ELEMENT.float32 },
          },
          { operator: 'Add', inputs: ['ageFloat', 'income'], outputs: ['sum'] },
          { operator: 'Not', inputs: ['isNew'], outputs: ['isOld'] },
          { operator: 'Identity', inputs: ['job'], outputs: ['title'] },
          {
            operator: 'Concat',
            inputs: ['sum', 'sum'],
            outputs: ['twice'],
            attributes: { axis: 1 },
          },
          { operator: 'Flatten', inputs: ['age'], outputs: ['flat'], attributes: { axis: 1 } },
        ],
        inputs: [
          { name: 'age', element: 'int64', shape: rows },
          { name: 'income', element: 'float32', shape: rows },
          { name: 'isNew', element: 'bool', shape: ['rows'] },
          { name: 'job', element: 'string', shape: rows },
        ],
        outputs: [
          { name: 'isOld', element: 'bool', shape: ['rows'] },
          { name: 'title', element: 'string', shape: rows },
          { name: 'twice', element: 'float32', shape: ['rows', 2] },
          { name: 'flat', element: 'int64', shape: rows },
        ],
      };
      await fixture.withModel(model, async (loaded) => {
        const outputs = await outputsOf(loaded, {
          rowCount: 2,
          inputs: new Map<string, Tensor>([
            ['age', { type: 'int64', data: BigInt64Array.of(30n, 41n), width: 1 }],
            ['income', { type: 'float32', data: Float32Array.of(0.5, 2), width: 1 }],
            ['isNew', { type: 'bool', data: Uint8Array.of(1, 0), width: 1 }],
            ['job', { type: 'string', data: ['smith', ''], width: 1 }],
          ]),
        });
        expect(Object.fromEntries(outputs)).toEqual({
          isOld: { type: 'bool', data: Uint8Array.of(0, 1), width: 1 },
          title: { type: 'string', data: ['smith', ''], width: 1 },
          twice: { type: 'float32', data: Float32Array.of(30.5, 30.5, 43, 43), width: 2 },
          flat: { type: 'int64', data: BigInt64Array.of(30n, 41n), width: 1 },
        });
      });
    });

    it('loads a model that fails on every category it does not know', async () => {
      const model: OnnxModel = {
        nodes: [
          {
            operator: 'OneHotEncoder',
            inputs: ['job'],
            outputs: ['hot'],
            domain: 'ai.onnx.ml',
            attributes: { cats_strings: { strings: ['clerk', 'smith'] }, zeros: 0 },
          },
          { operator: 'Flatten', inputs: ['hot'], outputs: ['y'], attributes: { axis: 1 } },
        ],
        inputs: [{ name: 'job', element: 'string', shape: ['rows', 1] }],
        outputs: [{ name: 'y', element: 'float32', shape: ['rows', 2] }],
      };
      const jobs = (...data: string[]): ModelBatch => {
        const tensor: Tensor = { type: 'string', data, width: 1 };
        return { rowCount: data.length, inputs: new Map([['job', tensor]]) };
      };
      await fixture.withModel(model, async (loaded) => {
        const outputs = await outputsOf(loaded, jobs('smith', 'clerk'));
        expect(outputs.get('y')!.data).toEqual(Float32Array.of(0, 1, 1, 0));
        await expect(loaded.run(jobs('smith', 'poet'))).rejects.toMatchObject({
          code: 'inference.run',
          message: expect.stringContaining('Unknown Category'),
        });
      });
    });

    it.each([
      ['int8', () => quantisedMlp('static')],
      ['float32', () => tinyMlp()],
      ['a tree ensemble', () => treeEnsemble(20)],
    ] as const)('gives a row of %s the same bits in every batch', async (_, make) => {
      const { bytes, inputs, outputs } = make();
      const { name, width } = inputs[0]!;
      const rows = Array.from({ length: 130 }, (_row, row) =>
        Array.from(
          { length: width },
          (_column, column) => 2 * Math.sin(1.7 * (row * width + column)),
        ),
      );
      await fixture.withModel(bytes, async (loaded) => {
        const scoresIn = async (size: number): Promise<number[]> => {
          const scores: number[] = [];
          for (let from = 0; from < rows.length; from += size) {
            const batch = floats(name, rows.slice(from, from + size));
            scores.push(
              ...((await outputsOf(loaded, batch)).get(outputs[0]!.name)!.data as Float32Array),
            );
          }
          return scores;
        };
        const together = await scoresIn(rows.length);
        for (const size of [1, 2, 3, 7, 16, 65]) expect(await scoresIn(size)).toEqual(together);
      });
    });

    it.each(['static', 'dynamic'] as const)('runs int8 weights, %s', async (style) => {
      const { bytes, inputs, outputs } = quantisedMlp(style);
      const row = Array.from({ length: inputs[0]!.width }, (_, index) => Math.sin(index));
      const batch = floats(inputs[0]!.name, [row, row.map((value) => -value)]);
      await fixture.withModel(bytes, async (loaded) => {
        const score = (await outputsOf(loaded, batch)).get(outputs[0]!.name)!;
        const [first, second] = score.data as Float32Array;
        for (const value of [first!, second!]) {
          expect(value).toBeGreaterThan(0);
          expect(value).toBeLessThan(1);
        }
        expect(first).not.toBeCloseTo(second!, 3);
      });
    });
  });
}
