/**
 * Port: a file of training or recorded data, read from the first row to the last.
 *
 * Two shapes, because the formats have two: a *table* has one fixed list of columns and a cell per
 * column (CSV, Parquet); *events* are whole objects, each with what fields it likes (JSON lines) or
 * with those of a writer's schema (Avro).
 *
 * Guarantees an adapter gives:
 * - memory is bounded by a batch, a block or a row group, never by the file;
 * - rows come in the file's order with their 0-based index, whatever range was asked for;
 * - rows can be read any number of times, one reading at a time, with the same result;
 * - what cannot be read throws `configuration.invalid` naming the file and the place in it.
 */

/** What a table's cell can hold; a CSV has text only, instants are ISO 8601 text. */
export type Cell = string | number | boolean | bigint | object | null;

/** 0-based, half open; `to` may be `Infinity`. */
export interface RowRange {
  readonly from: number;
  readonly to: number;
}

export interface DatasetProgress {
  readonly done: number;
  /** Of the whole file, also where a range is read. */
  readonly total: number;
  readonly unit: 'byte' | 'row';
}

export interface TableRow {
  readonly index: number;
  /** Aligned with the table's columns. */
  readonly cells: readonly Cell[];
}

export interface EventRow {
  readonly index: number;
  /** `null` where the bytes are not an object: for quarantine, or for a refusal. */
  readonly event: Readonly<Record<string, unknown>> | null;
  /** As in the file: the line's JSON, or the Avro binary of the record without any header. */
  readonly bytes: Uint8Array;
  /** For messages: `line 12`. */
  readonly place: string;
}

interface DatasetBase {
  /** As it was given to `openDataset`. */
  readonly file: string;
  /** Of the reading that goes on, or of the last one. */
  progress(): DatasetProgress;
  close(): Promise<void>;
}

export interface TableDataset extends DatasetBase {
  readonly kind: 'table';
  /** The header as it stands in the file: may hold anything, even the same name twice. */
  readonly columns: readonly string[];
  /** Batches of rows, none of them empty. */
  rows(range?: RowRange): AsyncIterable<readonly TableRow[]>;
}

export interface EventDataset extends DatasetBase {
  readonly kind: 'events';
  /** The Avro schema the events were written with; `null` for JSON. */
  readonly writerSchema: unknown;
  /** Batches of rows, none of them empty. */
  rows(range?: RowRange): AsyncIterable<readonly EventRow[]>;
}

export type Dataset = TableDataset | EventDataset;

export const ALL_ROWS: RowRange = { from: 0, to: Number.POSITIVE_INFINITY };

/** Rows of one batch: enough to make the step between batches cheap, too few to matter in memory. */
export const DATASET_BATCH_ROWS = 512;
