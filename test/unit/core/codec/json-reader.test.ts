/** Plain JSON under an Avro schema: what is taken, what is refused and where it says so. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AvroNode,
  parseAvroSchema,
  type RecordNode,
} from '../../../../services/core/codec/avro-schema.ts';
import { isNestedWithin } from '../../../../services/core/codec/json-nesting.ts';
import { JsonReader } from '../../../../services/core/codec/json-reader.ts';
import { ReadFailure } from '../../../../services/core/codec/read-failure.ts';
import { EVENT_DEPTH_MAX, EVENT_ITEMS_MAX } from '../../../../services/core/limits.ts';

function readerOf(fields: readonly unknown[]): JsonReader {
  const node: AvroNode = parseAvroSchema({ type: 'record', name: 'Event', fields });
  return new JsonReader(node as RecordNode);
}

function readField(type: unknown, text: string, attributes: object = {}): unknown {
  const reader = readerOf([{ name: 'f', type, ...attributes }]);
  try {
    return reader.read(Buffer.from(text)).f;
  } catch (failure) {
    if (failure instanceof ReadFailure) return `${failure.code}: ${failure.message}`;
    throw failure;
  }
}

const COLOUR = { type: 'enum', name: 'Colour', symbols: ['RED', 'BLUE'] };
const POINT = { type: 'record', name: 'geo.Point', fields: [{ name: 'x', type: 'int' }] };
const LABEL = { type: 'record', name: 'Label', fields: [{ name: 'text', type: 'string' }] };

describe('values', () => {
  test.each<[unknown, string, unknown]>([
    ['int', '{"f": 2147483647}', 2147483647],
    ['int', '{"f": 5.0}', 5],
    ['long', '{"f": -9007199254740991}', -9007199254740991],
    ['double', '{"f": 1e3}', 1000],
    ['double', '{"f": "-Infinity"}', Number.NEGATIVE_INFINITY],
    ['float', '{"f": "NaN"}', Number.NaN],
    ['string', '{"f": "\\ud83d\\ude00"}', '😀'],
    ['bytes', '{"f": "a\\u00ff"}', Uint8Array.of(0x61, 0xff)],
    [{ type: 'fixed', name: 'F', size: 2 }, '{"f": "ab"}', Uint8Array.of(0x61, 0x62)],
    [COLOUR, '{"f": "BLUE"}', 'BLUE'],
    [{ ...COLOUR, default: 'RED' }, '{"f": "GREEN"}', 'RED'],
    [{ type: 'array', items: 'int' }, '{"f": [1, 2]}', [1, 2]],
    [['null', 'double'], '{"f": null}', null],
    [['null', 'double'], '{"f": 1}', 1],
    [['null', 'double'], '{"f": {"double": 1.5}}', 1.5],
    [['null', POINT], '{"f": {"geo.Point": {"x": 3}}}', { x: 3 }],
    [['null', POINT], '{"f": {"x": 3}}', { x: 3 }],
    [[POINT, LABEL], '{"f": {"text": "a"}}', { text: 'a' }],
    [['double', 'string'], '{"f": "NaN"}', 'NaN'],
    [['null', 'int', 'double'], '{"f": "NaN"}', Number.NaN],
    [['int', 'long', 'double'], '{"f": 3000000000}', 3000000000],
    [['null', { type: 'map', values: 'int' }], '{"f": {"map": 1}}', { map: 1 }],
    [['null', { type: 'map', values: 'int' }], '{"f": {"map": {"a": 1}}}', { a: 1 }],
  ])('of %j, %s', (type, text, expected) => {
    expect(readField(type, text)).toEqual(expected);
  });

  test.each<[unknown, string, string]>([
    ['int', '{"f": 2147483648}', 'schema.type: f is number 2147483648, expected int'],
    ['int', '{"f": 1.5}', 'schema.type: f is number 1.5, expected int'],
    [
      'long',
      '{"f": 9007199254740993}',
      'schema.unsafe-long: f is the long 9007199254740992, expected at most 2^53-1 in size',
    ],
    ['double', '{"f": "12"}', 'schema.type: f is string "12", expected double'],
    ['double', '{"f": null}', 'schema.type: f is null, expected double'],
    ['int', '{"f": "NaN"}', 'schema.type: f is string "NaN", expected int'],
    ['string', '{"f": 12}', 'schema.type: f is number 12, expected string'],
    [
      'string',
      '{"f": "\\ud800"}',
      'decode.malformed: f holds half a surrogate pair, expected Unicode text',
    ],
    ['boolean', '{"f": 1}', 'schema.type: f is number 1, expected boolean'],
    ['bytes', '{"f": "\\u0100"}', 'schema.type: f is string "Ā", expected bytes'],
    [COLOUR, '{"f": "GREEN"}', 'schema.type: f is string "GREEN", expected enum Colour'],
    [
      { type: 'array', items: POINT },
      '{"f": [{"x": 1}, {"x": "1"}]}',
      'schema.type: f.1.x is string "1", expected int',
    ],
    [
      ['null', 'int', 'string'],
      '{"f": true}',
      'schema.type: f is boolean true, expected null or int or string',
    ],
    [['null', 'double'], '{"f": "x"}', 'schema.type: f is string "x", expected double'],
    [POINT, '{"f": []}', 'schema.type: f is an array of 0, expected record geo.Point'],
    [POINT, '{"f": {}}', 'schema.missing-field: f.x is absent, expected int'],
    ['int', '{}', 'schema.missing-field: f is absent, expected int'],
    ['int', '{"f": 1,}', 'decode.json-syntax'],
  ])('of %j, %s is refused: %s', (type, text, expected) => {
    expect(readField(type, text)).toContain(expected);
  });

  test('a missing field is its default, else null where that is allowed', () => {
    expect(readField('int', '{}', { default: 7 })).toBe(7);
    expect(readField(['null', 'int'], '{}')).toBeNull();
    expect(readField(['int', 'null'], '{}', { default: 3 })).toBe(3);
    expect(readField({ type: 'array', items: 'bytes' }, '{}', { default: ['\u00ff'] })).toEqual([
      Uint8Array.of(255),
    ]);
  });

  test('an alias is another name, unknown fields are ignored', () => {
    expect(readField('int', '{"old": 3, "other": {"deep": []}}', { aliases: ['old'] })).toBe(3);
  });
});

describe('hostile texts', () => {
  test('a field named __proto__ is a field and changes no prototype', () => {
    const map = { type: 'map', values: { type: 'map', values: 'int' } };
    const read = readField(map, '{"f": {"__proto__": {"polluted": 1}}}') as Record<string, unknown>;
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
    expect(Object.keys(read)).toEqual(['__proto__']);
    expect((read as { polluted?: unknown }).polluted).toBeUndefined();
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect(readField('int', '{"__proto__": {"f": 1}}')).toMatch(/^schema.missing-field/);
  });

  test('what every object inherits is not a field of the event', () => {
    const reader = readerOf([
      { name: 'toString', type: ['null', 'string'] },
      { name: 'constructor', type: ['null', 'string'] },
    ]);
    expect(reader.read(Buffer.from('{}'))).toEqual({ toString: null, constructor: null });
  });

  test('items are limited over all arrays and maps together', () => {
    const lists = { type: 'array', items: { type: 'array', items: 'int' } };
    const half = `[${'0,'.repeat(EVENT_ITEMS_MAX / 2 - 2)}0]`;
    expect(readField(lists, `{"f": [${half}, ${half}]}`)).toHaveLength(2);
    expect(readField(lists, `{"f": [${half}, ${half}, [0]]}`)).toMatch(/^decode.limit/);
  });

  test('a union of recursive records is decided level by level, not by trial', () => {
    const fields = (next: unknown) => [
      { name: 'next', type: next },
      { name: 'end', type: ['null', 'int'], default: null },
    ];
    const inner = { type: 'record', name: 'B', fields: fields(['null', 'A', 'B']) };
    const outer = { type: 'record', name: 'A', fields: fields(['null', 'A', inner]) };
    const levels = EVENT_DEPTH_MAX - 2;
    const text = `{"f": ${'{"next":'.repeat(levels)}{"end":"x"}${'}'.repeat(levels)}}`;
    expect(readField(outer, text)).toMatch(/^schema.type: f\.next\..*end is string/);
  });

  test('the nesting found is that of the parsed value', () => {
    const depthOf = (value: unknown): number =>
      typeof value !== 'object' || value === null
        ? 0
        : 1 + Math.max(0, ...Object.values(value).map(depthOf));
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.nat(8), (value, limit) => {
        const bytes = Buffer.from(JSON.stringify(value));
        expect(isNestedWithin(bytes, limit)).toBe(depthOf(value) <= limit);
      }),
    );
  });
});
