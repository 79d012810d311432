/**
 * A record as it comes from and goes to a partitioned log, and the two things every hop does to one:
 * passing it on in its own partition, and adding a trace context where it came without.
 */
import { HEADER, headerBytes } from './header.ts';

/** A header may occur more than once; bytes are passed through untouched. */
export type Headers = Readonly<Record<string, Uint8Array | readonly Uint8Array[]>>;

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface BusRecord extends TopicPartition {
  readonly offset: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: Headers;
  /** The record's own timestamp in the log, milliseconds since 1970. */
  readonly timestampMs: number;
}

export interface OutgoingRecord {
  readonly topic: string;
  /** `null`: chosen by hash of the key. */
  readonly partition: number | null;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: Headers;
  /** `null`: the time of sending. */
  readonly timestampMs: number | null;
}

/**
 * The record on its way to `topic`: same partition, key, bytes and headers. It gets a timestamp of
 * its own, because a broker deletes by timestamp and refuses one far ahead: an old event would vanish
 * from the next topic before it is read, a future one would never get into it.
 */
export function passOn(record: BusRecord, topic: string): OutgoingRecord {
  const { partition, key, value, headers } = record;
  return { topic, partition, key, value, headers, timestampMs: null };
}

/** Keeps the context set upstream; `null` where nothing is traced. */
export function withTraceparent(
  record: OutgoingRecord,
  traceparent: string | null,
): OutgoingRecord {
  if (traceparent === null || record.headers[HEADER.traceparent] !== undefined) return record;
  return {
    ...record,
    headers: { ...record.headers, [HEADER.traceparent]: headerBytes(traceparent) },
  };
}
