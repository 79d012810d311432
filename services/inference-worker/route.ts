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
import { shadowPredictionCodec } from '../core/message/shadow-prediction.ts';
import { createSliceKeys, MODEL_SLICE } from '../core/monitor/measured-columns.ts';
import type { Monitor, Topics } from '../core/monitor/monitor.ts';
import type { RowAnswer, ShadowAnswer } from './score-row.ts';

export type Work =
  | { readonly kind: 'row'; readonly event: DecodedEvent }
  | { readonly kind: 'refuse'; readonly rejection: Rejection }
  | { readonly kind: 'pass-on' };

export type Answer =
  | { readonly kind: 'predicted' | 'passed-on'; readonly record: OutgoingRecord }
  | { readonly kind: 'refused'; readonly record: OutgoingRecord; readonly rejection: Rejection };

export interface ScoredRow {
  readonly answer: RowAnswer;
  /** From reading the event to its answer. */
  readonly latencyMs: number;
  /** The plan splits the events among versions: each is a slice of its own. */
  readonly isSplit: boolean;
}

/** Throws only errors that are to stop the service (reject-unforeseen.ts). */
export interface RecordRouter {
  workOf(record: BusRecord): Work;
  answerRow(record: BusRecord, event: DecodedEvent, scored: ScoredRow): Answer;
  /** What a shadow said, in the event's own partition. */
  shadow(answer: ShadowAnswer): OutgoingRecord;
  answer(record: BusRecord, work: Exclude<Work, { readonly kind: 'row' }>): Answer;
}

export function createRecordRouter(options: {
  readonly run: string;
  readonly topics: Topics;
  readonly monitor: Monitor;
  readonly reader: EventReader;
}): RecordRouter {
  const { run, topics, reader } = options;
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
    return { kind: 'row', event: outcome.event };
  }

  function predict(
    record: BusRecord,
    event: DecodedEvent,
    answer: Extract<RowAnswer, { readonly kind: 'answered' }>,
    { latencyMs, isSplit }: ScoredRow,
  ): Answer {
    const slices = sliceKeys(event.cells);
    const value = predictionCodec.encode({
      id: event.id,
      eventTimeMs: event.eventTimeMs,
      modelVersion: answer.version,
      modelDigest: answer.digest,
      slices: isSplit ? [...slices, `${MODEL_SLICE}=${answer.version}`] : slices,
      variant: answer.variant,
      fallbackReason: answer.fallbackReason,
      outputs: answer.outputs,
      rawOutputs: answer.rawOutputs,
      policies: answer.policies,
      suppressed: answer.suppressed,
      latencyMs,
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

    answerRow(record, event, scored) {
      const { answer } = scored;
      if (answer.kind === 'rejected') return refuse(record, answer.rejection);
      try {
        return predict(record, event, answer, scored);
      } catch (error) {
        return refuse(record, rejectUnforeseen(error));
      }
    },

    shadow({ row, version, digest, outputs, answeredVersion, answeredOutputs, rowMs }) {
      const { record, eventTimeMs } = row.source!;
      const value = shadowPredictionCodec.encode({
        id: row.id,
        eventTimeMs,
        modelVersion: version,
        modelDigest: digest,
        outputs,
        answeredVersion,
        answeredOutputs,
        rowMs,
      });
      return { ...passOn(record, topics.shadow), value };
    },

    answer(record, work) {
      if (work.kind === 'refuse') return refuse(record, work.rejection);
      return { kind: 'passed-on', record: passOn(record, topics.predictions) };
    },
  };
}
