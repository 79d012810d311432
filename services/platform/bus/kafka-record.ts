/** Records between the port and kafkajs. Keys, values and header values keep their bytes, uncopied. */
import type { KafkaMessage, Message } from 'kafkajs';
import type { BusRecord, Headers, OutgoingRecord, TopicPartition } from './bus.ts';

/** What Kafka adds to a record at most: lengths, deltas, attributes. */
const RECORD_OVERHEAD_BYTES = 40;
const HEADER_OVERHEAD_BYTES = 10;

const EMPTY = new Uint8Array(0);

export function decodeMessage(
  { topic, partition }: TopicPartition,
  message: KafkaMessage,
): BusRecord {
  return {
    topic,
    partition,
    offset: Number(message.offset),
    key: message.key,
    value: message.value,
    headers: message.headers === undefined ? {} : decodeHeaders(message.headers as RawHeaders),
    timestampMs: Number(message.timestamp),
  };
}

export function encodeMessage(record: OutgoingRecord, nowMs: number): Message {
  const headers: Record<string, Buffer | Buffer[]> = {};
  for (const [name, value] of Object.entries(record.headers)) {
    headers[name] = isBytes(value) ? asBuffer(value) : value.map(asBuffer);
  }
  return {
    key: record.key === null ? null : asBuffer(record.key),
    value: record.value === null ? null : asBuffer(record.value),
    headers,
    timestamp: String(record.timestampMs ?? nowMs),
    ...(record.partition === null ? {} : { partition: record.partition }),
  };
}

/** About what it takes on the wire and in memory, never less. */
export function recordBytes(record: Pick<BusRecord, 'key' | 'value' | 'headers'>): number {
  let bytes =
    RECORD_OVERHEAD_BYTES + (record.key?.byteLength ?? 0) + (record.value?.byteLength ?? 0);
  for (const name in record.headers) {
    const value = record.headers[name]!;
    for (const part of isBytes(value) ? [value] : value) {
      bytes += HEADER_OVERHEAD_BYTES + 3 * name.length + part.byteLength;
    }
  }
  return bytes;
}

/** kafkajs gives `null` for a header without a value, where the port has empty bytes. */
type RawHeaders = Record<string, Buffer | null | (Buffer | null)[]>;

function decodeHeaders(raw: RawHeaders): Headers {
  for (const name in raw) {
    const value = raw[name];
    if (value === null || (Array.isArray(value) && value.includes(null))) return fillHeaders(raw);
  }
  return raw as Headers;
}

function fillHeaders(raw: RawHeaders): Headers {
  return Object.fromEntries(
    Object.entries(raw).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map((part) => part ?? EMPTY) : (value ?? EMPTY),
    ]),
  );
}

function isBytes(value: Uint8Array | readonly Uint8Array[]): value is Uint8Array {
  return value instanceof Uint8Array;
}

/** kafkajs writes anything but a Buffer as its text. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes)
    ? bytes
    : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
