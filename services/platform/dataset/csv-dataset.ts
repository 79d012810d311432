/**
 * CSV and TSV, plain or gzipped: a header row, then one row per record, every cell text.
 *
 * RFC 4180 with LF or CRLF, quoted cells over several lines, a byte order mark, empty lines skipped.
 * A row with more or fewer cells than the header is refused with its line, not padded.
 */
import { CsvError, parse } from 'csv-parse';
import { CodedError } from '../../core/errors.ts';
import { EVENT_BYTES_MAX } from '../../core/limits.ts';
import { fileBytes, openByteSource, unreadable } from './byte-source.ts';
import { ALL_ROWS, DATASET_BATCH_ROWS, type TableDataset, type TableRow } from './dataset.ts';

export interface CsvDatasetOptions {
  readonly delimiter: ',' | '\t';
}

export async function openCsvDataset(
  file: string,
  options: CsvDatasetOptions,
): Promise<TableDataset> {
  const total = await fileBytes(file);
  let done = 0;

  /** The file's records, the header among them. */
  async function* records(): AsyncGenerator<string[]> {
    const parser = parse({
      bom: true,
      delimiter: options.delimiter,
      skip_empty_lines: true,
      // An opening quote without a closing one would otherwise swallow the whole file.
      max_record_size: EVENT_BYTES_MAX,
    });
    const source = openByteSource(file, parser);
    try {
      for await (const record of parser) {
        yield record as string[];
        done = source.bytesRead();
      }
      done = total;
    } catch (error) {
      throw refusal(file, error);
    } finally {
      parser.destroy();
    }
  }

  const columns = await firstOf(records());
  if (columns === null) {
    throw new CodedError('configuration.invalid', `${file}: expected a header row, found nothing`);
  }

  return {
    kind: 'table',
    file,
    columns,
    async *rows({ from, to } = ALL_ROWS) {
      done = 0;
      let index = -1;
      let batch: TableRow[] = [];
      for await (const cells of records()) {
        if (index >= from) batch.push({ index, cells });
        index += 1;
        if (batch.length === DATASET_BATCH_ROWS) {
          yield batch;
          batch = [];
        }
        if (index >= to) break;
      }
      if (batch.length > 0) yield batch;
    },
    progress: () => ({ done, total, unit: 'byte' }),
    close: async () => {},
  };
}

async function firstOf<T>(values: AsyncIterable<T>): Promise<T | null> {
  for await (const value of values) return value;
  return null;
}

/** What the parser hangs on its errors, depending on their kind. */
interface CsvErrorContext {
  readonly lines?: number;
  readonly record?: readonly string[];
}

function refusal(file: string, error: unknown): CodedError {
  if (!(error instanceof CsvError)) return unreadable(file, error);
  const { lines, record } = error as CsvErrorContext;
  const place = lines === undefined ? file : `${file}:${lines}`;
  const expected = /expect (\d+)/.exec(error.message)?.[1];
  const what =
    error.code === 'CSV_RECORD_INCONSISTENT_FIELDS_LENGTH' && record !== undefined
      ? `the row has ${record.length} cells, expected ${expected} as in the header`
      : error.message;
  return new CodedError('configuration.invalid', `${place}: ${what}`, { cause: error });
}
