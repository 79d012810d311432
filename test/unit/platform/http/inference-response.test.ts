/** Responses as a client reads them: valid JSON that says exactly what the model said. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  encodeInferenceResponse,
  type InferenceResponse,
} from '../../../../services/platform/http/inference-response.ts';
import type {
  ModelDescription,
  Tensor,
  TensorDescription,
} from '../../../../services/platform/model/model-runtime.ts';

function describeOutputs(outputs: readonly TensorDescription[]): ModelDescription {
  return { digest: '', inputs: [], outputs, batchRowsFixed: null, costSamples: [] };
}

/** One output named `y`. */
function respond(tensor: Tensor, shape: readonly (number | null)[], rowCount: number) {
  const response: InferenceResponse = {
    ...{ model: 'm', version: '1', id: null, rowCount, asked: ['y'] },
    outputs: new Map([['y', tensor]]),
    description: describeOutputs([{ name: 'y', type: tensor.type, shape }]),
  };
  return JSON.parse(encodeInferenceResponse(response)).outputs[0];
}

describe('an inference response', () => {
  it('gives every float back bit for bit, but for the sign of zero', () => {
    const float = fc.float({ noNaN: true, noDefaultInfinity: true });
    const double = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(fc.array(float, { minLength: 1 }), fc.array(double, { minLength: 1 }), (f, d) => {
        const singles = { type: 'float32', data: Float32Array.from(f), width: 1 } as const;
        const doubles = { type: 'float64', data: Float64Array.from(d), width: 1 } as const;
        expect(Float32Array.from(respond(singles, [1], f.length).data)).toEqual(
          singles.data.map((value) => value || 0),
        );
        expect(respond(doubles, [1], d.length).data).toEqual(d.map((value) => value || 0));
      }),
    );
  });

  it('gives text, truth and integers back, whatever is in them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }),
        fc.array(fc.boolean(), { minLength: 1 }),
        fc.array(fc.integer(), { minLength: 1 }),
        (texts, truths, integers) => {
          const text = { type: 'string', data: texts, width: 1 } as const;
          const truth = { type: 'bool', data: Uint8Array.from(truths, Number), width: 1 } as const;
          const integer = { type: 'int32', data: Int32Array.from(integers), width: 1 } as const;
          expect(respond(text, [1], texts.length).data).toEqual(texts);
          expect(respond(truth, [1], truths.length).data).toEqual(truths);
          expect(respond(integer, [1], integers.length).data).toEqual(integers);
        },
      ),
    );
  });

  it('writes all digits of an INT64', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        const text = encodeInferenceResponse({
          ...{ model: 'm', version: '1', id: null, rowCount: 1, asked: ['y'] },
          outputs: new Map([['y', { type: 'int64', data: BigInt64Array.of(value), width: 1 }]]),
          description: describeOutputs([{ name: 'y', type: 'int64', shape: [] }]),
        });
        expect(text).toContain(`"data":[${value}]`);
      }),
    );
  });

  const data = (width: number): Tensor => ({
    ...{ type: 'float32', width },
    data: new Float32Array(2 * width),
  });
  it.each<[string, number, (number | null)[], number[]]>([
    ['no dimension but the batch', 1, [], [2]],
    ['a matrix', 3, [3], [2, 3]],
    ['an image', 12, [3, 4], [2, 3, 4]],
    ['one variable dimension', 12, [3, null], [2, 3, 4]],
    ['an empty variable dimension', 0, [null], [2, 0]],
    ['several variable dimensions, flat', 12, [null, null], [2, 12]],
    ['a row that is not as described, flat', 5, [3], [2, 5]],
    ['a row that does not divide, flat', 5, [3, null], [2, 5]],
  ])('has the shape of %s', (_what, width, shape, expected) => {
    const output = respond(data(width), shape, 2);
    expect(output.shape).toEqual(expected);
    expect(output.data).toHaveLength(2 * width);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'cannot carry %d, and says where it is',
    (value) => {
      const tensor: Tensor = { type: 'float64', width: 2, data: Float64Array.of(1, 2, 3, value) };
      const encode = () => respond(tensor, [2], 2);
      expect(encode).toThrow(`output "y", row 1, element 1 is ${value}`);
      expect(encode).toThrow(expect.objectContaining({ code: 'inference.output' }));
    },
  );

  it('holds the outputs asked for in their order, and the id only where there was one', () => {
    const tensor = data(1);
    const response: InferenceResponse = {
      ...{ model: 'a "b"', version: '1', id: '7\n', rowCount: 2, asked: ['z', 'y'] },
      outputs: new Map([
        ['x', tensor],
        ['y', tensor],
        ['z', tensor],
      ]),
      description: describeOutputs([]),
    };
    const answer = JSON.parse(encodeInferenceResponse(response));
    expect(answer).toMatchObject({ model_name: 'a "b"', model_version: '1', id: '7\n' });
    expect(answer.outputs.map(({ name }: { name: string }) => name)).toEqual(['z', 'y']);
    expect(JSON.parse(encodeInferenceResponse({ ...response, id: null }))).not.toHaveProperty('id');
    expect(() => encodeInferenceResponse({ ...response, asked: ['w'] })).toThrow(
      'the model gave no output "w"',
    );
  });
});
