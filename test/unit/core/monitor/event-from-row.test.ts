/** A table's row → an event, held against what the pipeline's own reader makes of it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEventReader } from '../../../../services/core/codec/event-reader.ts';
import { FIELD_SOURCE_ATTRIBUTE } from '../../../../services/core/monitor/event-field.ts';
import {
  createEventCompletion,
  createRowToEvent,
  ROW_TIME_START_MS,
} from '../../../../services/core/monitor/event-from-row.ts';
import type { Column } from '../../../../services/core/monitor/monitor.ts';

const nullable = (type: unknown) => ({ type: ['null', type], default: null });

const SCHEMA = {
  type: 'record',
  name: 'Event',
  namespace: 'test',
  fields: [
    { name: 'row', type: 'long', [FIELD_SOURCE_ATTRIBUTE]: 'row-number' },
    { name: 'eventTime', type: 'long', [FIELD_SOURCE_ATTRIBUTE]: 'row-time' },
    { name: 'price', ...nullable('double') },
    { name: 'count', ...nullable('long') },
    { name: 'ok', ...nullable('boolean') },
    { name: 'kind', ...nullable({ type: 'enum', name: 'Kind', symbols: ['A', 'B'] }) },
    { name: 'note', ...nullable('string') },
    { name: 'code', type: 'string' },
    {
      name: 'home',
      type: { type: 'record', name: 'Home', fields: [{ name: 'dest', ...nullable('string') }] },
    },
    { name: 'label', ...nullable('double') },
  ],
};
const HEADERS = ['price', 'count', 'ok', 'kind', 'note', 'code', 'home.dest', 'not in the schema'];
const GOOD = ['1.5', '3', 'true', 'A', 'text', '007', 'Paris', 'x'];

const toEvent = createRowToEvent({ headers: HEADERS, schema: SCHEMA });

function eventWith(header: string, cell: unknown) {
  const cells: unknown[] = [...GOOD];
  cells[HEADERS.indexOf(header)] = cell;
  return toEvent(0, cells);
}

describe('createRowToEvent', () => {
  it('fills what the schema knows, nested and from the row number, and leaves the rest absent', () => {
    expect(toEvent(5, GOOD)).toEqual({
      row: 5,
      eventTime: Date.parse('2000-01-01T00:00:05Z'),
      price: 1.5,
      count: 3,
      ok: true,
      kind: 'A',
      note: 'text',
      code: '007',
      home: { dest: 'Paris' },
    });
    expect(ROW_TIME_START_MS).toBe(Date.parse('2000-01-01T00:00:00Z'));
  });

  it.each(['', 'NA', 'N/A', 'NaN', 'nan', 'null', 'NULL', 'None'])(
    '%j is missing but in text',
    (cell) => {
      expect(eventWith('price', cell).price).toBeNull();
      expect(eventWith('count', cell).count).toBeNull();
      expect(eventWith('ok', cell).ok).toBeNull();
      expect(eventWith('note', cell).note).toBe(cell === '' ? null : cell);
      expect(eventWith('code', cell).code).toBe(cell);
    },
  );

  it.each([
    ['price', ' -.5e3 ', -500],
    ['price', '0x10', '0x10'],
    ['price', '1,5', '1,5'],
    ['price', '12 EUR', '12 EUR'],
    ['price', '-inf', '-Infinity'],
    ['price', Number.NaN, null],
    ['price', Number.POSITIVE_INFINITY, 'Infinity'],
    ['price', 7n, 7],
    ['count', '3.0', 3],
    ['count', '3.5', '3.5'],
    ['count', '9007199254740993', '9007199254740993'],
    ['count', 2n ** 60n, String(2n ** 60n)],
    ['ok', 'False', false],
    ['ok', '1', '1'],
    ['note', 12, '12'],
    ['note', true, 'true'],
    ['kind', 'C', 'C'],
    ['code', null, null],
  ])('%s: %s → %s', (header, cell, expected) => {
    expect(eventWith(header, cell)[header]).toEqual(expected);
  });

  const numericColumn = (name: string, type: Column['type']): Column => ({
    name,
    path: name.split('.'),
    type,
    role: 'feature',
    required: false,
    minimum: null,
    maximum: null,
    allowed: null,
    pattern: null,
    drift: null,
  });
  const reader = createEventReader({
    schema: SCHEMA,
    mapping: {
      id: ['row'],
      eventTime: { path: ['eventTime'], unit: 'ms' },
      columns: [
        numericColumn('price', 'numeric'),
        numericColumn('count', 'numeric'),
        numericColumn('note', 'categorical'),
        numericColumn('home.dest', 'categorical'),
        numericColumn('label', 'numeric'),
      ],
    },
  } as unknown as Parameters<typeof createEventReader>[0]);
  const read = (cells: readonly unknown[]) =>
    reader.read(Buffer.from(JSON.stringify(toEvent(0, cells))));

  it('gives events the reader accepts with the values that were in the row', () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true }),
        fc.maxSafeInteger(),
        fc.string(),
        (price, count, note) => {
          const cells = [...GOOD];
          cells[0] = String(price);
          cells[1] = String(count);
          cells[4] = note;
          const outcome = read(cells);
          expect(outcome).toMatchObject({
            kind: 'event',
            event: { id: '0', eventTimeMs: ROW_TIME_START_MS },
          });
          if (outcome.kind !== 'event') return;
          const text = note === '' ? null : note;
          expect(outcome.event.cells.slice(0, 2)).toEqual([price + 0, count]);
          // Half a surrogate pair does not survive UTF-8; whole ones are left out with it.
          if (!/[\ud800-\udfff]/.test(note)) expect(outcome.event.cells[2]).toEqual(text);
          expect(outcome.event.cells.slice(3)).toEqual(['Paris', null]);
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each([
    ['price', 'abc'],
    ['count', '3.5'],
    ['ok', 'maybe'],
    ['kind', 'C'],
    ['code', null],
  ])('a cell of %s that is %j is refused by the reader, not lost', (header, cell) => {
    const cells: unknown[] = [...GOOD];
    cells[HEADERS.indexOf(header)] = cell;
    const outcome = read(cells);
    expect(outcome).toMatchObject({ kind: 'rejected' });
    expect(JSON.stringify(outcome)).toContain(header);
  });
});

describe('createEventCompletion', () => {
  it('adds the row number to a copy', () => {
    const event = { price: 1 };
    const completed = createEventCompletion(SCHEMA)(3, event);
    expect(completed).toEqual({ price: 1, row: 3, eventTime: ROW_TIME_START_MS + 3_000 });
    expect(event).toEqual({ price: 1 });
  });

  it('hands the event on where the schema has no such field', () => {
    const event = { price: 1 };
    const schema = { type: 'record', name: 'E', fields: [{ name: 'row', type: 'long' }] };
    expect(createEventCompletion(schema)(3, event)).toBe(event);
  });
});
