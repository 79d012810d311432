/**
 * Quarantine: a record that could not be used keeps its original key, bytes and headers, and gains
 * `tg-error-*` headers that say where, why and how often.
 */
import { ERRORS, type Rejection } from '../errors.ts';
import { QUARANTINE_VALUE_BYTES_MAX } from '../limits.ts';
import { HEADER, headerBytes, headerText } from './header.ts';
import { encodeOrigin, type Origin } from './origin.ts';
import { type BusRecord, type OutgoingRecord, passOn } from './record.ts';

export type QuarantineStage = 'validator' | 'inference-worker';

/** The headers as a record, for documentation and tools; on the wire each is a header of its own. */
export const QUARANTINE_HEADERS_SCHEMA = {
  type: 'record',
  name: 'QuarantineHeaders',
  namespace: 'tidegauge.v1',
  doc: 'Headers of a quarantined record, UTF-8, besides its own; hyphens stand for the underscores here.',
  fields: [
    { name: 'tg_error_stage', type: 'string', doc: 'Service that refused the record.' },
    {
      name: 'tg_error_class',
      type: 'string',
      doc: 'decode, schema, time, invariant, inference, control or internal.',
    },
    {
      name: 'tg_error_rule',
      type: 'string',
      doc: 'Code of the broken rule, see services/core/errors.ts.',
    },
    {
      name: 'tg_error_message',
      type: 'string',
      doc: 'What was found, where, and what was expected.',
    },
    { name: 'tg_error_origin', type: 'string', doc: 'topic:partition:offset of the event.' },
    {
      name: 'tg_error_attempt',
      type: 'string',
      doc: 'How often the event has been refused, from 1.',
    },
  ],
} as const;

export interface QuarantineOptions {
  readonly stage: QuarantineStage;
  /** The quarantine topic. */
  readonly topic: string;
  readonly rejection: Rejection;
  readonly origin: Origin;
}

/** The record on its way to quarantine; `attempt` counts on from what it came with. */
export function quarantine(record: BusRecord, options: QuarantineOptions): OutgoingRecord {
  const { stage, topic, rejection } = options;
  const earlier = Number(headerText(record.headers, HEADER.errorAttempt) ?? '0');
  const attempt = Number.isSafeInteger(earlier) && earlier >= 0 ? earlier + 1 : 1;
  const origin = encodeOrigin(options.origin);
  const byteCount = record.value?.length ?? 0;
  const cut = byteCount > QUARANTINE_VALUE_BYTES_MAX;
  const cutNote = `; the first ${QUARANTINE_VALUE_BYTES_MAX} of ${byteCount} bytes are kept`;
  return {
    ...passOn(record, topic),
    value: record.value === null ? null : record.value.subarray(0, QUARANTINE_VALUE_BYTES_MAX),
    headers: {
      ...record.headers,
      [HEADER.origin]: origin,
      [HEADER.errorStage]: headerBytes(stage),
      [HEADER.errorClass]: headerBytes(ERRORS[rejection.code].class),
      [HEADER.errorRule]: headerBytes(rejection.code),
      [HEADER.errorMessage]: headerBytes(cut ? rejection.message + cutNote : rejection.message),
      [HEADER.errorOrigin]: origin,
      [HEADER.errorAttempt]: headerBytes(String(attempt)),
    },
  };
}
