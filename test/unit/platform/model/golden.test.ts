/** golden.json: what a model must give again, for every type of tensor, and every way to get it wrong. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../../services/core/errors.ts';
import { parseGolden, verifyGolden } from '../../../../services/platform/model/golden.ts';
import type {
  LoadedModel,
  ModelBatch,
  Tensor,
  TensorDescription,
  TensorType,
} from '../../../../services/platform/model/model-runtime.ts';
import { createFakeModel, POISON_LEVEL } from '../../../support/fake-model.ts';

/** Gives back what goes in, each input `x…` as output `y…`; `change` may spoil it. */
function echo(
  tensors: Readonly<Record<string, readonly [TensorType, readonly (number | null)[]]>>,
  options: { change?: (tensor: Tensor) => Tensor; batchRowsFixed?: number } = {},
) {
  const runs: ModelBatch[] = [];
  const describeAll = (prefix: string): TensorDescription[] =>
    Object.entries(tensors).map(([name, [type, shape]]) => ({ name: prefix + name, type, shape }));
  const model: LoadedModel = {
    ...createFakeModel(),
    description: {
      ...createFakeModel().description,
      inputs: describeAll('x'),
      outputs: describeAll('y'),
      batchRowsFixed: options.batchRowsFixed ?? null,
    },
    run: async (batch) => {
      runs.push(batch);
      const outputs = [...batch.inputs].map(([name, tensor]): [string, Tensor] => {
        return [name.replace('x', 'y'), options.change?.(tensor) ?? tensor];
      });
      return { outputs: new Map(outputs), durationMs: 1 };
    },
  };
  return { model, runs };
}

const parse = (value: object) => parseGolden('golden.json', JSON.stringify(value));
const both = (rows: object) => ({ inputs: { x: rows }, outputs: { y: rows } });

describe('a model that keeps its word', () => {
  const good: readonly (readonly [TensorType, readonly (number | null)[], object])[] = [
    [
      'float32',
      [2],
      [
        [0.1, -3e38],
        [1e-40, 2],
      ],
    ],
    [
      'float64',
      [2],
      [
        [0.1, null],
        ['Infinity', '-Infinity'],
        ['NaN', -0],
      ],
    ],
    ['float32', [], [1, 2, 3]],
    ['float32', [1], [[1], [2]]],
    ['float32', [1], [1, 2]],
    [
      'float32',
      [2, 2],
      [
        [
          [1, 2],
          [3, 4],
        ],
        [
          [5, 6],
          [7, 8],
        ],
      ],
    ],
    ['float32', [null], [[1, 2, 3]]],
    ['int32', [1], [-2147483648, 2147483647]],
    [
      'int64',
      [2],
      [
        [1, '9223372036854775807'],
        [-9007199254740991, '-9223372036854775808'],
      ],
    ],
    ['bool', [2], [[true, false]]],
    ['string', [1], ['', 'Überschuss']],
  ];
  it.each(good)('%s of %j: %j', async (type, shape, rows) => {
    const { model } = echo({ '': [type, shape] });
    expect(await verifyGolden(model, parse(both(rows)))).toEqual([]);
  });

  it('is asked as it can be: fixed batches, and never many rows at once', async () => {
    const rows = Array.from({ length: 101 }, (_, row) => [row, row / 4]);
    for (const batchRowsFixed of [1, 7, 500]) {
      const { model, runs } = echo({ '': ['float32', [2]] }, { batchRowsFixed });
      expect(await verifyGolden(model, parse(both(rows)))).toEqual([]);
      expect(runs.every(({ rowCount }) => rowCount <= Math.min(batchRowsFixed, 32))).toBe(true);
      const asked = runs.flatMap(({ inputs }) => [...(inputs.get('x')!.data as Float32Array)]);
      expect(asked).toEqual(rows.flat());
    }
  });

  it('need not say everything it says', async () => {
    const { model } = echo({ 1: ['float32', [1]], 2: ['int64', [1]] });
    const golden = parse({ inputs: { x1: [1], x2: [2] }, outputs: { y2: ['2'] } });
    expect(await verifyGolden(model, golden)).toEqual([]);
  });

  it('may differ by tolerance × (1 + |expected|), and not by more', async () => {
    const offset = fc.constantFrom(-0.99, -0.5, 0.5, 0.99, -1.01, 1.01, 3);
    const expected = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    const tolerance = fc.constantFrom(1e-9, 1e-5, 0.1);
    await fc.assert(
      fc.asyncProperty(expected, offset, tolerance, async (value, times, margin) => {
        const found = value + times * margin * (1 + Math.abs(value));
        const change = (): Tensor => ({ type: 'float64', data: Float64Array.of(found), width: 1 });
        const { model } = echo({ '': ['float64', [1]] }, { change });
        const golden = parse({ tolerance: margin, inputs: { x: [0] }, outputs: { y: [value] } });
        const mistakes = await verifyGolden(model, golden);
        expect(mistakes).toHaveLength(Math.abs(times) < 1 ? 0 : 1);
      }),
    );
  });
});

describe('a mistake of the model', () => {
  const spoilt = (data: number[]) => (): Tensor => ({
    ...{ type: 'float32', width: 2 },
    data: Float32Array.from(data),
  });

  it('names output, row, element, found and expected', async () => {
    const { model } = echo({ '': ['float32', [2]] }, { change: spoilt([1, 2, 3, 5]) });
    const golden = parse(
      both([
        [1, 2],
        [3, 4],
      ]),
    );
    expect(await verifyGolden(model, golden)).toEqual([
      'outputs.y, row 1, element 1: found 5, expected 4',
    ]);
  });

  it('is seen where anything is not finite', async () => {
    for (const [found, expected] of [
      [Number.NaN, 1],
      [1, null],
      [Number.POSITIVE_INFINITY, 1e30],
      [1e30, 'Infinity'],
      [Number.NEGATIVE_INFINITY, 'Infinity'],
      [Number.NaN, 'Infinity'],
    ] as const) {
      const { model } = echo({ '': ['float32', [2]] }, { change: spoilt([found, 0]) });
      const golden = parse({ ...both([[0, 0]]), outputs: { y: [[expected, 0]] } });
      expect(await verifyGolden(model, golden)).toHaveLength(1);
    }
  });

  it('in integers and texts is any difference', async () => {
    const off = echo(
      { '': ['int64', [1]] },
      { change: () => ({ type: 'int64', data: BigInt64Array.of(2n ** 62n + 1n), width: 1 }) },
    );
    expect(await verifyGolden(off.model, parse(both([`${2n ** 62n}`])))).toHaveLength(1);
    const text = echo(
      { '': ['string', [1]] },
      { change: () => ({ type: 'string', data: ['a '], width: 1 }) },
    );
    expect(await verifyGolden(text.model, parse(both(['a'])))).toEqual([
      'outputs.y, row 0, element 0: found "a ", expected "a"',
    ]);
  });

  it('of many elements is told once for ten of them', async () => {
    const { model } = echo(
      { '': ['float32', [1]] },
      { change: ({ data, ...rest }) => ({ ...rest, data: (data as Float32Array).map(() => 9) }) },
    );
    const mistakes = await verifyGolden(model, parse(both(Array.from({ length: 100 }, () => 1))));
    expect(mistakes).toHaveLength(11);
    expect(mistakes.at(-1)).toBe('and 90 more');
  });

  it('of the run says which rows; a lost thread says nothing of the model', async () => {
    const inputs = { features: [1, POISON_LEVEL] };
    const golden = parse({ inputs, outputs: { score: [0.5, 1] } });
    expect(await verifyGolden(createFakeModel(), golden)).toEqual([
      'the model fails on rows 0 to 1: poison in the batch',
    ]);
    const lost = createFakeModel({ lossCount: 1 });
    await expect(verifyGolden(lost, golden)).rejects.toMatchObject({ code: 'inference.worker' });
  });
});

describe('a mistake of the file', () => {
  const tensors = {
    1: ['float32', [2]],
    2: ['int64', [1]],
    3: ['bool', [1]],
    4: ['string', [1]],
  } as const;
  const whole = {
    inputs: { x1: [[1, 2]], x2: [3], x3: [true], x4: ['a'] },
    outputs: { y1: [[1, 2]] },
  };
  const inputs = (change: object) => ({ ...whole, inputs: { ...whole.inputs, ...change } });
  const misfits: readonly (readonly [object, string])[] = [
    [{ ...whole, inputs: { x1: [[1, 2]] } }, 'inputs.x2 is missing'],
    [inputs({ z: [1] }), 'inputs.z: the model has no such input'],
    [inputs({ x1: [[1]] }), 'inputs.x1, row 0: found 1 elements, expected 2'],
    [inputs({ x1: [[1, 'a']] }), 'inputs.x1, row 0, element 1: found "a", expected a number'],
    [inputs({ x1: [[1, true]] }), 'element 1: found true, expected a number'],
    [inputs({ x2: [1.5] }), 'inputs.x2, row 0, element 0: found 1.5, expected a whole number'],
    [inputs({ x2: [2 ** 53] }), 'as text where it is beyond 2^53'],
    [inputs({ x2: ['9223372036854775808'] }), 'expected a whole number of 64 bits'],
    [inputs({ x2: [null] }), 'found null, expected a whole number'],
    [inputs({ x3: [1] }), 'inputs.x3, row 0, element 0: found 1, expected true or false'],
    [inputs({ x4: [1] }), 'inputs.x4, row 0, element 0: found 1, expected text'],
    [{ ...whole, outputs: { y9: [1] } }, 'outputs.y9: the model has no such output'],
    [{ ...whole, outputs: { y1: [[1, 2, 3]] } }, 'outputs.y1, row 0: found 3 elements, expected 2'],
  ];
  it.each(misfits)('%j', async (value, mistake) => {
    const mistakes = await verifyGolden(echo(tensors).model, parse(value));
    expect(mistakes.join('\n')).toContain(mistake);
  });

  const refused: readonly (readonly [string, RegExp])[] = [
    ['', /golden\.json: not valid JSON/],
    ['[]', /expected an object/],
    ['{}', /inputs: expected an object/],
    ['{"inputs":{},"outputs":{"y":[1]}}', /inputs: expected at least one tensor/],
    ['{"inputs":{"x":[1]},"outputs":{}}', /outputs: expected at least one tensor/],
    ['{"inputs":{"x":1},"outputs":{"y":[1]}}', /inputs\.x: expected a list/],
    ['{"inputs":{"x":[]},"outputs":{"y":[]}}', /inputs\.x: found 0 rows, expected 1 to 1024/],
    [JSON.stringify(both(Array.from({ length: 1_025 }, () => 1))), /found 1025 rows/],
    ['{"inputs":{"x":[1,2]},"outputs":{"y":[1]}}', /outputs\.y: found 1 rows, expected 2 as in/],
    ['{"inputs":{"x":[1],"z":[1,2]},"outputs":{"y":[1]}}', /inputs\.z: found 2 rows, expected 1/],
    ['{"tolerance":-1,"inputs":{"x":[1]},"outputs":{"y":[1]}}', /tolerance: found -1/],
    ['{"tolerance":"1","inputs":{"x":[1]},"outputs":{"y":[1]}}', /tolerance: found "1"/],
    ['{"rows":1,"inputs":{"x":[1]},"outputs":{"y":[1]}}', /unknown field rows/],
  ];
  it.each(refused)('%s', (text, message) => {
    expect(() => parseGolden('golden.json', text)).toThrow(message);
    expect(() => parseGolden('golden.json', text)).toThrow(CodedError);
  });
});
