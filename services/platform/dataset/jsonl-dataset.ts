/**
 * JSON lines, plain or gzipped: one event per line; empty lines are skipped.
 *
 * A line that is not a JSON object comes out with `event: null` and its bytes, so that a replay can
 * send it where a bad event belongs. Only a line beyond the limit below ends the reading.
 */
import { CodedError } from '../../core/errors.ts';
import { EVENT_BYTES_MAX } from '../../core/limits.ts';
import { fileBytes, openByteSource, unreadable } from './byte-source.ts';
import { ALL_ROWS, DATASET_BATCH_ROWS, type EventDataset, type EventRow } from './dataset.ts';
import { LineTooLong, splitLines } from './lines.ts';

/** Well beyond what the pipeline takes, so that an oversized event can be replayed into quarantine. */
const LINE_BYTES_MAX = 32 * EVENT_BYTES_MAX;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

export async function openJsonlDataset(file: string): Promise<EventDataset> {
  const total = await fileBytes(file);
  let done = 0;

  async function* lines(): AsyncGenerator<readonly Buffer[]> {
    const source = openByteSource(file);
    try {
      for await (const some of splitLines(source.stream, LINE_BYTES_MAX)) {
        done = source.bytesRead();
        yield some;
      }
      done = total;
    } catch (error) {
      if (!(error instanceof LineTooLong)) throw unreadable(file, error);
      throw new CodedError('configuration.invalid', `${file}:${error.line}: ${error.message}`);
    } finally {
      source.stream.destroy();
    }
  }

  return {
    kind: 'events',
    file,
    writerSchema: null,
    async *rows({ from, to } = ALL_ROWS) {
      done = 0;
      let index = 0;
      let lineNumber = 0;
      let batch: EventRow[] = [];
      reading: for await (const some of lines()) {
        for (const line of some) {
          lineNumber += 1;
          const bytes = lineNumber === 1 ? withoutMark(line) : line;
          if (isBlank(bytes)) continue;
          if (index >= to) break reading;
          if (index >= from) batch.push(rowOf(index, bytes, lineNumber));
          index += 1;
          if (batch.length === DATASET_BATCH_ROWS) {
            yield batch;
            batch = [];
          }
        }
      }
      if (batch.length > 0) yield batch;
    },
    progress: () => ({ done, total, unit: 'byte' }),
    close: async () => {},
  };
}

function rowOf(index: number, bytes: Buffer, lineNumber: number): EventRow {
  return { index, event: parseObject(bytes), bytes, place: `line ${lineNumber}` };
}

function parseObject(bytes: Buffer): EventRow['event'] {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
    return value as Record<string, unknown>;
  } catch {
    return null;
  }
}

function isBlank(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte !== 0x20 && byte !== 0x09) return false;
  return true;
}

function withoutMark(line: Buffer): Buffer {
  return line.subarray(0, 3).equals(BYTE_ORDER_MARK) ? line.subarray(3) : line;
}
