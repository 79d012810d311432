/**
 * Where a record of the event topic goes, pure: on to `valid` with its bytes untouched, or to
 * quarantine with its bytes untouched and the reason in headers. Either way in its own partition, and
 * whatever goes wrong on the way to the decision: one record never stops the others.
 */
import type { EventReader } from '../core/codec/event-reader.ts';
import type { Rejection } from '../core/errors.ts';
import { isControl, isEndOfRun } from '../core/message/control.ts';
import { HEADER } from '../core/message/header.ts';
import { encodeOrigin } from '../core/message/origin.ts';
import { quarantine } from '../core/message/quarantine.ts';
import { type BusRecord, type OutgoingRecord, passOn } from '../core/message/record.ts';
import { rejectUnforeseen } from '../core/message/reject-unforeseen.ts';
import { chainStart, recordedAtMs } from '../core/message/replayed-record.ts';
import type { Topics } from '../core/monitor/monitor.ts';
import type { Validate } from './validate.ts';

export interface RouteOptions {
  readonly topics: Topics;
  readonly run: string;
  readonly reader: EventReader;
  readonly validate: Validate;
}

export type Route =
  | { readonly kind: 'valid'; readonly record: OutgoingRecord }
  | {
      readonly kind: 'quarantined';
      readonly record: OutgoingRecord;
      readonly rejection: Rejection;
    }
  | { readonly kind: 'control'; readonly record: OutgoingRecord };

/** The route throws only errors that are to stop the service (reject-unforeseen.ts). */
export function createRoute(options: RouteOptions): (record: BusRecord) => Route {
  const { topics, run, reader, validate } = options;

  return (record) => {
    try {
      return decide(record);
    } catch (error) {
      return refuse(record, rejectUnforeseen(error));
    }
  };

  function decide(record: BusRecord): Route {
    if (isEndOfRun(record.headers, run)) {
      return { kind: 'control', record: forward(record, topics.valid) };
    }
    if (isControl(record.headers)) {
      return refuse(record, {
        code: 'control.unexpected',
        message: `found header ${HEADER.control}, expected none on an event`,
      });
    }
    const outcome = reader.read(record.value);
    if (outcome.kind === 'schema-needed') {
      const message = `writer schema ${outcome.schemaId} is not known to the schema registry or the bundle`;
      return refuse(record, { code: 'decode.unknown-schema', message });
    }
    if (outcome.kind === 'rejected') return refuse(record, outcome.rejection);
    const broken = validate(outcome.event, recordedAtMs(record, run));
    if (broken !== null) return refuse(record, broken);
    return { kind: 'valid', record: forward(record, topics.valid) };
  }

  function refuse(record: BusRecord, rejection: Rejection): Route {
    const refused = {
      stage: 'validator',
      topic: topics.quarantine,
      rejection,
      origin: chainStart(record, run),
    } as const;
    return { kind: 'quarantined', record: quarantine(record, refused), rejection };
  }

  function forward(record: BusRecord, topic: string): OutgoingRecord {
    const origin = encodeOrigin(chainStart(record, run));
    return { ...passOn(record, topic), headers: { ...record.headers, [HEADER.origin]: origin } };
  }
}
