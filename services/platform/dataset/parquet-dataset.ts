/**
 * Parquet: one row group in memory at a time, column by column, then handed over as rows.
 *
 * Instants and dates become ISO 8601 text; 64-bit integers stay `bigint`; nested columns are handed
 * over as the objects and arrays they are.
 */
import {
  type AsyncBuffer,
  asyncBufferFromFile,
  type DecodedArray,
  type FileMetaData,
  parquetMetadataAsync,
  parquetScan,
  parquetSchema,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { CodedError } from '../../core/errors.ts';
import { fileBytes, unreadable } from './byte-source.ts';
import {
  ALL_ROWS,
  type Cell,
  DATASET_BATCH_ROWS,
  type TableDataset,
  type TableRow,
} from './dataset.ts';

export async function openParquetDataset(file: string): Promise<TableDataset> {
  await fileBytes(file);
  let buffer: AsyncBuffer;
  let metadata: FileMetaData;
  try {
    buffer = await asyncBufferFromFile(file);
    metadata = await parquetMetadataAsync(buffer);
  } catch (error) {
    throw refusal(file, error);
  }
  const columns = parquetSchema(metadata).children.map((child) => child.element.name);
  const total = Number(metadata.num_rows);
  let done = 0;

  return {
    kind: 'table',
    file,
    columns,
    async *rows({ from, to } = ALL_ROWS) {
      done = Math.min(from, total);
      let groupStart = 0;
      for (const group of metadata.row_groups) {
        const groupEnd = groupStart + Number(group.num_rows);
        const start = Math.max(from, groupStart);
        const end = Math.min(to, groupEnd);
        groupStart = groupEnd;
        if (start >= end) continue;
        const cells = await readGroup(start, end);
        for (let at = start; at < end; at += DATASET_BATCH_ROWS) {
          const batchEnd = Math.min(at + DATASET_BATCH_ROWS, end);
          done = batchEnd;
          yield transpose(cells, start, at, batchEnd);
        }
      }
    },
    progress: () => ({ done, total, unit: 'row' }),
    close: async () => {},
  };

  /** The rows `[start, end)` of one row group, per column. A scan of its own: it keeps what it read. */
  async function readGroup(start: number, end: number): Promise<readonly DecodedArray[]> {
    try {
      const scan = await parquetScan({
        file: buffer,
        metadata,
        compressors,
        rowStart: start,
        rowEnd: end,
      });
      const cells: DecodedArray[] = [];
      for (const column of columns) {
        cells.push(await scan.readColumn({ column, rowStart: start, rowEnd: end }));
      }
      return cells;
    } catch (error) {
      throw refusal(`${file}: rows ${start}:${end}`, error);
    }
  }
}

function transpose(
  columns: readonly DecodedArray[],
  start: number,
  from: number,
  to: number,
): readonly TableRow[] {
  const rows: TableRow[] = [];
  for (let index = from; index < to; index += 1) {
    rows.push({ index, cells: columns.map((column) => cellOf(column[index - start])) });
  }
  return rows;
}

function cellOf(value: unknown): Cell {
  if (value === undefined) return null;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  return value as Cell;
}

function refusal(place: string, error: unknown): CodedError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code?.startsWith('E')) return unreadable(place, error);
  return new CodedError('configuration.invalid', `${place}: is not readable Parquet: ${message}`, {
    cause: error,
  });
}
