/** Reads one Avro value, for tests of single types. */
import { AvroCursor } from '../../../../services/core/codec/avro-cursor.ts';
import { ValueCompiler } from '../../../../services/core/codec/avro-reader.ts';
import { parseAvroSchema } from '../../../../services/core/codec/avro-schema.ts';
import { SkipCompiler } from '../../../../services/core/codec/avro-skipper.ts';
import { ReadFailure } from '../../../../services/core/codec/read-failure.ts';
import { SchemaResolution } from '../../../../services/core/codec/schema-resolution.ts';

/** The value, or the code of the rejection, or why the schemas do not fit. */
export function readAs(writerSchema: unknown, readerSchema: unknown, bytes: Uint8Array): unknown {
  const writer = parseAvroSchema(writerSchema);
  const reader = parseAvroSchema(readerSchema);
  const resolution = new SchemaResolution(writer, reader);
  if (resolution.incompatibility !== null) return `incompatible: ${resolution.incompatibility}`;
  const read = new ValueCompiler(resolution, new SkipCompiler()).compile(writer, reader);
  const cursor = new AvroCursor();
  cursor.reset(bytes, 0);
  try {
    const value = read(cursor);
    cursor.expectEnd();
    return value;
  } catch (failure) {
    if (failure instanceof ReadFailure) return failure.code;
    throw failure;
  }
}

export function readHex(schema: unknown, hex: string): unknown {
  return readAs(schema, schema, Buffer.from(hex, 'hex'));
}
