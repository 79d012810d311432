/**
 * Random Avro schemas, values of them, and changes a schema goes through in its life. Values are in
 * avsc's form with every union wrapped; `plainOf` says what they are to the event reader.
 *
 * No field and no key is `__proto__` or `toString`: avsc looks them up on a plain object and trips. The
 * reader's own tests have them.
 */
import type avro from 'avsc';
import fc from 'fast-check';
import { parseAvroSchema } from '../../services/core/codec/avro-schema.ts';

export type Schema =
  | string
  | readonly Schema[]
  | {
      readonly type: string;
      readonly name?: string;
      readonly fields?: readonly SchemaField[];
      readonly symbols?: readonly string[];
      readonly default?: string;
      readonly size?: number;
      readonly items?: Schema;
      readonly values?: Schema;
    };

export interface SchemaField {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly type: Schema;
  readonly default?: unknown;
}

const PRIMITIVES = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'];
const SYMBOLS = ['A', 'B', 'C', 'D', 'E'];
const FIELD_NAMES = ['a', 'b', 'c', 'd', 'e', 'x1', 'y_2'];

/** Named types get their names afterwards: Avro allows each name once. */
function unnamed(depth: number): fc.Arbitrary<Schema> {
  const scalar = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom<Schema>(...PRIMITIVES) },
    fc
      .subarray(SYMBOLS, { minLength: 1 })
      .map((symbols): Schema => ({ type: 'enum', symbols: [...symbols] })),
    fc.nat(5).map((size): Schema => ({ type: 'fixed', size })),
  );
  if (depth === 0) return scalar;
  const inner = unnamed(depth - 1);
  return fc.oneof(
    { weight: 4, arbitrary: scalar },
    inner.map((items): Schema => ({ type: 'array', items })),
    inner.map((values): Schema => ({ type: 'map', values })),
    fc
      .uniqueArray(
        inner.filter((schema) => !Array.isArray(schema)),
        { selector: kindOf, minLength: 1, maxLength: 4 },
      )
      .map((branches): Schema => branches),
    unnamedRecord(inner),
  );
}

function unnamedRecord(inner: fc.Arbitrary<Schema>): fc.Arbitrary<Schema> {
  return fc
    .uniqueArray(fc.tuple(fc.constantFrom(...FIELD_NAMES), inner), {
      selector: ([name]) => name,
      maxLength: 6,
    })
    .map((fields) => ({ type: 'record', fields: fields.map(([name, type]) => ({ name, type })) }));
}

export function kindOf(schema: Schema): string {
  if (typeof schema === 'string') return schema;
  return 'type' in schema ? schema.type : 'union';
}

function named(schema: Schema, next: { index: number }): Schema {
  if (typeof schema === 'string') return schema;
  if (!('type' in schema)) return schema.map((branch) => named(branch, next));
  const { type, fields, items, values } = schema;
  return {
    ...schema,
    ...(['record', 'enum', 'fixed'].includes(type) ? { name: `T${next.index++}` } : {}),
    ...(fields ? { fields: fields.map((f) => ({ ...f, type: named(f.type, next) })) } : {}),
    ...(items ? { items: named(items, next) } : {}),
    ...(values ? { values: named(values, next) } : {}),
  };
}

export const recordSchema: fc.Arbitrary<Schema> = unnamedRecord(unnamed(2)).map((schema) =>
  named(schema, { index: 0 }),
);

const asciiText = fc.string({ unit: 'grapheme-ascii', maxLength: 40 });

export function encodableValue(
  schema: Schema,
  text: fc.Arbitrary<string> = fc.string({ unit: 'grapheme', maxLength: 40 }),
): fc.Arbitrary<unknown> {
  if (typeof schema === 'string') return primitiveValue(schema, text);
  if (!('type' in schema)) {
    return fc.oneof(
      ...schema.map((branch) => {
        const name = typeof branch === 'object' && 'name' in branch ? branch.name! : kindOf(branch);
        return encodableValue(branch, text).map((value) =>
          name === 'null' ? null : { [name]: value },
        );
      }),
    );
  }
  switch (schema.type) {
    case 'enum':
      return fc.constantFrom(...schema.symbols!);
    case 'fixed':
      return fc
        .uint8Array({ minLength: schema.size!, maxLength: schema.size! })
        .map((bytes) => Buffer.from(bytes));
    case 'array':
      return fc.array(encodableValue(schema.items!, text), { maxLength: 5 });
    case 'map': {
      const mapKey = text.filter((key) => key !== '__proto__');
      return fc
        .array(fc.tuple(mapKey, encodableValue(schema.values!, text)), { maxLength: 5 })
        .map((entries) => Object.fromEntries(entries));
    }
    default:
      return fc
        .tuple(...schema.fields!.map((field) => encodableValue(field.type, text)))
        .map((values) => Object.fromEntries(schema.fields!.map((f, i) => [f.name, values[i]])));
  }
}

function primitiveValue(kind: string, text: fc.Arbitrary<string>): fc.Arbitrary<unknown> {
  const safe = Number.MAX_SAFE_INTEGER - 1;
  switch (kind) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'int':
      return fc.oneof(fc.integer(), fc.integer({ min: -200, max: 200 }));
    case 'long':
      return fc.oneof(fc.integer({ min: -safe, max: safe }), fc.integer({ min: -200, max: 200 }));
    case 'float':
      return fc.float();
    case 'double':
      return fc.double();
    case 'bytes':
      return asciiText.map((each) => Buffer.from(each, 'latin1'));
    default:
      return text;
  }
}

/** What the event reader makes of avsc's value: unions unwrapped, plain objects and bytes. */
export function plainOf(type: avro.Type, value: unknown): unknown {
  if (value === null) return null;
  switch (type.typeName) {
    case 'union:wrapped': {
      const [name, inner] = Object.entries(value as object)[0]!;
      const branch = (type as avro.types.WrappedUnionType).types.find(
        (t) => t.branchName === name,
      )!;
      return plainOf(branch, inner);
    }
    case 'record':
      return Object.fromEntries(
        (type as avro.types.RecordType).fields.map((field) => [
          field.name,
          plainOf(field.type, (value as Record<string, unknown>)[field.name]),
        ]),
      );
    case 'array':
      return (value as unknown[]).map((each) =>
        plainOf((type as avro.types.ArrayType).itemsType, each),
      );
    case 'map':
      return Object.fromEntries(
        Object.entries(value as object).map(([key, each]) => [
          key,
          plainOf((type as avro.types.MapType).valuesType, each),
        ]),
      );
    case 'bytes':
    case 'fixed':
      return Uint8Array.from(value as Uint8Array);
    default:
      return value;
  }
}

/** One change to one type, as teams make them; some break readers, which is the point. */
export function evolved(schema: Schema): fc.Arbitrary<Schema> {
  return changed(schema).filter(isSchema);
}

function isSchema(schema: Schema): boolean {
  try {
    parseAvroSchema(schema);
    return true;
  } catch {
    return false;
  }
}

function changed(schema: Schema): fc.Arbitrary<Schema> {
  const same = { weight: 5, arbitrary: fc.constant(schema) };
  if (typeof schema === 'string') {
    return fc.oneof(
      same,
      fc.constantFrom<Schema>(...PRIMITIVES),
      fc.constant<Schema>(['null', schema]),
    );
  }
  if (!('type' in schema)) {
    return fc.oneof(
      same,
      fc.shuffledSubarray([...schema], { minLength: 1 }).map((branches): Schema => branches),
      fc.constantFrom<Schema>(...schema),
    );
  }
  switch (schema.type) {
    case 'enum':
      return fc.oneof(
        same,
        fc.tuple(fc.shuffledSubarray(SYMBOLS, { minLength: 1 }), fc.boolean()).map(
          ([symbols, withDefault]): Schema => ({
            ...schema,
            symbols,
            ...(withDefault ? { default: symbols[0]! } : {}),
          }),
        ),
      );
    case 'array':
      return changed(schema.items!).map((items) => ({ ...schema, items }));
    case 'map':
      return changed(schema.values!).map((values) => ({ ...schema, values }));
    case 'record':
      return evolvedRecord(schema.fields!).map((fields) => ({ ...schema, fields }));
    default:
      return fc.oneof(same, fc.constant<Schema>('bytes'));
  }
}

const ADDED: readonly SchemaField[] = [
  { name: 'added', type: ['null', 'double'], default: null },
  { name: 'added', type: ['long', 'null'], default: 7 },
  { name: 'added', type: { type: 'array', items: 'bytes' }, default: ['\u00ff'] },
  { name: 'added', type: { type: 'map', values: ['string', 'null'] }, default: { k: 'v' } },
  { name: 'added', type: 'string' },
];

function evolvedRecord(fields: readonly SchemaField[]): fc.Arbitrary<readonly SchemaField[]> {
  const changedFields = fields.map((field) =>
    fc
      .tuple(changed(field.type), fc.nat(9))
      .map(
        ([type, roll]): SchemaField =>
          roll === 0
            ? { ...field, type, name: `renamed_${field.name}`, aliases: [field.name] }
            : { ...field, type },
      ),
  );
  return fc
    .tuple(
      fc.tuple(...changedFields),
      fc.option(fc.constantFrom(...ADDED), { nil: undefined, freq: 3 }),
      fc.boolean(),
      fc.nat(9),
    )
    .chain(([kept, added, shuffle, drop]) => {
      const all = [...kept.filter((_, index) => index !== drop), ...(added ? [added] : [])];
      return shuffle
        ? fc.shuffledSubarray(all, { minLength: all.length })
        : fc.constant<readonly SchemaField[]>(all);
    });
}
