/**
 * A file as the source of a run: a table's rows become events by the bundle's event schema, whole
 * events go as they are.
 *
 * Rows are sent as JSON, because a row that breaks the schema must reach the validator in its own
 * words; Avro records keep their bytes, with their writer schema named by fingerprint. A row's place is
 * its number among those that are sent.
 */
import { readEventTime } from '../core/codec/event-time.ts';
import { ReadFailure } from '../core/codec/read-failure.ts';
import { schemaFingerprint } from '../core/codec/schema-fingerprint.ts';
import { createEventCompletion, createRowToEvent } from '../core/monitor/event-from-row.ts';
import type { FieldPath, Monitor } from '../core/monitor/monitor.ts';
import type { Dataset, EventRow, RowRange } from '../platform/dataset/dataset.ts';
import type { ReplaySource, SourceRecord } from './source.ts';

type Event = Readonly<Record<string, unknown>>;

export interface DatasetSourceOptions {
  readonly dataset: Dataset;
  /** event.avsc, parsed. */
  readonly eventSchema: unknown;
  /** What a paced replay goes by. */
  readonly eventTime: Monitor['eventTime'];
  readonly rows: RowRange;
  /** Sees every event that is an object, also those that are published already; `null`: nobody. */
  readonly onEvent: ((event: Event) => void) | null;
}

export function createDatasetSource(options: DatasetSourceOptions): ReplaySource {
  return {
    spans: [{ from: 0, to: null }],
    topic: null,
    records: ([from = 0], signal) => readRecords(options, from, signal),
  };
}

async function* readRecords(
  options: DatasetSourceOptions,
  from: number,
  signal: AbortSignal,
): AsyncIterable<SourceRecord> {
  const { dataset, rows, onEvent, eventTime } = options;
  const first = onEvent === null ? rows.from + from : rows.from;
  if (first >= rows.to) return;
  for await (const batch of encodedRows(dataset, options.eventSchema, { ...rows, from: first })) {
    if (signal.aborted) return;
    for (const { index, event, value } of batch) {
      if (event !== null) onEvent?.(event);
      const offset = index - rows.from;
      if (offset < from) continue;
      const timeMs = event === null ? null : timeOf(event, eventTime);
      yield { partition: 0, offset, key: null, value, headers: {}, timestampMs: null, timeMs };
    }
  }
}

interface EncodedRow {
  readonly index: number;
  readonly event: Event | null;
  readonly value: Uint8Array;
}

async function* encodedRows(
  dataset: Dataset,
  eventSchema: unknown,
  rows: RowRange,
): AsyncIterable<Iterable<EncodedRow>> {
  if (dataset.kind === 'table') {
    const toEvent = createRowToEvent({ headers: dataset.columns, schema: eventSchema });
    for await (const batch of dataset.rows(rows)) {
      yield batch.map(({ index, cells }) => {
        const event = toEvent(index, cells);
        return { index, event, value: Buffer.from(JSON.stringify(event)) };
      });
    }
    return;
  }
  const encode = eventEncoder(dataset.writerSchema, eventSchema);
  for await (const batch of dataset.rows(rows)) {
    yield batch.map((row) => ({ index: row.index, event: row.event, value: encode(row) }));
  }
}

function eventEncoder(writerSchema: unknown, eventSchema: unknown): (row: EventRow) => Uint8Array {
  const complete = createEventCompletion(eventSchema);
  const header =
    writerSchema === null ? null : Buffer.from([0xc3, 0x01, ...schemaFingerprint(writerSchema)]);
  return ({ index, event, bytes }) => {
    const completed = event === null ? null : complete(index, event);
    // Fields filled from the row number are not in the file's bytes.
    if (completed !== event) return Buffer.from(JSON.stringify(completed));
    return header === null ? bytes : Buffer.concat([header, bytes]);
  };
}

/** `null` where the validator will refuse it. */
function timeOf(event: Event, { path, unit }: Monitor['eventTime']): number | null {
  try {
    return readEventTime(valueAt(event, path), unit);
  } catch (error) {
    if (error instanceof ReadFailure) return null;
    throw error;
  }
}

function valueAt(event: Event, path: FieldPath): unknown {
  let value: unknown = event;
  for (const name of path) value = (value as Event | null | undefined)?.[name];
  return value;
}
