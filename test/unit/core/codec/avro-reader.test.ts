/** Avro binary, type by type: its edges, what is malformed, and resolution where avsc is no oracle. */
import { describe, expect, test } from 'vitest';
import { createAvroCodec } from '../../../../services/core/codec/avro-encoder.ts';
import { readAs, readHex } from './avro-values.ts';
import { varint } from './event-fixture.ts';

const ENUM = { type: 'enum', name: 'E', symbols: ['A', 'B'] };
const NULLS = { type: 'array', items: 'null' };
const INTS = { type: 'array', items: 'int' };

describe('a valid encoding', () => {
  test.each<[unknown, string, unknown]>([
    ['int', 'feffffff0f', 2 ** 31 - 1],
    ['int', 'ffffffff0f', -(2 ** 31)],
    ['int', '8000', 0],
    ['long', 'ffffffffffffffffff01', -(2n ** 63n)],
    ['long', 'feffffffffffffffff01', 2n ** 63n - 1n],
    ['long', 'feffffffffffff1f', 2 ** 53 - 1],
    ['long', '8080808080808080' + '8000', 0],
    ['double', '000000000000f07f', Number.POSITIVE_INFINITY],
    ['float', '0000c07f', Number.NaN],
    ['string', '06efbbbf', '\ufeff'],
    ['string', '06efbfbd', '\ufffd'],
    ['string', '00', ''],
    [INTS, '0402040206' + '00', [1, 2, 3]],
    [INTS, '03040204' + '020600', [1, 2, 3]],
    [['null', 'int'], '0207', -4],
  ])('of %j, %s', (schema, hex, expected) => {
    expect(readHex(schema, hex)).toEqual(expected);
  });

  test('long text and short text of every length', () => {
    for (const unit of ['a', 'é', '€', '😀']) {
      for (let length = 0; length < 60; length++) {
        const text = unit.repeat(length);
        const bytes = createAvroCodec('string').encode(text);
        expect(readAs('string', 'string', bytes)).toBe(text);
      }
    }
  });

  test('bytes are a copy', () => {
    const source = Buffer.from([4, 1, 2]);
    const value = readAs('bytes', 'bytes', source) as Uint8Array;
    source.fill(9);
    expect(value).toEqual(Uint8Array.of(1, 2));
  });
});

describe('a malformed encoding', () => {
  test.each<[string, unknown, string, string]>([
    ['an int of 33 bits', 'int', 'ffffffff1f', 'decode.malformed'],
    ['an int of six bytes', 'int', '808080808000', 'decode.malformed'],
    ['a long of 65 bits', 'long', 'ffffffffffffffffff03', 'decode.malformed'],
    ['a long without end', 'long', '8080808080808080808080', 'decode.malformed'],
    ['a boolean of 2', 'boolean', '02', 'decode.malformed'],
    ['a negative enum index', ENUM, '01', 'decode.malformed'],
    ['an enum index too high', ENUM, '04', 'decode.malformed'],
    ['a union index too high', ['null', 'int'], '0400', 'decode.malformed'],
    ['a union index of -2^63', ['null', 'int'], 'ffffffffffffffffff01', 'decode.malformed'],
    ['a negative length', 'string', '01', 'decode.malformed'],
    ['a length of 2^62', 'bytes', '80808080808080808001', 'decode.truncated'],
    ['a lone UTF-8 continuation', 'string', '0280', 'decode.malformed'],
    ['an overlong UTF-8 slash', 'string', '04c0af', 'decode.malformed'],
    ['a UTF-8 surrogate', 'string', '06eda080', 'decode.malformed'],
    [
      'half a UTF-8 character in long text',
      'string',
      '40' + '61'.repeat(31) + 'c3',
      'decode.malformed',
    ],
    [
      'a map key that is not UTF-8',
      { type: 'map', values: 'null' },
      '0202ff00',
      'decode.malformed',
    ],
    ['a block shorter than it says', INTS, '030602040600', 'decode.malformed'],
    ['a block of negative size', INTS, '0301020400', 'decode.malformed'],
    ['a block without its end', INTS, '0202', 'decode.truncated'],
    ['a count of -2^63', NULLS, 'ffffffffffffffffff010000', 'decode.limit'],
    ['something after it', 'null', '00', 'decode.trailing-bytes'],
  ])('%s', (_, schema, hex, code) => {
    expect(readHex(schema, hex)).toBe(code);
  });
});

describe('resolution', () => {
  const record = (fields: readonly unknown[], attributes: object = {}) => ({
    ...{ type: 'record', name: 'R', fields },
    ...attributes,
  });
  const field = (name: string, type: unknown, attributes: object = {}) => ({
    name,
    type,
    ...attributes,
  });

  test('fields named like parts of every object are fields like others', () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
    const schema = record(names.map((name) => field(name, 'int')));
    const value = readAs(schema, schema, Buffer.concat(names.map((_, i) => varint(BigInt(i)))));
    expect(Object.entries(value as object)).toEqual(names.map((name, i) => [name, i]));
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    const fewer = record([field('toString', 'int')]);
    expect(readAs(schema, fewer, Buffer.from([0, 2, 4, 6]))).toEqual({ toString: 2 });
  });

  test('a map key __proto__ is an entry', () => {
    const bytes = Buffer.concat([
      Buffer.from([2, 18]),
      Buffer.from('__proto__'),
      Buffer.from([2, 0]),
    ]);
    const value = readAs({ type: 'map', values: 'int' }, { type: 'map', values: 'int' }, bytes);
    expect(Object.entries(value as object)).toEqual([['__proto__', 1]]);
  });

  test("one of the writer's fields may fill two of the reader's", () => {
    const reader = record([
      field('b', 'double', { aliases: ['a'] }),
      field('a', 'int'),
      field('c', 'string'),
    ]);
    const writer = record([field('a', 'int'), field('c', 'string')]);
    expect(readAs(writer, reader, Buffer.from([6, 2, 0x78]))).toEqual({ a: 3, b: 3, c: 'x' });
  });

  test('names match without their namespaces, and by alias', () => {
    const writer = record([field('a', 'int')], { name: 'com.acme.Old' });
    expect(readAs(writer, record([field('a', 'int')]), Buffer.of(2))).toMatch(/^incompatible/);
    const byAlias = record([field('a', 'int')], { name: 'org.New', aliases: ['Old'] });
    expect(readAs(writer, byAlias, Buffer.of(2))).toEqual({ a: 1 });
    const elsewhere = record([field('a', 'int')], { name: 'org.other.Old' });
    expect(readAs(writer, elsewhere, Buffer.of(2))).toEqual({ a: 1 });
  });

  test('of two records with one name in two namespaces, the very one that was written is read', () => {
    const a = record([field('x', 'int')], { name: 'a.R' });
    const b = record([field('x', 'int'), field('y', 'int', { default: 9 })], { name: 'b.R' });
    expect(readAs([a, b], [a, b], Buffer.of(2, 2, 4))).toEqual({ x: 1, y: 2 });
    expect(readAs(a, [b, a], Buffer.of(2))).toEqual({ x: 1 });
  });

  test('text stays text in a union that also has bytes', () => {
    const union = ['bytes', 'string'];
    expect(readAs(union, union, Buffer.of(2, 2, 0x61))).toBe('a');
    expect(readAs('int', ['string', 'double', 'long'], Buffer.of(2))).toBe(1);
  });

  test('an enum symbol the reader lacks is its default, or incompatible', () => {
    const writer = { ...ENUM, symbols: ['A', 'B', 'C'] };
    expect(readAs(writer, { ...ENUM, default: 'A' }, Buffer.of(4))).toBe('A');
    expect(readAs(writer, ENUM, Buffer.of(0))).toBe(
      'incompatible: symbol C is unknown to the reader',
    );
  });

  test('a recursive schema resolves to itself, and not to one that differs far down', () => {
    const list = (value: string, more: readonly unknown[] = []) =>
      record([field('value', value), field('next', ['null', 'R']), ...more]);
    const bytes = Buffer.of(2, 2, 4, 0);
    expect(readAs(list('int'), list('double'), bytes)).toEqual({
      value: 1,
      next: { value: 2, next: null },
    });
    expect(readAs(list('string'), list('double'), bytes)).toMatch(/^incompatible: value: string/);
    expect(readAs(list('int'), list('int', [field('extra', 'int')]), bytes)).toMatch(
      /^incompatible: extra/,
    );
  });

  test('a union branch that fails only inside a recursion is not taken', () => {
    const node = (name: string, value: string) =>
      record([field('next', ['null', name]), field('value', value)], { name });
    const writer = record([field('tree', node('N', 'string'))]);
    const wrong = node('N', 'int');
    const right = { ...node('M', 'string'), aliases: ['N'] };
    const reader = record([field('tree', [wrong, right])]);
    expect(readAs(writer, reader, Buffer.of(0, 2, 0x61))).toEqual({
      tree: { next: null, value: 'a' },
    });
  });

  test('what was only assumed while a recursion was being judged is judged again', () => {
    const node = (name: string, inner: string, value: string) =>
      record(
        [
          field('m', record([field('back', ['null', name])], { name: inner, aliases: ['M'] })),
          field('value', value),
        ],
        { name, aliases: ['N'] },
      );
    const writer = record([field('tree', node('N', 'M', 'string')), field('other', 'M')]);
    const trees = [node('X', 'XM', 'int'), node('Y', 'YM', 'string')];
    // XM is fine only as long as X is, and X fails on its last field.
    const bytes = Buffer.of(0, 2, 0x61, 0);
    expect(readAs(writer, record([field('tree', trees), field('other', 'XM')]), bytes)).toMatch(
      /^incompatible/,
    );
    expect(readAs(writer, record([field('tree', trees), field('other', 'YM')]), bytes)).toEqual({
      tree: { m: { back: null }, value: 'a' },
      other: { back: null },
    });
  });

  test('a schema whose records share each other resolves at once, not in exponential time', () => {
    let type: unknown = record([field('x', 'int')], { name: 'L0' });
    for (let level = 1; level <= 60; level++) {
      type = record([field('a', type), field('b', `L${level - 1}`)], { name: `L${level}` });
    }
    expect(readAs(type, type, Buffer.of())).toBe('decode.truncated');
  });
});
