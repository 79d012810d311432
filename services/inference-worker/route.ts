/**
 * What a valid record needs from the worker, and where it goes with the model's answer, pure: one
 * prediction, one quarantined record, or itself where it is no event. Always in its own partition, and
 * whatever goes wrong on the way: one record never stops the others.
 */
import type { DecodedEvent, EventReader } from '../core/codec/event-reader.ts';
import type { Rejection } from '../core/errors.ts';
import { isEndOfRun } from '../core/message/control.ts';
import { originOf } from '../core/message/origin.ts';
import { predictionCodec } from '../core/message/prediction.ts';
import { quarantine } from '../core/message/quarantine.ts';
import { type BusRecord, type OutgoingRecord, passOn } from '../core/message/record.ts';
import { rejectUnforeseen } from '../core/message/reject-unforeseen.ts';
import { createSliceKeys } from '../core/monitor/measured-columns.ts';
import type { Monitor, Topics } from '../core/monitor/monitor.ts';
import type { ModelBatching } from './model-batch.ts';
import { isRejection, type RowScore } from './score-batch.ts';

export type Work =
  | { readonly kind: 'row'; readonly event: DecodedEvent }
  | { readonly kind: 'refuse'; readonly rejection: Rejection }
  | { readonly kind: 'pass-on' };

export type Answer =
  | { readonly kind: 'predicted' | 'passed-on'; readonly record: OutgoingRecord }
  | { readonly kind: 'refused'; readonly record: OutgoingRecord; readonly rejection: Rejection };

/** Throws only errors that are to stop the service (reject-unforeseen.ts). */
export interface RecordRouter {
  workOf(record: BusRecord): Work;
  answerRow(record: BusRecord, event: DecodedEvent, score: RowScore): Answer;
  answer(record: BusRecord, work: Exclude<Work, { readonly kind: 'row' }>): Answer;
}

export function createRecordRouter(options: {
  readonly run: string;
  readonly topics: Topics;
  readonly monitor: Monitor;
  readonly reader: EventReader;
  readonly batching: ModelBatching;
  readonly version: string;
  /** SHA-256 of the model file, hex. */
  readonly digest: string;
}): RecordRouter {
  const { run, topics, reader, batching, version, digest } = options;
  const sliceKeys = createSliceKeys(options.monitor);

  function refuse(record: BusRecord, rejection: Rejection): Answer {
    const refused = quarantine(record, {
      stage: 'inference-worker',
      topic: topics.quarantine,
      rejection,
      origin: originOf(record),
    });
    return { kind: 'refused', record: refused, rejection };
  }

  function decideWork(record: BusRecord): Work {
    if (isEndOfRun(record.headers, run)) return { kind: 'pass-on' };
    const outcome = reader.read(record.value);
    if (outcome.kind === 'rejected') return { kind: 'refuse', rejection: outcome.rejection };
    if (outcome.kind === 'schema-needed') {
      const message = `writer schema ${outcome.schemaId} is not known`;
      return { kind: 'refuse', rejection: { code: 'decode.unknown-schema', message } };
    }
    const rejection = batching.check(outcome.event.cells);
    return rejection === null
      ? { kind: 'row', event: outcome.event }
      : { kind: 'refuse', rejection };
  }

  function predict(record: BusRecord, event: DecodedEvent, outputs: readonly number[]): Answer {
    const value = predictionCodec.encode({
      id: event.id,
      eventTimeMs: event.eventTimeMs,
      modelVersion: version,
      modelDigest: digest,
      slices: sliceKeys(event.cells),
      outputs,
    });
    return { kind: 'predicted', record: { ...passOn(record, topics.predictions), value } };
  }

  return {
    workOf(record) {
      try {
        return decideWork(record);
      } catch (error) {
        return { kind: 'refuse', rejection: rejectUnforeseen(error) };
      }
    },

    answerRow(record, event, score) {
      if (isRejection(score)) return refuse(record, score);
      try {
        return predict(record, event, score);
      } catch (error) {
        return refuse(record, rejectUnforeseen(error));
      }
    },

    answer(record, work) {
      if (work.kind === 'refuse') return refuse(record, work.rejection);
      return { kind: 'passed-on', record: passOn(record, topics.predictions) };
    },
  };
}
