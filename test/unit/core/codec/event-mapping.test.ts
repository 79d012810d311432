/** How a mapping fits an event schema, and what becomes of ids, columns and event times. */
import { describe, expect, test } from 'vitest';
import {
  createEventReader,
  type EventMapping,
  type EventReader,
} from '../../../../services/core/codec/event-reader.ts';
import { CodedError } from '../../../../services/core/errors.ts';
import { EVENT_ID_LENGTH_MAX } from '../../../../services/core/limits.ts';
import {
  columnOf,
  EVENT_TIME_MS,
  eventSchema,
  json,
  mappingOf,
  singleObject,
  varint,
} from './event-fixture.ts';

const MODES = [
  ['only mapped fields read', false],
  ['the whole event read', true],
] as const;

function cellsOf(reader: EventReader, bytes: Uint8Array): readonly unknown[] | string {
  const outcome = reader.read(bytes);
  if (outcome.kind === 'event') return outcome.event.cells;
  return outcome.kind === 'rejected' ? outcome.rejection.code : outcome.kind;
}

describe.each(MODES)('cells, %s', (_, needsRoot) => {
  const open = (schema: unknown, mapping: EventMapping) =>
    createEventReader({ schema, mapping, needsRoot });

  test('numeric columns are numbers: booleans 0 and 1, NaN and infinities values, null missing', () => {
    const types = ['int', 'long', 'float', 'double', 'boolean', ['null', 'double', 'int']];
    const schema = eventSchema(types.map((type, i) => ({ name: `x${i}`, type })));
    const reader = open(schema, mappingOf(types.map((_type, i) => columnOf(`x${i}`, 'numeric'))));
    const first = { x0: -3, x1: 2 ** 40, x2: 0.5, x3: Number.NaN, x4: true, x5: null };
    const second = {
      x0: 0,
      x1: 0,
      x2: Number.NEGATIVE_INFINITY,
      x3: 1e300,
      x4: false,
      x5: { int: 7 },
    };
    expect(cellsOf(reader, json(first))).toEqual('schema.type');
    expect(cellsOf(reader, json({ ...first, x3: 'NaN' }))).toEqual([
      -3,
      2 ** 40,
      0.5,
      NaN,
      1,
      null,
    ]);
    expect(cellsOf(reader, singleObject(schema, first))).toEqual([-3, 2 ** 40, 0.5, NaN, 1, null]);
    const expected = [0, 0, Number.NEGATIVE_INFINITY, 1e300, 0, 7];
    expect(cellsOf(reader, singleObject(schema, second))).toEqual(expected);
  });

  test('categorical columns are text, whatever the type', () => {
    const grade = { type: 'enum', name: 'Grade', symbols: ['A', 'B'] };
    const types = ['string', grade, 'boolean', 'int', 'long', ['null', 'string']];
    const schema = eventSchema(types.map((type, i) => ({ name: `x${i}`, type })));
    const reader = open(
      schema,
      mappingOf(types.map((_type, i) => columnOf(`x${i}`, 'categorical'))),
    );
    const fields = { x0: 'grün', x1: 'B', x2: false, x3: -7, x4: 5, x5: null };
    const expected = ['grün', 'B', 'false', '-7', '5', null];
    expect(cellsOf(reader, singleObject(schema, fields))).toEqual(expected);
    expect(cellsOf(reader, json(fields))).toEqual(expected);
  });

  test('paths go through nullable records and maps; what is not there is missing', () => {
    const inner = { type: 'record', name: 'Inner', fields: [{ name: 'x', type: 'double' }] };
    const schema = eventSchema([
      { name: 'r', type: ['null', inner] },
      { name: 'm', type: { type: 'map', values: ['null', 'Inner'] } },
    ]);
    const columns = ['r.x', 'm.a.x', 'm.b.x'].map((path) => columnOf(path, 'numeric', path));
    const reader = open(schema, mappingOf(columns));
    const both = { r: { x: 1 }, m: { a: { x: 2 }, c: { x: 3 } } };
    expect(cellsOf(reader, singleObject(schema, both))).toEqual([1, 2, null]);
    expect(cellsOf(reader, json(both))).toEqual([1, 2, null]);
    expect(cellsOf(reader, singleObject(schema, { r: null, m: { a: null } }))).toEqual([
      null,
      null,
      null,
    ]);
  });

  test('of a key that comes twice the last one counts', () => {
    const inner = { type: 'record', name: 'Inner', fields: [{ name: 'x', type: 'int' }] };
    const schema = eventSchema([{ name: 'm', type: { type: 'map', values: ['null', inner] } }]);
    const reader = open(schema, mappingOf([columnOf('x', 'numeric', 'm.k.x')]));
    const key = Buffer.from([2, 0x6b]);
    const empty = singleObject(schema, { m: {} });
    const bytes = Buffer.concat([
      empty.subarray(0, -1),
      varint(2n),
      key,
      varint(1n),
      varint(9n),
      key,
      varint(0n),
      varint(0n),
    ]);
    expect(cellsOf(reader, bytes)).toEqual([null]);
  });

  test('one path may serve several columns', () => {
    const schema = eventSchema([{ name: 'x', type: 'int' }]);
    const columns = [columnOf('a', 'numeric', 'x'), columnOf('b', 'categorical', 'x')];
    const reader = open(schema, mappingOf([...columns, columnOf('c', 'numeric', 'at')]));
    expect(cellsOf(reader, singleObject(schema, { x: 5 }))).toEqual([5, '5', EVENT_TIME_MS]);
  });

  test('a long beyond 2^53-1 is refused in a numeric column only', () => {
    const schema = eventSchema([{ name: 'big', type: 'long' }]);
    const head = singleObject(schema, { big: 0 }).subarray(0, -1);
    const withBig = (value: bigint) => Buffer.concat([head, varint(value)]);
    const numeric = open(schema, mappingOf([columnOf('big', 'numeric')]));
    const categorical = open(schema, mappingOf([columnOf('big', 'categorical')]));
    const none = open(schema, mappingOf([]));
    for (const big of [2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)]) {
      expect(cellsOf(numeric, withBig(big))).toBe('schema.unsafe-long');
      expect(cellsOf(categorical, withBig(big))).toEqual([String(big)]);
      expect(cellsOf(none, withBig(big))).toEqual([]);
    }
    for (const big of [2n ** 53n - 1n, 1n - 2n ** 53n, 2n ** 40n]) {
      expect(cellsOf(numeric, withBig(big))).toEqual([Number(big)]);
    }
  });
});

describe('ids', () => {
  const schema = {
    ...eventSchema([]),
    fields: [
      { name: 'id', type: ['null', 'string', 'long'] },
      { name: 'at', type: 'long' },
    ],
  };
  const reader = createEventReader({ schema, mapping: mappingOf([]) });
  const idOf = (id: unknown) => {
    const outcome = reader.read(json({ id }));
    if (outcome.kind === 'event') return outcome.event.id;
    return outcome.kind === 'rejected' ? outcome.rejection.code : outcome.kind;
  };

  test('are text, numbers by their digits', () => {
    expect(idOf('application-1')).toBe('application-1');
    expect(idOf(-42)).toBe('-42');
    expect(idOf('x'.repeat(EVENT_ID_LENGTH_MAX))).toHaveLength(EVENT_ID_LENGTH_MAX);
  });

  test.each([[null], [''], ['x'.repeat(EVENT_ID_LENGTH_MAX + 1)]])('%s is refused', (id) => {
    expect(idOf(id)).toBe('invariant.id');
  });

  test('of 64 bits keep every digit in Avro', () => {
    const long = {
      ...eventSchema([]),
      fields: [
        { name: 'id', type: 'long' },
        { name: 'at', type: 'long' },
      ],
    };
    const header = singleObject(long, { id: 0 }).subarray(0, 10);
    const bytes = Buffer.concat([header, varint(1_234_567_890_123_456_789n), varint(1n)]);
    const outcome = createEventReader({ schema: long, mapping: mappingOf([]) }).read(bytes);
    expect(outcome).toMatchObject({ kind: 'event', event: { id: '1234567890123456789' } });
  });
});

describe('a mapping that does not fit is refused, naming what and where', () => {
  const schema = eventSchema([
    { name: 'text', type: 'string' },
    { name: 'amount', type: ['null', 'double'] },
    { name: 'mixed', type: ['double', 'string'] },
    { name: 'list', type: { type: 'array', items: 'int' } },
    {
      name: 'inner',
      type: { type: 'record', name: 'Inner', fields: [{ name: 'x', type: 'int' }] },
    },
  ]);

  test.each<[string, EventMapping, RegExp]>([
    [
      'a missing field',
      mappingOf([columnOf('age', 'numeric')]),
      /numeric column age: path age .* the event has no field age/,
    ],
    [
      'a missing inner field',
      mappingOf([columnOf('y', 'numeric', 'inner.y')]),
      /column y: path inner\.y .* inner has no field y/,
    ],
    [
      'a path through a number',
      mappingOf([columnOf('y', 'numeric', 'amount.y')]),
      /amount is null or double, expected a record or map/,
    ],
    [
      'numbers from text',
      mappingOf([columnOf('text', 'numeric')]),
      /numeric column text: path text is string, expected int, long/,
    ],
    [
      'text from doubles',
      mappingOf([columnOf('amount', 'categorical')]),
      /categorical column amount.*is null or double, expected string/,
    ],
    ['a union of both', mappingOf([columnOf('mixed', 'numeric')]), /mixed is double or string/],
    ['a list', mappingOf([columnOf('list', 'numeric')]), /list is array/],
    ['a whole record', mappingOf([columnOf('inner', 'categorical')]), /inner is record Inner/],
    ['no path', mappingOf([{ ...columnOf('x', 'numeric'), path: [] }]), /is record Event/],
    [
      'an id of doubles',
      { ...mappingOf([]), id: ['amount'] },
      /^id: path amount is null or double, expected string, int or long/,
    ],
    [
      'text in milliseconds',
      { ...mappingOf([]), eventTime: { path: ['text'], unit: 'ms' } },
      /eventTime \(ms\): path text is string/,
    ],
    [
      'a date in a long',
      mappingOf([], 'iso8601'),
      /eventTime \(iso8601\): path at is long, expected string/,
    ],
  ])('%s', (_, mapping, message) => {
    const error = thrownBy(() => createEventReader({ schema, mapping }));
    expect(error).toBeInstanceOf(CodedError);
    expect(error).toMatchObject({
      code: 'configuration.invalid',
      message: expect.stringMatching(message),
    });
  });

  test.each([
    ['an event schema that is no record', 'string', /is string, expected a record/],
    ['an event schema that is none', { type: 'panther' }, /not an Avro schema/],
    ['null', null, /not an Avro schema/],
  ])('%s', (_, broken, message) => {
    const error = thrownBy(() => createEventReader({ schema: broken, mapping: mappingOf([]) }));
    expect(error).toMatchObject({
      code: 'configuration.invalid',
      message: expect.stringMatching(message),
    });
  });

  test('a writer schema of the bundle that is none', () => {
    const options = { schema, mapping: mappingOf([]), writerSchemas: [{ type: 'enum' }] };
    const error = thrownBy(() => createEventReader(options));
    expect(error).toMatchObject({ code: 'configuration.invalid' });
  });
});

function thrownBy(create: () => unknown): unknown {
  try {
    create();
  } catch (error) {
    return error;
  }
  throw new Error('expected it to throw');
}
