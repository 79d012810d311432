/**
 * One writer schema as the event reader uses it: found by its fingerprint, resolved against the event
 * schema and compiled, or refused with the reason.
 */
import type { Rejection } from '../errors.ts';
import type { FieldPath } from '../monitor/monitor.ts';
import { type ReadValue, ValueCompiler } from './avro-reader.ts';
import { type AvroNode, parseAvroSchema } from './avro-schema.ts';
import { SkipCompiler } from './avro-skipper.ts';
import { compileMappedReader, type ReadSlots } from './mapped-reader.ts';
import { reject } from './read-failure.ts';
import { fingerprintText, schemaFingerprint } from './schema-fingerprint.ts';
import { SchemaResolution } from './schema-resolution.ts';

interface WriterIdentity {
  readonly fingerprint: string;
  readonly fingerprintBytes: Uint8Array;
}

/** `whole` builds the event, `mapped` fills only the slots of the mapped paths. */
export type Writer = WriterIdentity &
  (
    | { readonly kind: 'whole'; readonly read: ReadValue }
    | { readonly kind: 'mapped'; readonly read: ReadSlots }
    | { readonly kind: 'refused'; readonly rejection: Rejection }
  );

/** Throws an `Error` where the writer schema, parsed JSON, is not an Avro schema. */
export function createWriter(options: {
  readonly writerSchema: unknown;
  readonly reader: AvroNode;
  readonly paths: readonly FieldPath[];
  readonly needsRoot: boolean;
}): Writer {
  const { writerSchema, reader, paths, needsRoot } = options;
  const writer = parseAvroSchema(writerSchema);
  const fingerprintBytes = schemaFingerprint(writerSchema);
  const identity = { fingerprint: fingerprintText(fingerprintBytes), fingerprintBytes };
  const resolution = new SchemaResolution(writer, reader);
  if (resolution.incompatibility !== null) {
    const rejection = reject('schema.incompatible', resolution.incompatibility);
    return { ...identity, kind: 'refused', rejection };
  }
  if (needsRoot) {
    const read = new ValueCompiler(resolution, new SkipCompiler()).compile(writer, reader);
    return { ...identity, kind: 'whole', read };
  }
  const read = compileMappedReader({ writer, reader, resolution, paths });
  return { ...identity, kind: 'mapped', read };
}
