/** Laws of the event codec, with avsc as the oracle: same values, same compatibility, no surprises. */
import avro from 'avsc';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AvroCursor } from '../../services/core/codec/avro-cursor.ts';
import { ValueCompiler } from '../../services/core/codec/avro-reader.ts';
import { type AvroNode, parseAvroSchema } from '../../services/core/codec/avro-schema.ts';
import { SkipCompiler } from '../../services/core/codec/avro-skipper.ts';
import { compileMappedReader } from '../../services/core/codec/mapped-reader.ts';
import { valueAt } from '../../services/core/codec/plain-path.ts';
import { SchemaResolution } from '../../services/core/codec/schema-resolution.ts';
import {
  encodableValue,
  evolved,
  plainOf,
  recordSchema,
  type Schema,
} from './codec-arbitraries.ts';

const asciiText = fc.string({ unit: 'grapheme-ascii', maxLength: 40 });

function avscType(schema: Schema): avro.Type {
  return avro.Type.forSchema(structuredClone(schema) as avro.Schema, { wrapUnions: 'always' });
}

function readWhole(options: { writer: AvroNode; reader: AvroNode; bytes: Uint8Array }): unknown {
  const { writer, reader, bytes } = options;
  const resolution = new SchemaResolution(writer, reader);
  expect(resolution.incompatibility).toBeNull();
  const cursor = new AvroCursor();
  cursor.reset(bytes, 0);
  const value = new ValueCompiler(resolution, new SkipCompiler()).compile(writer, reader)(cursor);
  cursor.expectEnd();
  return value;
}

function arbitraryWithValue(text?: fc.Arbitrary<string>) {
  return recordSchema.chain((schema) =>
    fc.tuple(fc.constant(schema), encodableValue(schema, text)),
  );
}

describe('values that avsc encoded', () => {
  test('read back as themselves, whatever the schema', () => {
    fc.assert(
      fc.property(arbitraryWithValue(), ([schema, value]) => {
        const type = avscType(schema);
        const node = parseAvroSchema(schema);
        const read = readWhole({ writer: node, reader: node, bytes: type.toBuffer(value) });
        expect(read).toEqual(plainOf(type, type.fromBuffer(type.toBuffer(value))));
      }),
      { numRuns: 1_500 },
    );
  });

  test('are passed over to their very end when no field is wanted', () => {
    fc.assert(
      fc.property(arbitraryWithValue(), ([schema, value]) => {
        const bytes = avscType(schema).toBuffer(value);
        const cursor = new AvroCursor();
        cursor.reset(bytes, 0);
        new SkipCompiler().compile(parseAvroSchema(schema))(cursor);
        expect(cursor.position).toBe(bytes.length);
      }),
      { numRuns: 500 },
    );
  });

  test('give every field the same value read alone as read with the whole record', () => {
    fc.assert(
      fc.property(
        arbitraryWithValue(asciiText).chain(([schema, value]) =>
          fc.tuple(fc.constant(schema), fc.constant(value), evolved(schema)),
        ),
        ([schema, value, evolvedSchema]) => {
          const writer = parseAvroSchema(schema);
          const reader = parseAvroSchema(evolvedSchema);
          const resolution = new SchemaResolution(writer, reader);
          fc.pre(resolution.incompatibility === null && reader.kind === 'record');
          const bytes = avscType(schema).toBuffer(value);
          const paths = pathsOf(reader);
          const slots: unknown[] = paths.map(() => null);
          const cursor = new AvroCursor();
          cursor.reset(bytes, 0);
          compileMappedReader({ writer, reader, resolution, paths })(cursor, slots);
          cursor.expectEnd();
          const whole = readWhole({ writer, reader, bytes });
          expect(slots).toEqual(paths.map((path) => valueAt(whole, path)));
        },
      ),
      { numRuns: 800 },
    );
  });
});

/** All paths through records to something that is not one. */
function pathsOf(node: AvroNode): readonly (readonly string[])[] {
  if (node.kind === 'union') {
    const others = node.branches.filter(({ kind }) => kind !== 'null');
    return others.length === 1 ? pathsOf(others[0]!) : [[]];
  }
  if (node.kind !== 'record') return [[]];
  return node.fields.flatMap((field) => pathsOf(field.node).map((path) => [field.name, ...path]));
}

/** Bytes as text: of a union's bytes and string, avsc takes the first and we the one that was written. */
function textual(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1');
  if (Array.isArray(value)) return value.map(textual);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, textual(each)]));
}

describe('a writer schema and a later reader schema', () => {
  const pair = arbitraryWithValue(asciiText).chain(([schema, value]) =>
    fc.tuple(fc.constant(schema), fc.constant(value), evolved(schema)),
  );

  function avscResolver(writer: avro.Type, reader: avro.Type) {
    try {
      return reader.createResolver(writer, { ignoreNamespaces: true });
    } catch {
      return null;
    }
  }

  test('are compatible for us exactly where they are for avsc, and then read the same', () => {
    const seen = { compatible: 0, incompatible: 0 };
    fc.assert(
      fc.property(pair, ([schema, value, evolvedSchema]) => {
        const writerType = avscType(schema);
        const readerType = avscType(evolvedSchema);
        const writer = parseAvroSchema(schema);
        const reader = parseAvroSchema(evolvedSchema);
        const resolver = avscResolver(writerType, readerType);
        const { incompatibility } = new SchemaResolution(writer, reader);
        expect({ compatible: incompatibility === null, why: incompatibility }).toEqual({
          compatible: resolver !== null,
          why: incompatibility,
        });
        seen[resolver === null ? 'incompatible' : 'compatible']++;
        if (resolver === null) return;
        const bytes = writerType.toBuffer(value);
        const expected = plainOf(readerType, readerType.fromBuffer(bytes, resolver));
        expect(textual(readWhole({ writer, reader, bytes }))).toEqual(textual(expected));
      }),
      { numRuns: 3_000 },
    );
    expect(Math.min(seen.compatible, seen.incompatible)).toBeGreaterThan(300);
  });
});
