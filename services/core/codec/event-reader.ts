/**
 * Turns the bytes of a user's record into an event the pipeline works on, or says why it cannot.
 *
 *     Confluent wire format  = 0x00 schemaId datum         schemaId    = 4 bytes, big-endian
 *     Avro single-object     = 0xC3 0x01 fingerprint datum  fingerprint = 8 bytes, CRC-64-AVRO
 *     JSON                   = UTF-8 whose first byte that is not space is `{`
 *
 * `read` never throws, whatever the bytes: a `TypeError` or `RangeError` escaping into a Kafka handler
 * would end the consumer. It is bounded by `EVENT_BYTES_MAX`, `EVENT_ITEMS_MAX` and `EVENT_DEPTH_MAX`.
 * It does no I/O: a writer schema it lacks is asked for, and given with `addWriterSchema`.
 */
import { CodedError, type Rejection } from '../errors.ts';
import { EVENT_BYTES_MAX, WRITER_SCHEMAS_MAX } from '../limits.ts';
import { AvroCursor } from './avro-cursor.ts';
import { type AvroNode, describeNode, parseAvroSchema, type RecordNode } from './avro-schema.ts';
import { type DecodedEvent, EventAssembler, type EventMapping } from './event-mapping.ts';
import { JsonReader } from './json-reader.ts';
import { valueAt } from './plain-path.ts';
import { ReadFailure, reject } from './read-failure.ts';
import { fingerprintText } from './schema-fingerprint.ts';
import { createWriter, type Writer } from './writer.ts';

export type { Cell, DecodedEvent, EventMapping } from './event-mapping.ts';

/** `writer`: 16 hex digits of the writer schema's fingerprint, or `json`. */
export type ReadOutcome =
  | { readonly kind: 'event'; readonly event: DecodedEvent; readonly writer: string }
  | { readonly kind: 'rejected'; readonly rejection: Rejection }
  | { readonly kind: 'schema-needed'; readonly schemaId: number };

export interface EventReader {
  read(value: Uint8Array | null): ReadOutcome;
  /**
   * Answers `schema-needed`; `null` where nobody knows the schema. Gives the rejection that events of
   * this writer will get, or `null` where they can be read. The oldest of too many ids are forgotten
   * and will be asked for again; readable and refused ones are counted apart, so that invented ids
   * cannot displace a real one.
   */
  addWriterSchema(schemaId: number, schema: unknown | null, reason?: string): Rejection | null;
  /** Whether `read` can decide about records of this writer. */
  knowsWriterSchema(schemaId: number): boolean;
}

export interface EventReaderOptions {
  /** The bundle's event schema, parsed JSON. */
  readonly schema: unknown;
  readonly mapping: EventMapping;
  /** Further writer schemas of single-object records, parsed JSON, found by fingerprint. */
  readonly writerSchemas?: readonly unknown[];
  /** Whether `DecodedEvent.root` is filled; without, only the mapped fields are read from Avro. */
  readonly needsRoot?: boolean;
}

const CONFLUENT_MAGIC = 0x00;
const CONFLUENT_HEADER_BYTES = 5;
const SINGLE_OBJECT_MAGIC = [0xc3, 0x01] as const;
const SINGLE_OBJECT_HEADER_BYTES = 10;
const NO_ROOT: Readonly<Record<string, unknown>> = Object.freeze({});

/** Throws `configuration.invalid` where the schema cannot be used or a mapped path does not fit it. */
export function createEventReader(options: EventReaderOptions): EventReader {
  const { mapping, writerSchemas = [], needsRoot = false } = options;
  const schema = parseEventSchema(options.schema);
  const assembler = new EventAssembler(schema, mapping);
  const { paths } = assembler;
  const slots: unknown[] = paths.map(() => null);
  const cursor = new AvroCursor();
  const jsonReader = new JsonReader(schema);
  const byFingerprint = [options.schema, ...writerSchemas].map(namedWriter);
  const byId = new Map<number, Writer>();
  const refusedById = new Map<number, Rejection>();

  function namedWriter(writerSchema: unknown, index: number): Writer {
    try {
      return createWriter({ writerSchema, reader: schema, paths, needsRoot });
    } catch (error) {
      const message = `writer schema ${index} of the bundle is not an Avro schema: ${messageOf(error)}`;
      throw new CodedError('configuration.invalid', message, { cause: error });
    }
  }

  function assembleRoot(root: Readonly<Record<string, unknown>>): DecodedEvent {
    for (let i = 0; i < paths.length; i++) slots[i] = valueAt(root, paths[i]!);
    return assembler.assemble(slots, needsRoot ? root : NO_ROOT);
  }

  function readDatum(value: Uint8Array, start: number, writer: Writer): ReadOutcome {
    if (writer.kind === 'refused') return { kind: 'rejected', rejection: writer.rejection };
    cursor.reset(value, start);
    let event: DecodedEvent;
    if (writer.kind === 'whole') {
      const root = writer.read(cursor);
      cursor.expectEnd();
      event = assembleRoot(root as Readonly<Record<string, unknown>>);
    } else {
      slots.fill(null);
      writer.read(cursor, slots);
      cursor.expectEnd();
      event = assembler.assemble(slots, NO_ROOT);
    }
    return { kind: 'event', event, writer: writer.fingerprint };
  }

  function readConfluent(value: Uint8Array): ReadOutcome {
    if (value.length < CONFLUENT_HEADER_BYTES)
      return truncatedHeader(value, CONFLUENT_HEADER_BYTES);
    const schemaId = ((value[1]! << 24) | (value[2]! << 16) | (value[3]! << 8) | value[4]!) >>> 0;
    const writer = byId.get(schemaId);
    if (writer !== undefined) return readDatum(value, CONFLUENT_HEADER_BYTES, writer);
    const rejection = refusedById.get(schemaId);
    return rejection === undefined
      ? { kind: 'schema-needed', schemaId }
      : { kind: 'rejected', rejection };
  }

  function readSingleObject(value: Uint8Array): ReadOutcome {
    if (value.length < SINGLE_OBJECT_HEADER_BYTES) {
      return truncatedHeader(value, SINGLE_OBJECT_HEADER_BYTES);
    }
    for (const writer of byFingerprint) {
      if (startsAt(value, SINGLE_OBJECT_MAGIC.length, writer.fingerprintBytes)) {
        return readDatum(value, SINGLE_OBJECT_HEADER_BYTES, writer);
      }
    }
    const found = fingerprintText(value.subarray(2, SINGLE_OBJECT_HEADER_BYTES));
    return rejected('decode.unknown-schema', `no writer schema has the fingerprint ${found}`);
  }

  function readJson(value: Uint8Array): ReadOutcome {
    return { kind: 'event', event: assembleRoot(jsonReader.read(value)), writer: 'json' };
  }

  function readFormat(value: Uint8Array): ReadOutcome {
    if (value[0] === CONFLUENT_MAGIC) return readConfluent(value);
    if (startsAt(value, 0, SINGLE_OBJECT_MAGIC)) return readSingleObject(value);
    if (startsLikeJson(value)) return readJson(value);
    const found = Buffer.from(value.subarray(0, 2)).toString('hex');
    const expected = 'expected 00 (Confluent), c301 (Avro single-object) or JSON';
    return rejected('decode.unknown-format', `the value starts with ${found}, ${expected}`);
  }

  function remember<T>(known: Map<number, T>, schemaId: number, entry: T): void {
    byId.delete(schemaId);
    refusedById.delete(schemaId);
    if (known.size >= WRITER_SCHEMAS_MAX) known.delete(known.keys().next().value!);
    known.set(schemaId, entry);
  }

  function refuse(schemaId: number, code: Rejection['code'], message: string): Rejection {
    const rejection = reject(code, message);
    remember(refusedById, schemaId, rejection);
    return rejection;
  }

  return {
    read: (value) => {
      if (value === null || value.length === 0)
        return rejected('decode.empty', 'the value is empty');
      if (value.length > EVENT_BYTES_MAX) {
        const message = `the value has ${value.length} bytes, expected at most ${EVENT_BYTES_MAX}`;
        return rejected('decode.too-large', message);
      }
      try {
        return readFormat(value);
      } catch (failure) {
        if (failure instanceof ReadFailure) return rejected(failure.code, failure.message);
        return rejected('decode.malformed', `the reader failed: ${messageOf(failure)}`);
      }
    },
    addWriterSchema: (schemaId, writerSchema, reason) => {
      if (writerSchema === null) {
        const message = reason ?? `writer schema ${schemaId} is not known to the schema registry`;
        return refuse(schemaId, 'decode.unknown-schema', message);
      }
      let writer: Writer;
      try {
        writer = createWriter({ writerSchema, reader: schema, paths, needsRoot });
      } catch (error) {
        const message = `writer schema ${schemaId} is not an Avro schema: ${messageOf(error)}`;
        return refuse(schemaId, 'schema.incompatible', message);
      }
      if (writer.kind === 'refused') {
        const { code, message } = writer.rejection;
        return refuse(schemaId, code, `writer schema ${schemaId}: ${message}`);
      }
      remember(byId, schemaId, writer);
      return null;
    },
    knowsWriterSchema: (schemaId) => byId.has(schemaId) || refusedById.has(schemaId),
  };
}

function parseEventSchema(schema: unknown): RecordNode {
  let node: AvroNode;
  try {
    node = parseAvroSchema(schema);
  } catch (error) {
    const message = `the event schema is not an Avro schema: ${messageOf(error)}`;
    throw new CodedError('configuration.invalid', message, { cause: error });
  }
  if (node.kind === 'record') return node;
  const message = `the event schema is ${describeNode(node)}, expected a record`;
  throw new CodedError('configuration.invalid', message);
}

function startsAt(bytes: Uint8Array, start: number, expected: ArrayLike<number>): boolean {
  for (let i = 0; i < expected.length; i++) {
    if (bytes[start + i] !== expected[i]) return false;
  }
  return true;
}

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;
const JSON_SPACES: readonly number[] = [0x20, 0x09, 0x0a, 0x0d];
const OPEN_BRACE = 0x7b;

function startsLikeJson(bytes: Uint8Array): boolean {
  let i = startsAt(bytes, 0, BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0;
  while (i < bytes.length && JSON_SPACES.includes(bytes[i]!)) i++;
  return bytes[i] === OPEN_BRACE;
}

function truncatedHeader(value: Uint8Array, expectedBytes: number): ReadOutcome {
  const message = `the value has ${value.length} bytes, its header alone needs ${expectedBytes}`;
  return rejected('decode.truncated', message);
}

function rejected(code: Rejection['code'], message: string): ReadOutcome {
  return { kind: 'rejected', rejection: reject(code, message) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
