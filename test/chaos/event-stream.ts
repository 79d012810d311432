/**
 * What the oracle issues: an endless stream of credit applications, half of them JSON and half Avro,
 * one in fifty bad, one in three hundred so late that its pane is sealed. A campaign that shifts the
 * ages comes and goes, so that alerts fire and resolve. Every record has a serial number of its own,
 * which is its key.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type GeneratedRecord,
  generateEvents,
} from '../../deploy/examples/credit-default/generate.mjs';
import { createAvroCodec } from '../../services/core/codec/avro-encoder.ts';
import { EXAMPLE } from '../support/credit-stream.ts';

/** In the past of any clock this runs under, so that no broker refuses it. */
const START_MS = Date.UTC(2025, 0, 6);
/** In event time. */
const EVENTS_PER_SECOND = 4;
const BAD_SHARE = 0.02;
/** Nine windows of five minutes without the campaign, nine with it. */
const SEGMENT_RECORDS = 9 * 300 * EVENTS_PER_SECOND;
const LATE_EVERY = 300;
/** 400 s of event time: beyond window and allowed lateness. */
const LATE_RECORDS = 1_600;
/** How far the closing events are ahead of the others: every earlier pane is sealed by them. */
const CLOSING_LEAD_MS = 3_600_000;

export interface IssuedEvent {
  readonly serial: number;
  /** Whether the monitor's rules let it through. */
  readonly good: boolean;
  readonly value: Uint8Array;
  readonly timestampMs: number;
}

export interface EventStream {
  next(): IssuedEvent;
  /** A good event beyond the watermark of all others. */
  closing(): IssuedEvent;
}

export function keyOf(serial: number): string {
  return `e${serial}`;
}

/** `null` where the key is not the oracle's. */
export function serialOf(key: string): number | null {
  const match = /^e(\d{1,15})$/.exec(key);
  return match === null ? null : Number(match[1]);
}

export function createEventStream(seed: number): EventStream {
  const records = endless(seed);
  const avro = createAvroCodec<object>(
    JSON.parse(readFileSync(join(EXAMPLE, 'event.avsc'), 'utf8')),
  );
  const heldBack: { readonly release: number; readonly record: Unnumbered }[] = [];
  let serial = 0;
  let timestampMs = START_MS;

  function number(record: Unnumbered): IssuedEvent {
    const issued = { ...record, serial };
    serial += 1;
    return issued;
  }

  function encode(record: GeneratedRecord): Unnumbered {
    timestampMs = Math.max(timestampMs, record.timestampMs);
    if (record.kind !== 'good') {
      return { good: false, value: record.bytes, timestampMs: record.timestampMs };
    }
    const { event } = record;
    const value =
      serial % 2 === 0 ? avro.encodeSingleObject(event) : Buffer.from(JSON.stringify(event));
    return { good: true, value, timestampMs: record.timestampMs };
  }

  return {
    next() {
      if (heldBack[0] !== undefined && serial >= heldBack[0].release) {
        return number(heldBack.shift()!.record);
      }
      const record = encode(records.next().value);
      if (serial % LATE_EVERY !== 0) return number(record);
      heldBack.push({ release: serial + LATE_RECORDS, record });
      return number(encode(records.next().value));
    },
    closing() {
      const startMs = timestampMs + CLOSING_LEAD_MS;
      const [record] = generateEvents({ ...CALM, seed: serial, count: 1, startMs });
      return number(encode(record!));
    },
  };
}

type Unnumbered = Omit<IssuedEvent, 'serial'>;

const CALM = { eventsPerSecond: EVENTS_PER_SECOND, badShare: 0, driftStartMs: null };

function* endless(seed: number): Generator<GeneratedRecord, never> {
  for (let segment = 0; ; segment += 1) {
    const startMs = START_MS + (segment * SEGMENT_RECORDS * 1_000) / EVENTS_PER_SECOND;
    yield* generateEvents({
      seed: seed * 10_000 + segment,
      count: SEGMENT_RECORDS,
      startMs,
      eventsPerSecond: EVENTS_PER_SECOND,
      badShare: BAD_SHARE,
      driftStartMs: segment % 2 === 1 ? startMs : null,
    });
  }
}
