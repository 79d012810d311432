/**
 * Avro object container files: one event per record, with the schema they were written with.
 *
 * The records are decoded by avsc as they stand (no reader schema); a union of several branches that
 * avsc cannot tell apart by value stays wrapped, `{ long: 5 }`.
 */
import { type FileHandle, open } from 'node:fs/promises';
import avro from 'avsc';
import { CodedError } from '../../core/errors.ts';
import { type ContainerHeader, readContainerBlock, readContainerHeader } from './avro-container.ts';
import { fileBytes, unreadable } from './byte-source.ts';
import { ALL_ROWS, DATASET_BATCH_ROWS, type EventDataset, type EventRow } from './dataset.ts';

export async function openAvroDataset(file: string): Promise<EventDataset> {
  const total = await fileBytes(file);
  let handle: FileHandle | null = null;
  let header: ContainerHeader;
  let type: avro.Type;
  try {
    handle = await open(file, 'r');
    header = await readContainerHeader(handle);
    type = avro.Type.forSchema(header.schema as avro.Schema, {
      omitRecordMethods: true,
      // Without a prototype: a type named `constructor` must be unknown, not found on Object.
      registry: Object.create(null),
    });
    if (type.typeName !== 'record') throw new Error(`holds ${type.typeName} values, not records`);
  } catch (error) {
    await handle?.close();
    throw refusal(file, error);
  }
  const source = handle;
  let done = 0;

  return {
    kind: 'events',
    file,
    writerSchema: header.schema,
    async *rows({ from, to } = ALL_ROWS) {
      let position = header.position;
      let index = 0;
      done = position;
      while (index < to) {
        const block = await readBlock(position);
        if (block === null) return;
        let offset = 0;
        let batch: EventRow[] = [];
        for (let record = 0; record < block.count && index < to; record += 1, index += 1) {
          const row = decodeRow(block.data, offset, index);
          offset += row.bytes.length;
          if (index >= from) batch.push(row);
          if (batch.length === DATASET_BATCH_ROWS) {
            yield batch;
            batch = [];
          }
        }
        position = block.position;
        done = position;
        if (batch.length > 0) yield batch;
      }
    },
    progress: () => ({ done, total, unit: 'byte' }),
    close: () => source.close(),
  };

  async function readBlock(position: number) {
    try {
      return await readContainerBlock(source, header, position);
    } catch (error) {
      throw refusal(file, error);
    }
  }

  function decodeRow(data: Buffer, offset: number, index: number): EventRow {
    const place = `row ${index}`;
    try {
      const decoded = type.decode(data, offset);
      if (decoded.offset < 0) throw new Error('the block ends inside the record');
      const event = decoded.value as Record<string, unknown>;
      return { index, event, bytes: data.subarray(offset, decoded.offset), place };
    } catch (error) {
      throw refusal(`${file}: ${place}`, error);
    }
  }
}

function refusal(place: string, error: unknown): CodedError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code?.startsWith('E')) return unreadable(place, error);
  return new CodedError('configuration.invalid', `${place}: ${message}`, { cause: error });
}
