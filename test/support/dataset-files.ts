/** Small data files for tests, and what a dataset has in it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type {
  Dataset,
  EventRow,
  RowRange,
  TableRow,
} from '../../services/platform/dataset/dataset.ts';
import { openDataset } from '../../services/platform/dataset/open-dataset.ts';

/** A folder that is gone when the test is over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidegauge-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function writeDataFile(name: string, content: string | Uint8Array): string {
  const file = join(temporaryFolder(), name);
  writeFileSync(file, content);
  return file;
}

/** Opened, and closed when the test is over. */
export async function openForTest(file: string): Promise<Dataset> {
  const dataset = await openDataset(file);
  onTestFinished(() => dataset.close());
  return dataset;
}

export async function readTable(file: string, range?: RowRange): Promise<TableRow[]> {
  const dataset = await openForTest(file);
  if (dataset.kind !== 'table') throw new Error(`${file} is not a table`);
  return flatten(dataset.rows(range));
}

export async function readEvents(file: string, range?: RowRange): Promise<EventRow[]> {
  const dataset = await openForTest(file);
  if (dataset.kind !== 'events') throw new Error(`${file} holds no events`);
  return flatten(dataset.rows(range));
}

async function flatten<T>(batches: AsyncIterable<readonly T[]>): Promise<T[]> {
  const all: T[] = [];
  for await (const batch of batches) all.push(...batch);
  return all;
}

/** A table in memory, for the profile; rows are made when they are read. */
export function tableOf(
  columns: readonly string[],
  rowCount: number,
  cellsOf: (index: number) => readonly (string | number | boolean | null)[],
): Dataset {
  let done = 0;
  return {
    kind: 'table',
    file: 'memory.csv',
    columns,
    async *rows({ from, to } = { from: 0, to: Number.POSITIVE_INFINITY }) {
      const end = Math.min(to, rowCount);
      for (let start = from; start < end; start += 512) {
        const batchEnd = Math.min(start + 512, end);
        done = batchEnd;
        yield Array.from({ length: batchEnd - start }, (_, offset) => ({
          index: start + offset,
          cells: cellsOf(start + offset),
        }));
      }
    },
    progress: () => ({ done, total: rowCount, unit: 'row' }),
    close: async () => {},
  };
}

/** Events in memory, as JSON lines hold them. */
export function eventsOf(events: readonly object[]): Dataset {
  return {
    kind: 'events',
    file: 'memory.jsonl',
    writerSchema: null,
    async *rows({ from, to } = { from: 0, to: Number.POSITIVE_INFINITY }) {
      const rows = events.map((event, index) => ({
        index,
        event: event as Record<string, unknown>,
        bytes: Buffer.from(JSON.stringify(event)),
        place: `line ${index + 1}`,
      }));
      yield rows.slice(from, to);
    },
    progress: () => ({ done: 0, total: events.length, unit: 'row' }),
    close: async () => {},
  };
}
