/** Tensors out of JSON: every element as it was sent, or the first that does not fit by its index. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../../services/core/errors.ts';
import { BATCH_ROWS_MAX } from '../../../../services/core/limits.ts';
import { parseTensor } from '../../../../services/platform/http/inference-tensor.ts';
import type { TensorType } from '../../../../services/platform/model/model-runtime.ts';

/** Per type: its name in the protocol, elements that fit with what they become, and ones that do not. */
const TYPES: Readonly<
  Record<
    TensorType,
    {
      readonly datatype: string;
      readonly element: fc.Arbitrary<unknown>;
      readonly becomes: (value: unknown) => unknown;
      readonly misfits: readonly unknown[];
    }
  >
> = {
  bool: {
    datatype: 'BOOL',
    element: fc.boolean(),
    becomes: (value) => (value === true ? 1 : 0),
    misfits: [0, 1, 'true', null, [], {}],
  },
  int32: {
    datatype: 'INT32',
    element: fc.integer(),
    becomes: (value) => value,
    misfits: [0.5, 2 ** 31, -(2 ** 31) - 1, '1', null, true, [], {}],
  },
  int64: {
    datatype: 'INT64',
    element: fc.maxSafeInteger(),
    becomes: (value) => BigInt(value as number),
    misfits: [0.5, 2 ** 53, -(2 ** 53), 1e300, '1', null, true, [], {}],
  },
  float32: {
    datatype: 'FP32',
    element: fc.oneof(
      fc.float({ noNaN: true, noDefaultInfinity: true }),
      fc.integer(),
      fc.constant(null),
    ),
    becomes: (value) => (value === null ? Number.NaN : Math.fround(value as number)),
    misfits: [3.5e38, -1e300, '1', 'NaN', true, [], {}],
  },
  float64: {
    datatype: 'FP64',
    element: fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(null)),
    becomes: (value) => (value === null ? Number.NaN : value),
    misfits: [Number.POSITIVE_INFINITY, '1', true, [], {}],
  },
  string: {
    datatype: 'BYTES',
    element: fc.string({ unit: 'binary' }),
    becomes: (value) => value,
    misfits: [1, null, true, [], {}],
  },
};
const types = Object.keys(TYPES) as TensorType[];

/** A type, a shape of one to four dimensions, and its elements. */
const tensors = fc
  .record({
    type: fc.constantFrom(...types),
    shape: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }),
  })
  .chain(({ type, shape }) => {
    const count = shape.reduce((product, length) => product * length, 1);
    const { element } = TYPES[type];
    return fc.record({
      type: fc.constant(type),
      shape: fc.constant(shape),
      elements: fc.array(element, { minLength: count, maxLength: count }),
      /** Which of the row's dimensions the model leaves open. */
      open: fc.array(fc.boolean(), { minLength: shape.length - 1, maxLength: shape.length - 1 }),
    });
  });

function nest(elements: readonly unknown[], shape: readonly number[]): unknown {
  const [length, ...rest] = shape;
  if (rest.length === 0) return elements;
  const size = elements.length / length!;
  return Array.from({ length: length! }, (_, part) =>
    nest(elements.slice(part * size, (part + 1) * size), rest),
  );
}

function descriptionOf(type: TensorType, shape: readonly number[], open: readonly boolean[] = []) {
  const inner = shape.slice(1).map((length, axis) => (open[axis] === true ? null : length));
  return { name: 'x', type, shape: inner };
}

function refusalOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(CodedError);
    expect((error as CodedError).code).toBe('inference.input');
    return (error as CodedError).message;
  }
  throw new Error('was not refused');
}

describe('a tensor of a request', () => {
  it('is the same flat and nested, element by element, of every type and shape', () => {
    fc.assert(
      fc.property(tensors, ({ type, shape, elements, open }) => {
        const { becomes, datatype } = TYPES[type];
        for (const data of [elements, nest(elements, shape)]) {
          const input = { name: 'x', shape, datatype, data };
          const { rowCount, tensor } = parseTensor(input, descriptionOf(type, shape, open));
          expect(rowCount).toBe(shape[0]);
          expect(tensor.type).toBe(type);
          expect(tensor.width).toBe(elements.length / shape[0]!);
          expect([...tensor.data].map((value) => (value === 0 ? 0 : value))).toEqual(
            elements.map(becomes).map((value) => (value === 0 ? 0 : value)),
          );
        }
      }),
      { numRuns: 500 },
    );
  });

  it('names the first element that does not fit, wherever it is', () => {
    const cases = tensors.chain((tensor) =>
      fc.record({
        tensor: fc.constant(tensor),
        // A first element that is an array makes the data nested: another refusal.
        at: fc.integer({ min: 0, max: tensor.elements.length - 1 }),
        misfit: fc.constantFrom(...TYPES[tensor.type].misfits.filter((bad) => !Array.isArray(bad))),
      }),
    );
    fc.assert(
      fc.property(cases, ({ tensor: { type, shape, elements }, at, misfit }) => {
        const bad = elements.with(at, misfit);
        const row = Math.floor(at / (elements.length / shape[0]!));
        for (const data of [bad, nest(bad, shape)]) {
          const input = { name: 'x', shape, datatype: TYPES[type].datatype, data };
          const message = refusalOf(() => parseTensor(input, descriptionOf(type, shape)));
          expect(message).toContain(`input "x" element ${at} (row ${row}) is `);
          expect(message).toContain(TYPES[type].datatype);
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each(types)('refuses every misfit of %s', (type) => {
    const { datatype, misfits } = TYPES[type];
    for (const misfit of misfits) {
      const input = { name: 'x', shape: [1], datatype, data: [misfit] };
      expect(refusalOf(() => parseTensor(input, { name: 'x', type, shape: [] }))).toMatch(
        /^input "x" element 0 \(row 0\) is .*, expected /,
      );
    }
  });

  it('refuses data that loses or gains an element anywhere', () => {
    const cases = tensors.filter(({ shape }) => shape.length > 1);
    fc.assert(
      fc.property(cases, fc.nat(), fc.boolean(), ({ type, shape, elements }, seed, more) => {
        const spoil = (data: unknown, depth: number): unknown => {
          const parts = data as unknown[];
          if (depth === 0) return more ? [...parts, parts[0]] : parts.slice(1);
          return parts.with(
            seed % parts.length,
            spoil(parts[seed % parts.length], depth - 1) as never,
          );
        };
        const input = { name: 'x', shape, datatype: TYPES[type].datatype };
        const description = descriptionOf(type, shape);
        const nested = nest(elements, shape);
        const spoilt = [
          more ? [...elements, elements[0]] : elements.slice(1),
          ...shape.map((_, depth) => spoil(nested, depth)),
        ];
        for (const data of spoilt) {
          const message = refusalOf(() => parseTensor({ ...input, data }, description));
          expect(message).toContain(`[${shape.join(', ')}]`);
        }
      }),
    );
  });

  const FLOATS = { name: 'x', type: 'float32', shape: [2, null] } as const;
  it.each([
    ['no shape', undefined],
    ['a shape that is a number', 4],
    ['a fraction', [1.5, 2, 1]],
    ['text', ['1', 2, 1]],
    ['too few dimensions', [4]],
    ['too many dimensions', [1, 2, 1, 1]],
    ['a dimension of another length', [1, 3, 1]],
    ['no rows', [0, 2, 1]],
    ['a negative length', [-1, 2, 1]],
    ['an empty variable dimension', [1, 2, 0]],
    ['an endless shape', new Array(10_000).fill(1)],
  ])('refuses a shape with %s', (_what, shape) => {
    const input = { name: 'x', shape, datatype: 'FP32', data: [1, 2] };
    const message = refusalOf(() => parseTensor(input, FLOATS));
    expect(message).toContain('expected [rows, 2, -1]');
    expect(message.length).toBeLessThan(200);
  });

  it.each([
    [undefined, 'missing'],
    [7, '7'],
    ['fp32', '"fp32"'],
    ['FP16', '"FP16"'],
    ['x'.repeat(10_000), '"xxx'],
  ])('refuses datatype %s', (datatype, shown) => {
    const input = { name: 'x', shape: [1, 2, 1], datatype, data: [1, 2] };
    const message = refusalOf(() => parseTensor(input, FLOATS));
    expect(message).toContain(`has datatype ${shown}`);
    expect(message).toContain('expected "FP32"');
    expect(message.length).toBeLessThan(300);
  });

  it('takes rows up to the limit and allocates nothing for a shape without its data', () => {
    const column = { name: 'x', type: 'float64', shape: [null] } as const;
    const rows = (count: number) => ({
      ...{ name: 'x', shape: [count, 1], datatype: 'FP64' },
      data: new Array(count).fill(1),
    });
    expect(parseTensor(rows(BATCH_ROWS_MAX), column).rowCount).toBe(BATCH_ROWS_MAX);
    const message = refusalOf(() => parseTensor(rows(BATCH_ROWS_MAX + 1), column));
    expect(message).toContain(`at most ${BATCH_ROWS_MAX}`);
    const huge = { name: 'x', shape: [1, Number.MAX_SAFE_INTEGER], datatype: 'FP64', data: [1] };
    expect(refusalOf(() => parseTensor(huge, column))).toContain('has 1 elements');
  });
});
