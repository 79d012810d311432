/**
 * What the headers of a quarantined record say, and the way back: the record as an event again, with
 * the key, bytes and headers it came with.
 *
 * Headers of a redriven event, besides the event's own: `tg-redrive`, the quarantined record;
 * `tg-redrive-stage`, who had refused it; `tg-error-origin`, the event it was, by which a redrive
 * knows from the event topic alone what was sent; and `tg-error-attempt`, on which quarantine counts.
 */
import { ERRORS, type ErrorClass, type ErrorCode } from '../core/errors.ts';
import { HEADER, headerBytes, headerText } from '../core/message/header.ts';
import { encodeOrigin, type Origin, parseOrigin } from '../core/message/origin.ts';
import type { QuarantineStage } from '../core/message/quarantine.ts';
import type { BusRecord, Headers, OutgoingRecord, TopicPartition } from '../core/message/record.ts';

export const STAGES: readonly QuarantineStage[] = ['validator', 'inference-worker'];

export interface Refusal {
  readonly stage: QuarantineStage;
  readonly class: ErrorClass;
  readonly rule: ErrorCode;
  readonly message: string;
  /** The refused event, in the partition of the quarantined record. */
  readonly origin: Origin;
  /** How often the event has been refused, from 1. */
  readonly attempt: number;
}

/** `null` where no service of a monitor on `eventTopic` wrote the record. */
export function parseRefusal(record: BusRecord, eventTopic: string): Refusal | null {
  const text = (name: string) => headerText(record.headers, name);
  const stage = STAGES.find((known) => known === text(HEADER.errorStage));
  const rule = text(HEADER.errorRule);
  const origin = parseOrigin(text(HEADER.errorOrigin) ?? '');
  const attempt = Number(text(HEADER.errorAttempt));
  if (stage === undefined || rule === null || !isRule(rule) || origin === null) return null;
  // Every hop keeps the partition.
  if (origin.topic !== eventTopic || origin.partition !== record.partition) return null;
  if (!Number.isSafeInteger(attempt) || attempt < 1) return null;
  const message = text(HEADER.errorMessage) ?? '';
  return { stage, class: ERRORS[rule].class, rule, message, origin, attempt };
}

export function isRule(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text) && ERRORS[text as ErrorCode].kind === 'permanent';
}

/**
 * The event anew. It is recorded at the time of sending, as everything a service writes, so
 * `time.future` is decided against that: an event that was ahead of its time may be on time by now.
 */
export function eventFromRefused(record: BusRecord, refusal: Refusal): OutgoingRecord {
  const { key, value, partition } = record;
  return {
    topic: refusal.origin.topic,
    partition,
    key,
    value,
    headers: {
      ...ownHeaders(record.headers),
      [HEADER.errorOrigin]: encodeOrigin(refusal.origin),
      [HEADER.errorAttempt]: headerBytes(String(refusal.attempt)),
      [HEADER.redrive]: encodeOrigin(record),
      [HEADER.redriveStage]: headerBytes(measuredStage(record.headers, refusal)),
    },
    timestampMs: null,
  };
}

/** The event that a redriven one was, by its headers; `null` where `quarantine` did not give it back. */
export function redrivenOrigin(headers: Headers, quarantine: TopicPartition): Origin | null {
  const from = parseOrigin(headerText(headers, HEADER.redrive) ?? '');
  if (from === null || from.topic !== quarantine.topic || from.partition !== quarantine.partition) {
    return null;
  }
  return parseOrigin(headerText(headers, HEADER.errorOrigin) ?? '');
}

/** A reason is not the event's own, nor its former origin, nor a mark that would make it a control. */
function ownHeaders(headers: Headers): Headers {
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) =>
        !name.startsWith('tg-error-') && name !== HEADER.origin && name !== HEADER.control,
    ),
  );
}

/** Once an event has been measured as a valid one it stays so, whoever refuses it later. */
function measuredStage(headers: Headers, { stage }: Refusal): QuarantineStage {
  const carried = headerText(headers, HEADER.redriveStage);
  return carried === 'inference-worker' ? carried : stage;
}
