/** Rows of a file as events: tables by the event schema, whole events as they stand in the file. */
import { describe, expect, it } from 'vitest';
import { createAvroCodec } from '../../../services/core/codec/avro-encoder.ts';
import { createEventReader } from '../../../services/core/codec/event-reader.ts';
import { FIELD_SOURCE_ATTRIBUTE } from '../../../services/core/monitor/event-field.ts';
import { rowTimeMs } from '../../../services/core/monitor/event-from-row.ts';
import {
  ALL_ROWS,
  type Cell,
  type Dataset,
  type EventRow,
  type RowRange,
} from '../../../services/platform/dataset/dataset.ts';
import { createDatasetSource } from '../../../services/replay/dataset-source.ts';
import type { SourceRecord } from '../../../services/replay/source.ts';
import { EVENT_SCHEMA, stationMonitor } from '../../support/embedded-run.ts';

const BASE = {
  file: 'rows',
  progress: () => ({ done: 0, total: 0, unit: 'row' }) as const,
  close: async () => undefined,
};

function inRange<Row extends { readonly index: number }>(rows: readonly Row[], range: RowRange) {
  return rows.filter(({ index }) => index >= range.from && index < range.to);
}

function table(columns: readonly string[], cells: readonly (readonly Cell[])[]): Dataset {
  const rows = cells.map((row, index) => ({ index, cells: row }));
  return {
    ...BASE,
    kind: 'table',
    columns,
    async *rows(range = ALL_ROWS) {
      // Batches of one, so that a source cannot rely on getting everything at once.
      for (const row of inRange(rows, range)) yield [row];
    },
  };
}

function eventFile(
  writerSchema: unknown,
  rows: readonly Omit<EventRow, 'index' | 'place'>[],
): Dataset {
  const placed = rows.map((row, index) => ({ ...row, index, place: `line ${index + 1}` }));
  return {
    ...BASE,
    kind: 'events',
    writerSchema,
    async *rows(range = ALL_ROWS) {
      for (const row of inRange(placed, range)) yield [row];
    },
  };
}

async function replayed(
  dataset: Dataset,
  options: {
    readonly rows?: RowRange;
    readonly eventSchema?: unknown;
    readonly from?: number;
  } = {},
) {
  const seen: unknown[] = [];
  const source = createDatasetSource({
    dataset,
    eventSchema: options.eventSchema ?? EVENT_SCHEMA,
    eventTime: stationMonitor().eventTime,
    rows: options.rows ?? ALL_ROWS,
    onEvent: (event) => void seen.push(event),
  });
  const records: SourceRecord[] = [];
  const { signal } = new AbortController();
  for await (const record of source.records([options.from ?? 0], signal)) records.push(record);
  expect(source.spans).toEqual([{ from: 0, to: null }]);
  expect(records.every(({ partition }) => partition === 0)).toBe(true);
  return { records, seen };
}

const json = ({ value }: SourceRecord) => JSON.parse(Buffer.from(value!).toString());

describe('a table', () => {
  it('becomes events by name and type, whatever the order of its columns', async () => {
    const { records, seen } = await replayed(
      table(
        ['station', 'unknown', 'at', 'id', 'level'],
        [
          ['Brest', 'x', '1000', '17', '1.5'],
          ['Newlyn', 'y', '2000', 'b', ''],
        ],
      ),
    );
    const expected = [
      { id: '17', at: 1_000, level: 1.5, station: 'Brest' },
      { id: 'b', at: 2_000, level: null, station: 'Newlyn' },
    ];
    expect(records.map(json)).toEqual(expected);
    expect(seen).toEqual(expected);
  });

  it('hands what does not fit to the validator in its own words', async () => {
    const cells = [['e', 'yesterday', 'high', 'Brest']];
    const { records } = await replayed(table(['id', 'at', 'level', 'station'], cells));
    expect(json(records[0]!)).toEqual({
      id: 'e',
      at: 'yesterday',
      level: 'high',
      station: 'Brest',
    });
    const reader = createEventReader({ schema: EVENT_SCHEMA, mapping: stationMonitor() });
    expect(reader.read(records[0]!.value).kind).toBe('rejected');
  });

  it('gives the rows asked for, numbered as in the file', async () => {
    const eventSchema = {
      type: 'record',
      name: 'Row',
      fields: [
        { name: 'row', type: 'long', [FIELD_SOURCE_ATTRIBUTE]: 'row-number' },
        { name: 'at', type: 'long', [FIELD_SOURCE_ATTRIBUTE]: 'row-time' },
        { name: 'level', type: 'double' },
      ],
    };
    const cells = Array.from({ length: 10 }, (_, index) => [index * 10]);
    const { records } = await replayed(table(['level'], cells), {
      rows: { from: 3, to: 6 },
      eventSchema,
    });
    expect(records.map(json)).toEqual(
      [3, 4, 5].map((row) => ({ row, at: rowTimeMs(row), level: row * 10 })),
    );
  });
});

describe('a file of events', () => {
  it('keeps the bytes of JSON lines, readable or not', async () => {
    const line = Buffer.from(
      '{ "id": "a",  "at": 1, "level": 2, "station": "Brest", "extra": true }',
    );
    const broken = Buffer.from('{"id": ');
    const { records, seen } = await replayed(
      eventFile(null, [
        { event: JSON.parse(line.toString()), bytes: line },
        { event: null, bytes: broken },
      ]),
    );
    expect(records.map(({ value }) => Buffer.from(value!).toString())).toEqual([
      line.toString(),
      broken.toString(),
    ]);
    expect(seen).toHaveLength(1);
  });

  it('names the writer schema of Avro records, so that their bytes can be read', async () => {
    const writerSchema = {
      ...EVENT_SCHEMA,
      fields: [{ name: 'comment', type: 'string' }, ...EVENT_SCHEMA.fields],
    };
    const event = { comment: 'c', id: 'a', at: 5, level: { double: 2.5 }, station: 'Brest' };
    const single = createAvroCodec<unknown>(writerSchema).encodeSingleObject({
      ...event,
      level: 2.5,
    });
    const bytes = single.subarray(10);
    const { records } = await replayed(eventFile(writerSchema, [{ event, bytes }]));
    expect(Buffer.from(records[0]!.value!).equals(single)).toBe(true);
    const reader = createEventReader({
      schema: EVENT_SCHEMA,
      writerSchemas: [writerSchema],
      mapping: stationMonitor(),
    });
    expect(reader.read(records[0]!.value)).toMatchObject({
      kind: 'event',
      event: { id: 'a', eventTimeMs: 5, cells: [2.5, 'Brest'] },
    });
  });
});

describe('a source', () => {
  const cells = Array.from({ length: 10 }, (_, index) => [`e${index}`, index * 100]);
  const rows = { from: 2, to: 8 };

  it('numbers what it sends and goes on at any place of it', async () => {
    const { records } = await replayed(table(['id', 'at'], cells), { rows, from: 4 });
    expect(records.map((record) => [record.offset, json(record).id])).toEqual([
      [4, 'e6'],
      [5, 'e7'],
    ]);
    expect((await replayed(table(['id', 'at'], cells), { rows, from: 6 })).records).toEqual([]);
  });

  it('shows every event to who counts them, also those that are published already', async () => {
    const { seen } = await replayed(table(['id', 'at'], cells), { rows, from: 4 });
    expect(seen).toHaveLength(6);
  });

  it('knows when its events happened, where the validator would', async () => {
    const told = [...cells.slice(0, 2), ['x', 'yesterday']];
    const { records } = await replayed(table(['id', 'at'], told));
    expect(records.map(({ timeMs, timestampMs }) => [timeMs, timestampMs])).toEqual([
      [0, null],
      [100, null],
      [null, null],
    ]);
  });

  it('stops reading when it is told to', async () => {
    const cells = Array.from({ length: 100 }, (_, index) => [String(index)]);
    const abort = new AbortController();
    const source = createDatasetSource({
      dataset: table(['id'], cells),
      eventSchema: EVENT_SCHEMA,
      eventTime: stationMonitor().eventTime,
      rows: ALL_ROWS,
      onEvent: null,
    });
    let count = 0;
    for await (const _record of source.records([0], abort.signal)) {
      count += 1;
      if (count === 3) abort.abort();
    }
    expect(count).toBe(3);
  });
});
