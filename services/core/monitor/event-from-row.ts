/**
 * A table's row → the event that the bundle's event.avsc describes.
 *
 * Text becomes what the field's Avro type says. A cell that does not parse stays text, so that the
 * validator refuses the event in its own words instead of it being lost or guessed at here. Columns
 * the schema does not know are left out; fields without a column stay absent, but for those that are
 * filled from the row's number.
 */
import { isMissingText, parseBooleanText, parseNumberText } from './cell-text.ts';
import { type EventField, eventFields, type FieldType } from './event-field.ts';
import { columnNameOf, eventFieldPaths } from './field-name.ts';
import type { FieldPath } from './monitor.ts';

/** 2000-01-01T00:00:00Z: the time of row 0 where the data has none; rows are one second apart. */
export const ROW_TIME_START_MS = 946_684_800_000;
const ROW_TIME_STEP_MS = 1_000;

export type Event = Record<string, unknown>;

export function rowTimeMs(rowIndex: number): number {
  return ROW_TIME_START_MS + rowIndex * ROW_TIME_STEP_MS;
}

export interface RowToEventOptions {
  readonly headers: readonly string[];
  /** event.avsc, parsed as JSON. */
  readonly schema: unknown;
}

/** `cells` are aligned with the headers; `rowIndex` is 0-based in the file. */
export type RowToEvent = (rowIndex: number, cells: readonly unknown[]) => Event;

export function createRowToEvent({ headers, schema }: RowToEventOptions): RowToEvent {
  const fields = eventFields(schema);
  const byName = new Map(fields.map((field) => [columnNameOf(field.path), field]));
  const steps = eventFieldPaths(headers).flatMap((path, index) => {
    const field = byName.get(columnNameOf(path));
    return field === undefined || field.source !== null ? [] : [{ index, path, field }];
  });
  const complete = createEventCompletion(schema);
  return (rowIndex, cells) => {
    const event: Event = {};
    for (const { index, path, field } of steps) {
      assignAt(event, path, fieldValue(cells[index], field));
    }
    return complete(rowIndex, event);
  };
}

/**
 * For events that come whole, from JSON lines or Avro: a copy with the fields that are filled from
 * the row's number; the event itself where the schema has none.
 */
export function createEventCompletion(
  schema: unknown,
): (rowIndex: number, event: Readonly<Event>) => Event {
  const filled = eventFields(schema).filter(({ source }) => source !== null);
  if (filled.length === 0) return (_, event) => event;
  return (rowIndex, event) => {
    const completed: Event = { ...event };
    for (const { path, source } of filled) {
      assignAt(completed, path, source === 'row-time' ? rowTimeMs(rowIndex) : rowIndex);
    }
    return completed;
  };
}

function assignAt(event: Event, path: FieldPath, value: unknown): void {
  let record = event;
  for (let depth = 0; depth < path.length - 1; depth += 1) {
    const name = path[depth]!;
    record[name] ??= {};
    record = record[name] as Event;
  }
  record[path[path.length - 1]!] = value;
}

function fieldValue(cell: unknown, field: EventField): unknown {
  if (cell === null || cell === undefined) return null;
  if (typeof cell === 'string') return valueFromText(cell, field);
  if (typeof cell === 'bigint') {
    const number = Number(cell);
    return Number.isSafeInteger(number) && isNumeric(field.types) ? number : String(cell);
  }
  if (typeof cell === 'number' && !Number.isFinite(cell)) {
    // NaN is how a data frame writes a missing number; JSON events carry infinity as a word.
    return Number.isNaN(cell) ? null : String(cell);
  }
  if (typeof cell !== 'object' && field.types.length === 1 && field.types[0] === 'string') {
    return String(cell);
  }
  return cell;
}

function valueFromText(text: string, field: EventField): unknown {
  const { types, nullable } = field;
  if (types.includes('string')) {
    if (text === '') return nullable ? null : '';
    if (types.length === 1) return text;
  } else if (isMissingText(text)) {
    return null;
  }
  for (const type of types) {
    const value = parseAs(text, type);
    if (value !== null) return value;
  }
  return text;
}

/** `null` where the text is none. Infinity stays a word, which is how JSON events carry it. */
function parseAs(text: string, type: FieldType): number | boolean | string | null {
  if (type === 'boolean') return parseBooleanText(text);
  if (type !== 'number' && type !== 'integer') return null;
  const number = parseNumberText(text);
  if (number === null) return null;
  if (type === 'integer') return Number.isSafeInteger(number) ? number : null;
  return Number.isFinite(number) ? number : String(number);
}

function isNumeric(types: readonly FieldType[]): boolean {
  return types.includes('number') || types.includes('integer');
}
