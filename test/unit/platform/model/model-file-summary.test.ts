/** What is read from the bytes of a model alone: values, operators, weights in every form they are stored in. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readTensor } from '../../../../services/platform/model/model-file-numbers.ts';
import { summariseModelFile } from '../../../../services/platform/model/model-file-summary.ts';
import {
  summariseWeights,
  totalWeights,
} from '../../../../services/platform/model/model-file-weights.ts';
import { WireFormatError } from '../../../../services/platform/model/protobuf-wire.ts';
import { encodeOnnxModel, type OnnxModel } from '../../../support/onnx-file.ts';
import {
  quantisedMlp,
  severalInputs,
  stringModel,
  tinyMlp,
  treeEnsemble,
} from '../../../support/onnx-models.ts';
import { encodeTensor, type OnnxTensorValue } from '../../../support/onnx-tensor-file.ts';

const IDENTITY: OnnxModel = {
  nodes: [{ operator: 'Identity', inputs: ['x'], outputs: ['y'] }],
  inputs: [{ name: 'x', element: 'float32', shape: ['rows', 2] }],
  outputs: [{ name: 'y', element: 'float32', shape: null }],
};

function summariseTensor(tensor: OnnxTensorValue) {
  return summariseWeights(tensor.name, readTensor(encodeTensor(tensor)));
}

const NUMBERS = {
  float32: fc.float({ noNaN: true, noDefaultInfinity: true }),
  float64: fc.double({ noNaN: true, noDefaultInfinity: true }),
  int8: fc.integer({ min: -128, max: 127 }),
  uint8: fc.integer({ min: 0, max: 255 }),
  int32: fc.integer(),
  int64: fc.maxSafeInteger(),
} as const;

describe('the numbers of a tensor', () => {
  const element = fc.constantFrom(...(Object.keys(NUMBERS) as (keyof typeof NUMBERS)[]));
  const storage = fc.constantFrom('raw' as const, 'typed' as const);
  const tensor = fc
    .tuple(element, storage)
    .chain(([type, form]) =>
      fc.record({
        name: fc.string(),
        element: fc.constant(type),
        storage: fc.constant(form),
        values: fc.array(NUMBERS[type] as fc.Arbitrary<number>, { minLength: 1 }),
      }),
    )
    .map((parts) => ({ ...parts, shape: [parts.values.length] }));

  it('are read as they were written, whatever their type and form', () => {
    fc.assert(
      fc.property(tensor, (written) => {
        const read = readTensor(encodeTensor(written));
        expect(read).toMatchObject({
          name: written.name,
          element: written.element,
          shape: written.shape,
          externalFile: null,
        });
        expect(Array.from(read.numbers!)).toEqual(written.values);
      }),
    );
  });

  it('have the range of all parts they are split into', () => {
    const summary = (values: readonly number[]) =>
      summariseTensor({ name: 'w', element: 'float64', shape: [values.length], values });
    fc.assert(
      fc.property(fc.array(fc.array(fc.double())), (parts) => {
        const { minimum, maximum, nanCount, infiniteCount, denormalCount } = summary(parts.flat());
        expect(totalWeights(parts.map(summary))).toEqual({
          ...{ count: parts.flat().length, minimum, maximum },
          ...{ nanCount, infiniteCount, denormalCount },
        });
      }),
    );
  });

  it('16-bit floats are read from raw bytes and from int32_data', () => {
    // 1, -2, the largest, the smallest denormal, minus zero, minus infinity, NaN.
    const values = [0x3c00, 0xc000, 0x7bff, 0x0001, 0x8000, 0xfc00, 0x7e00];
    for (const storage of ['raw', 'typed'] as const) {
      const tensor = { name: 'w', element: 'float16', shape: [7], values, storage } as const;
      expect(Array.from(readTensor(encodeTensor(tensor)).numbers!)).toEqual([
        ...[1, -2, 65_504, 2 ** -24, -0],
        ...[Number.NEGATIVE_INFINITY, Number.NaN],
      ]);
      expect(summariseTensor(tensor)).toMatchObject({
        ...{ minimum: -2, maximum: 65_504, nanCount: 1, infiniteCount: 1, denormalCount: 1 },
      });
    }
  });

  it('are denormal below the smallest normal number of their type, zero excepted', () => {
    const count = (element: 'float32' | 'float64', value: number) =>
      summariseTensor({ name: 'w', element, shape: [1], values: [value] }).denormalCount;
    expect([2 ** -126, 2 ** -127, -(2 ** -149), 0, -0].map((v) => count('float32', v))).toEqual([
      0, 1, 1, 0, 0,
    ]);
    expect([2 ** -127, 2 ** -1022, 2 ** -1074].map((v) => count('float64', v))).toEqual([0, 0, 1]);
  });

  it('that lie in another file are counted and not ranged, and the file is named', () => {
    const far: OnnxTensorValue = {
      ...{ name: 'w', element: 'float32', shape: [3, 2], values: [] },
      externalFile: 'weights.bin',
    };
    const summary = summariseModelFile(encodeOnnxModel({ ...IDENTITY, initializers: [far, far] }));
    expect(summary.externalFiles).toEqual(['weights.bin']);
    expect(summary.weights[0]).toMatchObject({
      count: 6,
      minimum: null,
      externalFile: 'weights.bin',
    });
  });
});

describe('the summary', () => {
  it('names inputs and outputs with types and shapes, initialisers among the inputs left out', () => {
    const weight = { name: 'w', element: 'float32', shape: [2], values: [1, 2] } as const;
    const model: OnnxModel = {
      ...IDENTITY,
      inputs: [
        ...IDENTITY.inputs,
        { name: 'w', element: 'float32', shape: [2] },
        { name: 'text', element: 'string', shape: ['', 3] },
      ],
      outputs: [
        ...IDENTITY.outputs,
        { name: 'maps', element: 'maps' },
        { name: 'list', element: 'tensors' },
      ],
      initializers: [weight],
    };
    const { inputs, outputs } = summariseModelFile(encodeOnnxModel(model));
    expect(inputs).toEqual([
      { name: 'x', type: 'float32', shape: ['rows', 2] },
      { name: 'text', type: 'string', shape: ['', 3] },
    ]);
    expect(outputs).toEqual([
      { name: 'y', type: 'float32', shape: null },
      { name: 'maps', type: 'sequence(map(int64, float32))', shape: null },
      { name: 'list', type: 'sequence(float32)', shape: null },
    ]);
  });

  it('counts every operator, the most used first, and says the operator sets', () => {
    const summary = summariseModelFile(tinyMlp().bytes);
    expect(summary.operators).toEqual([
      { operator: 'Gemm', domain: 'ai.onnx', count: 2 },
      { operator: 'Relu', domain: 'ai.onnx', count: 1 },
      { operator: 'Sigmoid', domain: 'ai.onnx', count: 1 },
    ]);
    expect(summary.irVersion).toBe(8);
    expect(summary.operatorSets).toEqual([
      { domain: 'ai.onnx', version: 13 },
      { domain: 'ai.onnx.ml', version: 3 },
    ]);
    expect(totalWeights(summary.weights).count).toBe(8 * 16 + 16 + 16 + 1);
  });

  it('finds the weights of a tree ensemble among its attributes', () => {
    const { weights } = summariseModelFile(treeEnsemble(3, 2, 5).bytes);
    expect(weights.map(({ name, count }) => [name, count])).toEqual([
      ['TreeEnsembleRegressor#1.nodes_values', 3 * 7],
      ['TreeEnsembleRegressor#1.target_weights', 3 * 4],
    ]);
    const { minimum, maximum } = totalWeights(weights);
    expect(minimum).toBeGreaterThanOrEqual(-1);
    expect(maximum).toBeLessThanOrEqual(1);
    expect(maximum! - minimum!).toBeGreaterThan(1);
  });

  it('leaves shapes and categories out of the parameters, and counts int8 ones', () => {
    const ofStrings = summariseModelFile(stringModel().bytes).weights.map(({ name }) => name);
    expect(ofStrings).toEqual(['LabelEncoder#4.values_floats', 'w']);
    const ofInt8 = summariseModelFile(quantisedMlp('static', 20, 64).bytes).weights;
    expect(ofInt8.find(({ name }) => name === 'wq')).toMatchObject({
      ...{ element: 'int8', count: 1_280, shape: [20, 64], nanCount: 0 },
    });
    expect(summariseModelFile(severalInputs().bytes).inputs).toHaveLength(5);
  });

  it('names what is not finite, in initialisers, constants and lists of floats', () => {
    const tensor = (name: string, values: readonly number[]) =>
      ({ name, element: 'float32', shape: [values.length], values }) as const;
    const model: OnnxModel = {
      ...IDENTITY,
      nodes: [
        ...IDENTITY.nodes,
        {
          ...{ operator: 'Constant', inputs: [], outputs: ['c'] },
          attributes: { value: { tensor: tensor('', [1, Number.POSITIVE_INFINITY]) } },
        },
        {
          ...{ operator: 'Scaler', inputs: ['x'], outputs: ['s'], domain: 'ai.onnx.ml' },
          attributes: { scale: { floats: [1, 1e-45, 2] } },
        },
      ],
      initializers: [tensor('good', [0, -3]), tensor('bad', [Number.NaN, 1])],
    };
    const { weights } = summariseModelFile(encodeOnnxModel(model));
    const suspects = weights
      .filter((w) => w.nanCount + w.infiniteCount + w.denormalCount > 0)
      .map((w) => [w.name, w.nanCount, w.infiniteCount, w.denormalCount]);
    expect(suspects).toEqual([
      ['Constant#2.value', 0, 1, 0],
      ['Scaler#3.scale', 0, 0, 1],
      ['bad', 1, 0, 0],
    ]);
    expect(totalWeights(weights)).toMatchObject({ count: 9, minimum: -3, maximum: 2 });
  });

  it('of bytes that are no model is refused', () => {
    for (const bytes of [new Uint8Array(), Buffer.from('not a model'), Uint8Array.of(0x3a, 5, 1)]) {
      expect(() => summariseModelFile(bytes)).toThrow(WireFormatError);
    }
  });

  it('of damaged bytes is made or refused, never anything else', () => {
    const whole = treeEnsemble(2, 2, 3).bytes;
    const damage = fc.record({
      at: fc.nat(whole.length - 1),
      to: fc.integer({ min: 0, max: 255 }),
      length: fc.nat(whole.length),
    });
    fc.assert(
      fc.property(damage, ({ at, to, length }) => {
        const bytes = Uint8Array.from(whole).subarray(0, length);
        if (at < length) bytes[at] = to;
        try {
          summariseModelFile(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(WireFormatError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
