/** The event reader: formats told apart, limits kept, writer schemas asked for and remembered. */
import { describe, expect, test } from 'vitest';
import { createAvroCodec } from '../../../../services/core/codec/avro-encoder.ts';
import {
  createEventReader,
  type EventReader,
  type ReadOutcome,
} from '../../../../services/core/codec/event-reader.ts';
import { schemaFingerprint } from '../../../../services/core/codec/schema-fingerprint.ts';
import {
  EVENT_BYTES_MAX,
  EVENT_DEPTH_MAX,
  EVENT_ITEMS_MAX,
  WRITER_SCHEMAS_MAX,
} from '../../../../services/core/limits.ts';
import {
  columnOf,
  confluent,
  EVENT_TIME_MS,
  eventSchema,
  json,
  mappingOf,
  singleObject,
  varint,
} from './event-fixture.ts';

const SCHEMA = eventSchema([
  { name: 'age', type: ['null', 'int'], default: null },
  { name: 'grade', type: 'string' },
]);
const MAPPING = mappingOf([columnOf('age', 'numeric'), columnOf('grade', 'categorical')]);
const FIELDS = { age: 41, grade: 'B' };
const EVENT = { id: 'e-1', eventTimeMs: EVENT_TIME_MS, cells: [41, 'B'] };

function rejectionOf(outcome: ReadOutcome) {
  if (outcome.kind !== 'rejected') throw new Error(`expected a rejection, got ${outcome.kind}`);
  return outcome.rejection;
}

function eventOf(outcome: ReadOutcome) {
  if (outcome.kind !== 'event')
    throw new Error(`expected an event, got ${JSON.stringify(outcome)}`);
  return outcome.event;
}

describe('formats', () => {
  const reader = createEventReader({ schema: SCHEMA, mapping: MAPPING });
  const fingerprint = Buffer.from(schemaFingerprint(SCHEMA)).toString('hex');

  test('single-object records of the bundle schema are found by fingerprint', () => {
    expect(reader.read(singleObject(SCHEMA, FIELDS))).toMatchObject({
      kind: 'event',
      writer: fingerprint,
      event: EVENT,
    });
  });

  test('Confluent records ask for their schema and are read once it is there', () => {
    const own = createEventReader({ schema: SCHEMA, mapping: MAPPING });
    const datum = createAvroCodec(SCHEMA).encode({ id: 'e-1', at: EVENT_TIME_MS, ...FIELDS });
    const bytes = confluent(0xfffffffe, datum);
    expect(own.knowsWriterSchema(0xfffffffe)).toBe(false);
    expect(own.read(bytes)).toEqual({ kind: 'schema-needed', schemaId: 0xfffffffe });
    expect(own.addWriterSchema(0xfffffffe, SCHEMA)).toBeNull();
    expect(own.knowsWriterSchema(0xfffffffe)).toBe(true);
    expect(own.read(bytes)).toMatchObject({ kind: 'event', writer: fingerprint, event: EVENT });
  });

  test('JSON may start with spaces or a byte order mark', () => {
    for (const prefix of ['', ' \n\t', '\ufeff', '\ufeff ']) {
      const bytes = Buffer.concat([Buffer.from(prefix), json(FIELDS)]);
      expect(reader.read(bytes)).toMatchObject({ kind: 'event', writer: 'json', event: EVENT });
    }
  });

  test('bytes inside a larger buffer are read from their own place', () => {
    const bytes = singleObject(SCHEMA, FIELDS);
    const fetched = Buffer.concat([Buffer.alloc(13, 0xff), bytes, Buffer.alloc(5, 0xff)]);
    expect(eventOf(reader.read(fetched.subarray(13, 13 + bytes.length)))).toMatchObject(EVENT);
  });

  test.each([
    ['no value', null, 'decode.empty'],
    ['an empty value', Buffer.alloc(0), 'decode.empty'],
    ['text', Buffer.from('not-a-schema-registry-framed-record'), 'decode.unknown-format'],
    ['magic 1, a schema GUID', Buffer.alloc(30, 1), 'decode.unknown-format'],
    ['half a single-object marker', Buffer.from([0xc3]), 'decode.unknown-format'],
    ['half a Confluent header', Buffer.from([0, 0, 0]), 'decode.truncated'],
    ['half a fingerprint', Buffer.from([0xc3, 1, 2, 3]), 'decode.truncated'],
    [
      'an unknown fingerprint',
      Buffer.from('c301aaaaaaaaaaaaaaaa00', 'hex'),
      'decode.unknown-schema',
    ],
    ['a JSON array', Buffer.from('[1]'), 'decode.unknown-format'],
    ['broken JSON', Buffer.from('{"id":'), 'decode.json-syntax'],
    ['JSON that is not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22]), 'decode.malformed'],
    ['ten megabytes', Buffer.alloc(10_000_000, 0x7b), 'decode.too-large'],
    ['one byte too many', Buffer.alloc(EVENT_BYTES_MAX + 1), 'decode.too-large'],
  ])('%s is rejected', (_, bytes, code) => {
    expect(rejectionOf(reader.read(bytes)).code).toBe(code);
  });

  test('every proper prefix of a record is refused, and so is anything after it', () => {
    const bytes = singleObject(SCHEMA, FIELDS);
    for (let length = 2; length < bytes.length; length++) {
      expect(rejectionOf(reader.read(bytes.subarray(0, length))).code).toBe('decode.truncated');
    }
    const longer = Buffer.concat([bytes, Buffer.alloc(1)]);
    expect(rejectionOf(reader.read(longer)).code).toBe('decode.trailing-bytes');
  });
});

describe('writer schemas', () => {
  const WRITER = eventSchema([
    { name: 'comment', type: 'string' },
    { name: 'grade', type: { type: 'enum', name: 'Grade', symbols: ['A', 'B'] } },
  ]);

  test('an unknown one rejects its records, with the reason where there is one', () => {
    const reader = createEventReader({ schema: SCHEMA, mapping: MAPPING });
    const bytes = confluent(5, Buffer.alloc(3));
    expect(reader.addWriterSchema(5, null)?.code).toBe('decode.unknown-schema');
    expect(rejectionOf(reader.read(bytes)).code).toBe('decode.unknown-schema');
    reader.addWriterSchema(5, null, 'schema 5 is of type PROTOBUF, expected AVRO');
    expect(rejectionOf(reader.read(bytes)).message).toMatch(/PROTOBUF/);
    expect(reader.addWriterSchema(5, SCHEMA)).toBeNull();
    expect(rejectionOf(reader.read(bytes)).code).not.toBe('decode.unknown-schema');
  });

  test.each([
    ['a field of another type', WRITER, /grade.*enum Grade cannot be read as string/],
    ['no Avro at all', { type: 'panther' }, /not an Avro schema/],
    ['a type named like a property of Object', { type: 'constructor', fields: [] }, /not an Avro/],
    ['a schema that claims to be avsc', { type: 'constructor', typeName: 'record' }, /not an Avro/],
  ])('%s is incompatible and rejects its records', (_, schema, message) => {
    const reader = createEventReader({ schema: SCHEMA, mapping: MAPPING });
    const rejection = reader.addWriterSchema(9, schema);
    expect(rejection?.code).toBe('schema.incompatible');
    expect(rejection?.message).toMatch(message);
    expect(rejectionOf(reader.read(confluent(9, Buffer.alloc(4))))).toEqual(rejection);
  });

  test('a schema too deep to parse is incompatible, not a crash', () => {
    const reader = createEventReader({ schema: SCHEMA, mapping: MAPPING });
    let schema: unknown = 'int';
    for (let i = 0; i < 50_000; i++) schema = { type: 'array', items: schema };
    expect(reader.addWriterSchema(1, schema)?.code).toBe('schema.incompatible');
  });

  test('given for single-object records, they are found by fingerprint and resolved', () => {
    const older = eventSchema([{ name: 'grade', type: 'bytes' }]);
    const reader = createEventReader({ schema: SCHEMA, mapping: MAPPING, writerSchemas: [older] });
    const bytes = singleObject(older, { grade: Buffer.from('B') });
    expect(eventOf(reader.read(bytes)).cells).toEqual([null, 'B']);
  });

  test('invented ids cannot displace a schema in use', () => {
    const reader = createEventReader({ schema: SCHEMA, mapping: MAPPING });
    reader.addWriterSchema(1, SCHEMA);
    for (let id = 2; id < 3 * WRITER_SCHEMAS_MAX; id++) reader.addWriterSchema(id, null);
    expect(reader.knowsWriterSchema(1)).toBe(true);
    expect(reader.knowsWriterSchema(2)).toBe(false);
    expect(reader.knowsWriterSchema(3 * WRITER_SCHEMAS_MAX - 1)).toBe(true);
  });
});

describe('hostile values', () => {
  const NODE = {
    type: 'record',
    name: 'Node',
    fields: [{ name: 'next', type: ['null', 'Node'] }],
  };
  const HOSTILE = eventSchema([
    { name: 'nothing', type: { type: 'array', items: 'null' } },
    { name: 'empty', type: { type: 'map', values: { type: 'record', name: 'Empty', fields: [] } } },
    { name: 'tree', type: NODE },
  ]);
  const readers: readonly [string, EventReader][] = [false, true].map((needsRoot) => [
    needsRoot ? 'the whole event read' : 'only mapped fields read',
    createEventReader({ schema: HOSTILE, mapping: mappingOf([]), needsRoot }),
  ]);
  const head = singleObject(eventSchema([]), {}).subarray(10);
  const header = singleObject(HOSTILE, { nothing: [], empty: {}, tree: { next: null } }).subarray(
    0,
    10,
  );
  const eventWith = (...parts: readonly Uint8Array[]) => Buffer.concat([header, head, ...parts]);
  const zero = Uint8Array.of(0);

  test.each(readers)('a five-byte array of twenty million nulls is refused, %s', (_, reader) => {
    const bomb = eventWith(varint(20_000_000n), zero, zero, zero);
    expect(rejectionOf(reader.read(bomb)).code).toBe('decode.limit');
  });

  test.each(readers)('the limit counts all arrays and maps together, %s', (_, reader) => {
    const just = eventWith(varint(BigInt(EVENT_ITEMS_MAX)), zero, zero, zero);
    const more = eventWith(varint(BigInt(EVENT_ITEMS_MAX)), varint(1n), zero, zero, zero);
    expect(reader.read(just).kind).toBe('event');
    expect(rejectionOf(reader.read(more)).code).toBe('decode.limit');
  });

  test.each(readers)('a block count of -2^63 is refused, %s', (_, reader) => {
    const bytes = eventWith(varint(-(2n ** 63n)), zero, zero, zero, zero);
    const { code } = rejectionOf(reader.read(bytes));
    expect([
      'decode.limit',
      'decode.malformed',
      'decode.truncated',
      'decode.trailing-bytes',
    ]).toContain(code);
  });

  test.each(readers)('nesting ends at the limit, however deep the bytes go, %s', (_, reader) => {
    const nested = (levels: number) => eventWith(zero, zero, Buffer.alloc(levels, 2), zero);
    // The event itself is one level and the tree's first node another.
    expect(reader.read(nested(EVENT_DEPTH_MAX - 2)).kind).toBe('event');
    expect(rejectionOf(reader.read(nested(EVENT_DEPTH_MAX - 1))).code).toBe('decode.limit');
    expect(rejectionOf(reader.read(nested(1_000_000))).code).toBe('decode.limit');
  });

  test.each(readers)(
    'records of no bytes that double at each level are refused, %s',
    (_, reader) => {
      let type: unknown = { type: 'record', name: 'L0', fields: [] };
      for (let level = 1; level <= 40; level++) {
        const fields = [
          { name: 'a', type },
          { name: 'b', type: `L${level - 1}` },
        ];
        type = { type: 'record', name: `L${level}`, fields };
      }
      const writer = eventSchema([{ name: 'doubling', type }, ...HOSTILE.fields.slice(2)]);
      expect(reader.addWriterSchema(3, writer)).toBeNull();
      const bytes = confluent(3, Buffer.concat([head, zero, zero, zero]));
      expect(rejectionOf(reader.read(bytes)).code).toBe('decode.limit');
    },
  );

  test('deep JSON is refused before it is parsed', () => {
    const reader = readers[0]![1];
    const text = `{"id":"e-1","at":1,"x":${'['.repeat(500_000)}`;
    expect(rejectionOf(reader.read(Buffer.from(text))).code).toBe('decode.limit');
  });
});
