/**
 * A file as the source of a run: a table's rows become events by the bundle's event schema, whole
 * events go as they are.
 *
 * Rows are sent as JSON, because a row that breaks the schema must reach the validator in its own
 * words; Avro records keep their bytes, with their writer schema named by fingerprint.
 */
import { schemaFingerprint } from '../core/codec/schema-fingerprint.ts';
import { createEventCompletion, createRowToEvent } from '../core/monitor/event-from-row.ts';
import type { Dataset, EventRow, RowRange } from '../platform/dataset/dataset.ts';
import type { ReplayRecord, ReplaySource } from './replay.ts';

export interface DatasetSourceOptions {
  readonly dataset: Dataset;
  /** event.avsc, parsed. */
  readonly eventSchema: unknown;
  readonly rows: RowRange;
  /** Sees every event that is an object, before it is published. */
  readonly onEvent: (event: Readonly<Record<string, unknown>>) => void;
}

export function createDatasetSource(options: DatasetSourceOptions): ReplaySource {
  return { partitionCount: 1, records: (signal) => readRecords(options, signal) };
}

async function* readRecords(
  { dataset, eventSchema, rows, onEvent }: DatasetSourceOptions,
  signal: AbortSignal,
): AsyncIterable<ReplayRecord> {
  if (dataset.kind === 'table') {
    const toEvent = createRowToEvent({ headers: dataset.columns, schema: eventSchema });
    for await (const batch of dataset.rows(rows)) {
      if (signal.aborted) return;
      for (const { index, cells } of batch) {
        const event = toEvent(index, cells);
        onEvent(event);
        yield record(Buffer.from(JSON.stringify(event)));
      }
    }
    return;
  }
  const encode = eventEncoder(dataset.writerSchema, eventSchema);
  for await (const batch of dataset.rows(rows)) {
    if (signal.aborted) return;
    for (const row of batch) {
      if (row.event !== null) onEvent(row.event);
      yield record(encode(row));
    }
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

function record(value: Uint8Array): ReplayRecord {
  return { partition: 0, key: null, value, headers: {}, timestampMs: null };
}
