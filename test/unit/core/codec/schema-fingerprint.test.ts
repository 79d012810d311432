/** CRC-64-AVRO, canonical forms and Apache Avro's own files, where they are at hand. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseAvroSchema } from '../../../../services/core/codec/avro-schema.ts';
import { createEventReader } from '../../../../services/core/codec/event-reader.ts';
import {
  canonicalForm,
  crc64Avro,
  fingerprintText,
  schemaFingerprint,
} from '../../../../services/core/codec/schema-fingerprint.ts';
import { SchemaResolution } from '../../../../services/core/codec/schema-resolution.ts';
import { describeWithSharedData, sharedData } from '../../../support/shared-data.ts';
import { readAs, readHex } from './avro-values.ts';
import { columnOf } from './event-fixture.ts';

test('the fingerprint of nothing is the polynomial, and each bit of text counts', () => {
  expect(crc64Avro(new Uint8Array(0))).toBe(0xc15d213aa4d7a795n);
  expect(fingerprintText(schemaFingerprint('null'))).toBe('8a8f25cce724dd63');
  expect(fingerprintText(schemaFingerprint({ type: 'int' }))).toBe('8f5c393f1ad57572');
});

const DIRECTORY = sharedData('avro');
const title = "Apache Avro's own test data";

function read(name: string): string {
  return readFileSync(join(DIRECTORY, name), 'utf8');
}

describeWithSharedData(title, withData);

function withData(): void {
  interface Vector {
    readonly id: string;
    readonly input: string;
    readonly canonical: string;
    readonly fingerprint_le_hex: string;
  }
  const vectors: readonly Vector[] = JSON.parse(read('interop/fingerprint-vectors.json')).cases;

  const EMPTY_UNION = '[]';

  test('a union of nothing, of which there is no value, is refused', () => {
    expect(vectors.some(({ canonical }) => canonical === EMPTY_UNION)).toBe(true);
    expect(() => canonicalForm(JSON.parse(EMPTY_UNION))).toThrow('empty union');
  });

  const others = vectors.filter(({ canonical }) => canonical !== EMPTY_UNION);
  test.each(others)('fingerprint vector $id', ({ input, canonical, fingerprint_le_hex }) => {
    const schema: unknown = JSON.parse(input);
    expect(canonicalForm(schema)).toBe(canonical);
    expect(fingerprintText(schemaFingerprint(schema))).toBe(fingerprint_le_hex);
  });

  test.each(readdirSync(join(DIRECTORY, 'pass-schemas')))('%s is a schema', (name) => {
    const schema: unknown = JSON.parse(read(`pass-schemas/${name}`));
    const node = parseAvroSchema(schema);
    expect(new SchemaResolution(node, node).incompatibility).toBeNull();
  });

  test.each(readdirSync(join(DIRECTORY, 'fail-schemas')))('%s is not a schema', (name) => {
    expect(() => parseAvroSchema(JSON.parse(read(`fail-schemas/${name}`)))).toThrow(Error);
  });

  const wire = JSON.parse(read('wire-vectors.json'));

  test.each<{ value: number; hex: string }>(wire.zigzag_varint.cases)(
    '$hex is $value',
    ({ value, hex }) => {
      expect(readHex('int', hex)).toBe(value);
      expect(readHex('long', hex)).toBe(value);
    },
  );

  test('the single-object message is read', () => {
    const schema: unknown = JSON.parse(read('interop/test_schema.avsc'));
    const message = readFileSync(join(DIRECTORY, 'interop/test_message.bin'));
    expect(message.toString('hex')).toBe(wire.single_object.message_hex);
    expect(fingerprintText(schemaFingerprint(schema))).toBe(wire.single_object.fingerprint_le_hex);
    const mapping = {
      id: ['name'],
      eventTime: { path: ['id'], unit: 's' },
      columns: [columnOf('id', 'numeric')],
    } as const;
    const outcome = createEventReader({ schema, mapping, needsRoot: true }).read(message);
    expect(outcome).toMatchObject({
      kind: 'event',
      writer: wire.single_object.fingerprint_le_hex,
      event: { id: 'Bill', eventTimeMs: 42_000, cells: [42], root: wire.single_object.decoded },
    });
  });

  test('the Confluent vectors are framed as we read them', () => {
    const schema = {
      type: 'record',
      name: 'R',
      fields: [
        { name: 'id', type: 'string' },
        { name: 'at', type: 'long' },
      ],
    };
    const mapping = { id: ['id'], eventTime: { path: ['at'], unit: 'ms' }, columns: [] } as const;
    const reader = createEventReader({ schema, mapping });
    for (const vector of wire.confluent_wire_format.cases) {
      if (vector.message_hex === undefined) continue;
      const outcome = reader.read(Buffer.from(vector.message_hex, 'hex'));
      if (vector.kind === 'reject') {
        expect(outcome).toMatchObject({ rejection: { code: 'decode.unknown-format' } });
      } else {
        expect(outcome).toEqual({ kind: 'schema-needed', schemaId: vector.schema_id });
      }
    }
  });

  test('the interop schema resolves against itself and against a reader of two of its fields', () => {
    const schema = JSON.parse(read('interop/interop.avsc'));
    const fields = schema.fields.filter((f: { name: string }) =>
      ['intField', 'recordField'].includes(f.name),
    );
    expect(readAs(schema, { ...schema, fields }, Buffer.alloc(0))).toBe('decode.truncated');
  });
}
