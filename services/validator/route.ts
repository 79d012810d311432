/**
 * Where a record of the event topic goes, pure: on to `valid` with its bytes untouched, or to
 * quarantine with its bytes untouched and the reason in headers. Either way in its own partition.
 */
import type { EventReader } from '../core/codec/event-reader.ts';
import type { ErrorCode, Rejection } from '../core/errors.ts';
import { isControl, isEndOfRun } from '../core/message/control.ts';
import { HEADER } from '../core/message/header.ts';
import { encodeOrigin } from '../core/message/origin.ts';
import { quarantine } from '../core/message/quarantine.ts';
import { type BusRecord, type OutgoingRecord, passOn } from '../core/message/record.ts';
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
  | { readonly kind: 'quarantined'; readonly record: OutgoingRecord; readonly code: ErrorCode }
  | { readonly kind: 'control'; readonly record: OutgoingRecord };

export function createRoute(options: RouteOptions): (record: BusRecord) => Route {
  const { topics, run, reader, validate } = options;

  return (record) => {
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
    const broken = validate(outcome.event, record.timestampMs);
    if (broken !== null) return refuse(record, broken);
    return { kind: 'valid', record: forward(record, topics.valid) };
  };

  function refuse(record: BusRecord, rejection: Rejection): Route {
    const refused = {
      stage: 'validator',
      topic: topics.quarantine,
      rejection,
      origin: record,
    } as const;
    return { kind: 'quarantined', record: quarantine(record, refused), code: rejection.code };
  }
}

/** The event topic is where chains begin: an origin that a producer wrote itself is not believed. */
function forward(record: BusRecord, topic: string): OutgoingRecord {
  const headers = { ...record.headers, [HEADER.origin]: encodeOrigin(record) };
  return { ...passOn(record, topic), headers };
}
