/** A small event schema, its mapping, and the ways its bytes reach a reader. */
import { createAvroCodec } from '../../../../services/core/codec/avro-encoder.ts';
import type { EventMapping } from '../../../../services/core/codec/event-reader.ts';
import type { Column, EventTimeUnit } from '../../../../services/core/monitor/monitor.ts';

export function columnOf(name: string, type: Column['type'], path = name): Column {
  return {
    name,
    path: path.split('.'),
    type,
    role: 'feature',
    required: false,
    minimum: null,
    maximum: null,
    allowed: null,
    pattern: null,
    drift: null,
  };
}

export function mappingOf(columns: readonly Column[], unit: EventTimeUnit = 'ms'): EventMapping {
  return { id: ['id'], eventTime: { path: ['at'], unit }, columns };
}

interface FieldSchema {
  readonly name: string;
  readonly type: unknown;
  readonly [attribute: string]: unknown;
}

/** A record `Event` with an id, an event time in milliseconds and the given fields. */
export function eventSchema(fields: readonly FieldSchema[]) {
  const leading: readonly FieldSchema[] = [
    { name: 'id', type: 'string' },
    { name: 'at', type: 'long' },
  ];
  return { type: 'record', name: 'Event', fields: [...leading, ...fields] };
}

export const EVENT_TIME_MS = 1_700_000_000_000;

export function singleObject(schema: unknown, fields: Record<string, unknown>): Uint8Array {
  const codec = createAvroCodec<Record<string, unknown>>(schema);
  return codec.encodeSingleObject({ id: 'e-1', at: EVENT_TIME_MS, ...fields });
}

export function confluent(schemaId: number, datum: Uint8Array): Uint8Array {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(schemaId, 1);
  return Buffer.concat([header, datum]);
}

export function json(fields: Record<string, unknown>): Uint8Array {
  return Buffer.from(JSON.stringify({ id: 'e-1', at: EVENT_TIME_MS, ...fields }));
}

/** Avro's zig-zag base-128 form of any 64-bit value. */
export function varint(value: bigint): Uint8Array {
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  const bytes: number[] = [];
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return Uint8Array.from([...bytes, Number(rest)]);
}
