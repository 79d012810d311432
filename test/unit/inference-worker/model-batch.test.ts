/** Between cells and tensors: what goes into the model in which place, and what is refused. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Monitor, MonitorModel } from '../../../services/core/monitor/monitor.ts';
import {
  type Cells,
  createModelBatching,
  rowsOf,
} from '../../../services/inference-worker/model-batch.ts';
import type {
  ModelDescription,
  ModelOutputs,
  TensorType,
} from '../../../services/platform/model/model-runtime.ts';
import { stationMonitor } from '../../support/embedded-run.ts';
import { FAKE_MODEL } from '../../support/fake-model.ts';

const COLUMNS = ['a', 'b', 'c'];
const monitor: Monitor = stationMonitor({
  columns: COLUMNS.map((name) => ({ ...stationMonitor().columns[0]!, name, path: [name] })),
});

/** A model with one input over the given columns. */
function batchingOf(type: TensorType, columns: readonly string[], outputs = [0]) {
  const model: MonitorModel = {
    ...FAKE_MODEL,
    inputs: [{ tensor: 'x', columns }],
    outputs: outputs.map((index) => ({ name: `y${index}`, tensor: 'y', index, drift: null })),
  };
  const description: ModelDescription = {
    digest: '',
    inputs: [{ name: 'x', type, shape: [columns.length] }],
    outputs: [{ name: 'y', type: 'float32', shape: [null] }],
    batchRowsFixed: null,
    costSamples: [],
  };
  return createModelBatching(monitor, model, description);
}

describe('packing', () => {
  it('puts every row in its place and its columns in the order of the input', () => {
    const cell = fc.double({ noNaN: true });
    const rows = fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 20 });
    const order = fc.shuffledSubarray(COLUMNS, { minLength: 1 });
    fc.assert(
      fc.property(rows, order, (cells, columns) => {
        const { rowCount, inputs } = batchingOf('float64', columns).pack(cells);
        const expected = cells.flatMap((row) => columns.map((name) => row[COLUMNS.indexOf(name)]));
        expect(rowCount).toBe(cells.length);
        expect(inputs.get('x')).toEqual({
          type: 'float64',
          width: columns.length,
          data: Float64Array.from(expected as number[]),
        });
      }),
    );
  });

  it.each([
    ['float32', new Float32Array([1, 2, 3])],
    ['float64', new Float64Array([1, 2, 3])],
    ['int32', new Int32Array([1, 2, 3])],
    ['int64', new BigInt64Array([1n, 2n, 3n])],
  ] as const)('makes %s', (type, data) => {
    const { inputs } = batchingOf(type, COLUMNS).pack([[1, 2, 3]]);
    expect(inputs.get('x')!.data).toEqual(data);
  });

  it('gives a float input NaN for a missing value', () => {
    const batching = batchingOf('float32', COLUMNS);
    expect(batching.check([1, null, 3])).toBeNull();
    expect(batching.pack([[1, null, 3]]).inputs.get('x')!.data).toEqual(
      new Float32Array([1, Number.NaN, 3]),
    );
  });
});

describe('a row', () => {
  it.each<[TensorType, Cells[number]]>([
    ['float32', 'Brest'],
    ['int32', null],
    ['int32', 1.5],
    ['int32', Number.NaN],
    ['int32', 2 ** 31],
    ['int32', -(2 ** 31) - 1],
    ['int64', 2 ** 53],
    ['int64', null],
    ['bool', 2],
    ['bool', -1],
    ['bool', null],
    ['bool', 'yes'],
    ['string', 7],
  ])('is refused where input %s would get %j', (type, cell) => {
    const rejection = batchingOf(type, ['b']).check([0, cell, 0]);
    expect(rejection?.code).toBe('inference.input');
    expect(rejection?.message).toContain('column b');
    expect(rejection?.message).toContain(type);
  });

  it.each<[TensorType, Cells[number]]>([
    ['float32', Number.NaN],
    ['float64', Number.POSITIVE_INFINITY],
    ['int32', 2 ** 31 - 1],
    ['int32', -(2 ** 31)],
    ['int64', Number.MAX_SAFE_INTEGER],
    ['bool', 0],
    ['bool', 1],
  ])('goes into input %s with %j, unchanged', (type, cell) => {
    const batching = batchingOf(type, ['b']);
    expect(batching.check([0, cell, 0])).toBeNull();
    const [packed] = batching.pack([[0, cell, 0]]).inputs.get('x')!.data as Float64Array;
    expect(Number(packed)).toBe(cell);
  });

  it('gives a text input empty text for a missing value, and truth to a boolean one', () => {
    const text = batchingOf('string', ['a', 'b']);
    expect(text.check(['Brest', null, 0])).toBeNull();
    expect(text.pack([['Brest', null, 0]]).inputs.get('x')!.data).toEqual(['Brest', '']);
    const truth = batchingOf('bool', COLUMNS);
    expect(truth.check(['true', 1, 'false'])).toBeNull();
    expect(truth.pack([['true', 1, 'false']]).inputs.get('x')!.data).toEqual(
      Uint8Array.of(1, 1, 0),
    );
  });

  it('is judged by the columns of the model alone', () => {
    expect(batchingOf('int64', ['b']).check(['text', 1, null])).toBeNull();
  });
});

describe('unpacking', () => {
  const outputs = (data: number[], width: number): ModelOutputs =>
    new Map([['y', { type: 'float64', data: Float64Array.from(data), width }]]);

  it('takes the named elements of every row', () => {
    const batching = batchingOf('float32', ['a'], [2, 0]);
    const given = outputs([1, 2, 3, 4, 5, 6], 3);
    expect([0, 1].map((row) => batching.unpackRow(given, row))).toEqual([
      [3, 1],
      [6, 4],
    ]);
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    'refuses the row that scores %s and no other',
    (value) => {
      const batching = batchingOf('float32', ['a']);
      const given = outputs([1, value, 3], 1);
      const scores = [0, 1, 2].map((row) => batching.unpackRow(given, row));
      expect(scores).toEqual([[1], expect.objectContaining({ code: 'inference.output' }), [3]]);
    },
  );

  it('leaves an output alone that nobody asked for', () => {
    const batching = batchingOf('float32', ['a'], [1]);
    expect(batching.unpackRow(outputs([Number.NaN, 2], 2), 0)).toEqual([2]);
  });

  it('reads whole numbers of 64 bits', () => {
    const batching = batchingOf('float32', ['a']);
    const whole: ModelOutputs = new Map([
      ['y', { type: 'int64', data: new BigInt64Array([1n, 0n]), width: 1 }],
    ]);
    expect([0, 1].map((row) => batching.unpackRow(whole, row))).toEqual([[1], [0]]);
  });
});

describe('rows of a packed block', () => {
  it('are the rows that packing them alone gives, for every type, without a copy of numbers', () => {
    const types = fc.constantFrom<TensorType>('float32', 'float64', 'int32', 'int64', 'string');
    const rows = fc.array(fc.tuple(fc.nat(99), fc.nat(99)), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(types, rows, fc.nat(), fc.nat(), (type, cells, first, second) => {
        const batching = batchingOf(type, ['a', 'b']);
        const given = cells.map((row) => row.map((cell) => (type === 'string' ? `${cell}` : cell)));
        const [from, to] = [first % cells.length, (second % cells.length) + 1].sort(
          (a, b) => a - b,
        );
        if (from === to) return;
        const packed = batching.pack(given);
        const part = rowsOf(packed, from!, to!);
        expect(part).toEqual(batching.pack(given.slice(from, to)));
        if (type === 'string') return;
        const buffers = [part, packed].map(
          ({ inputs }) => (inputs.get('x')!.data as Float64Array).buffer,
        );
        expect(buffers[0]).toBe(buffers[1]);
      }),
    );
  });
});
