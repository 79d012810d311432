/**
 * One view of every kind of dataset for the profile: columns with a path in the event, a cell each.
 *
 * A table's columns come from its header and an Avro file's from its schema; those of JSON lines are
 * found while reading, so `columns` grows meanwhile and an absent field is a missing value.
 */
import { CodedError } from '../core/errors.ts';
import { COLUMNS_MAX, EVENT_DEPTH_MAX } from '../core/limits.ts';
import { type EventField, eventFields } from '../core/monitor/event-field.ts';
import { columnNameOf, eventFieldPaths, isFieldName } from '../core/monitor/field-name.ts';
import type { FieldPath } from '../core/monitor/monitor.ts';
import type { Dataset, EventDataset, RowRange } from '../platform/dataset/dataset.ts';

export interface SourceColumn {
  /** As the file calls it; for events the dotted path. */
  readonly header: string;
  readonly path: FieldPath;
  /** What the writer's schema says of it; `null` where there is none. */
  readonly declared: EventField | null;
}

export interface CellSource {
  readonly columns: readonly SourceColumn[];
  /** Whether `columns` is complete before the first row. */
  readonly columnsAreKnown: boolean;
  /** Whether text may stand for numbers, booleans and missing values, as it does in a CSV. */
  readonly textIsUntyped: boolean;
  /** What of the data no Avro schema can describe, for the notes. */
  readonly leftOut: readonly string[];
  /** Batches of rows; the cells are aligned with `columns`, shorter where columns came later. */
  rows(range: RowRange): AsyncIterable<readonly (readonly unknown[])[]>;
}

export function createCellSource(dataset: Dataset): CellSource {
  const source = sourceOf(dataset);
  checkColumnCount(dataset.file, source.columns.length);
  return source;
}

function sourceOf(dataset: Dataset): CellSource {
  if (dataset.kind === 'events') {
    return dataset.writerSchema === null ? jsonCells(dataset) : avroCells(dataset);
  }
  const paths = eventFieldPaths(dataset.columns);
  return {
    columns: dataset.columns.map((header, index) => ({
      header,
      path: paths[index]!,
      declared: null,
    })),
    columnsAreKnown: true,
    textIsUntyped: true,
    leftOut: [],
    async *rows(range) {
      for await (const batch of dataset.rows(range)) yield batch.map((row) => row.cells);
    },
  };
}

function avroCells(dataset: EventDataset): CellSource {
  const fields = eventFields(dataset.writerSchema);
  return {
    columns: fields.map((declared) => ({
      header: columnNameOf(declared.path),
      path: declared.path,
      declared,
    })),
    columnsAreKnown: true,
    textIsUntyped: false,
    leftOut: [],
    async *rows(range) {
      for await (const batch of dataset.rows(range)) {
        yield batch.map(({ event }) => fields.map(({ path }) => valueAt(event, path)));
      }
    },
  };
}

function valueAt(event: unknown, path: FieldPath): unknown {
  let value = event;
  for (const name of path) {
    if (typeof value !== 'object' || value === null) return null;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

function jsonCells(dataset: EventDataset): CellSource {
  const columns: SourceColumn[] = [];
  const indexByName = new Map<string, number>();
  const records = new Set<string>();
  const leftOut = new Set<string>();

  function cellsOf(record: object, path: FieldPath, cells: unknown[]): void {
    for (const [name, value] of Object.entries(record)) {
      if (value === null) continue;
      const fieldPath = [...path, name];
      const column = columnNameOf(fieldPath);
      const nests = typeof value === 'object' && !Array.isArray(value);
      if (!isFieldName(name) || fieldPath.length > EVENT_DEPTH_MAX || Array.isArray(value)) {
        leaveOut(column);
      } else if (nests && !indexByName.has(column)) {
        records.add(column);
        cellsOf(value, fieldPath, cells);
      } else if (nests || records.has(column)) {
        leaveOut(column);
      } else {
        cells[indexOf(column, fieldPath)] = value;
      }
    }
  }

  function leaveOut(column: string): void {
    if (leftOut.size < COLUMNS_MAX) leftOut.add(column);
  }

  function indexOf(column: string, path: FieldPath): number {
    const known = indexByName.get(column);
    if (known !== undefined) return known;
    const index = columns.length;
    checkColumnCount(dataset.file, index + 1);
    indexByName.set(column, index);
    columns.push({ header: column, path, declared: null });
    return index;
  }

  return {
    columns,
    columnsAreKnown: false,
    textIsUntyped: false,
    get leftOut() {
      return [...leftOut];
    },
    async *rows(range) {
      for await (const batch of dataset.rows(range)) {
        yield batch.map(({ event, place }) => {
          if (event === null) {
            const message = `${dataset.file}: ${place} is not a JSON object`;
            throw new CodedError('configuration.invalid', message);
          }
          const cells: unknown[] = new Array(columns.length).fill(null);
          cellsOf(event, [], cells);
          return cells;
        });
      }
    },
  };
}

function checkColumnCount(file: string, count: number): void {
  if (count > COLUMNS_MAX) {
    const message = `${file}: more than ${COLUMNS_MAX} columns, the most a monitor can have`;
    throw new CodedError('configuration.invalid', message);
  }
}
