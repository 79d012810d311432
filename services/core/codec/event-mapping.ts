/**
 * Where a monitor's id, event time and columns are in an event, checked once against the event
 * schema, and how the plain values found there become an event.
 *
 * A path goes through records, maps and nullable unions. A map's key need not be there: its column is
 * then missing.
 */
import { CodedError } from '../errors.ts';
import { EVENT_ID_LENGTH_MAX } from '../limits.ts';
import type { Column, EventTimeUnit, FieldPath } from '../monitor/monitor.ts';
import { type AvroNode, describeNode } from './avro-schema.ts';
import { readEventTime } from './event-time.ts';
import { describeValue, ReadFailure } from './read-failure.ts';

/** A `Monitor` is one. */
export interface EventMapping {
  readonly id: FieldPath;
  readonly eventTime: { readonly path: FieldPath; readonly unit: EventTimeUnit };
  readonly columns: readonly Column[];
}

/**
 * `null`: missing. A numeric column holds numbers (NaN and ±Infinity are values, booleans are 0 and
 * 1), a categorical one text (`true`, `false`, an enum's symbol, a number's digits).
 */
export type Cell = number | string | null;

export interface DecodedEvent {
  readonly id: string;
  /** A whole number of milliseconds, in [0, `EVENT_TIME_MS_MAX`). */
  readonly eventTimeMs: number;
  /** Aligned with the mapping's columns. */
  readonly cells: readonly Cell[];
  /** The whole event as plain values; empty where the reader was made without `needsRoot`. */
  readonly root: Readonly<Record<string, unknown>>;
}

const NUMERIC = ['int', 'long', 'float', 'double', 'boolean'];
const CATEGORICAL = ['string', 'enum', 'boolean', 'int', 'long'];
const ID = ['string', 'int', 'long'];
const TIME_NUMBER = ['int', 'long', 'float', 'double'];
const TIME_TEXT = ['string'];

export class EventAssembler {
  /** The columns' paths, then the id's, then the event time's: the order of the slots. */
  readonly paths: readonly FieldPath[];
  readonly #columns: readonly Column[];
  readonly #isNumeric: readonly boolean[];
  readonly #unit: EventTimeUnit;

  /** Throws `configuration.invalid` naming what is mapped, its path and what was expected there. */
  constructor(schema: AvroNode, mapping: EventMapping) {
    const { id, eventTime, columns } = mapping;
    requireKinds(schema, 'id', id, ID);
    const timeKinds = eventTime.unit === 'iso8601' ? TIME_TEXT : TIME_NUMBER;
    requireKinds(schema, `eventTime (${eventTime.unit})`, eventTime.path, timeKinds);
    for (const { name, type, path } of columns) {
      const kinds = type === 'numeric' ? NUMERIC : CATEGORICAL;
      requireKinds(schema, `${type} column ${name}`, path, kinds);
    }
    this.paths = [...columns.map((column) => column.path), id, eventTime.path];
    this.#columns = columns;
    this.#isNumeric = columns.map((column) => column.type === 'numeric');
    this.#unit = eventTime.unit;
  }

  /** Slots hold plain values of the event schema, aligned with `paths`. Throws a `ReadFailure`. */
  assemble(slots: readonly unknown[], root: Readonly<Record<string, unknown>>): DecodedEvent {
    const columnCount = this.#columns.length;
    const id = idText(slots[columnCount]);
    const eventTimeMs = readEventTime(slots[columnCount + 1], this.#unit);
    const cells = slots.slice(0, columnCount);
    for (let i = 0; i < columnCount; i++) {
      const value = cells[i];
      if (value === null) continue;
      if (this.#isNumeric[i]) {
        if (typeof value !== 'number') cells[i] = numberOf(value, this.#columns[i]!);
      } else if (typeof value !== 'string') cells[i] = String(value);
    }
    return { id, eventTimeMs, cells: cells as Cell[], root };
  }
}

function numberOf(value: unknown, column: Column): number {
  if (typeof value === 'boolean') return value ? 1 : 0;
  const path = column.path.join('.');
  if (typeof value === 'bigint') {
    const message = `${path} is the long ${value}, expected at most 2^53-1 in size`;
    throw new ReadFailure('schema.unsafe-long', message);
  }
  throw new ReadFailure('schema.type', `${path} is ${describeValue(value)}, expected a number`);
}

function idText(value: unknown): string {
  const text = value === null || value === undefined ? '' : String(value);
  if (text !== '' && text.length <= EVENT_ID_LENGTH_MAX) return text;
  const found = text === '' ? 'missing or empty' : `${text.length} characters long`;
  const message = `the id is ${found}, expected 1 to ${EVENT_ID_LENGTH_MAX} characters`;
  throw new ReadFailure('invariant.id', message);
}

function requireKinds(
  schema: AvroNode,
  what: string,
  path: FieldPath,
  kinds: readonly string[],
): void {
  const found = nodeAt(schema, what, path);
  const branches = nonNullBranches(found);
  if (branches.length > 0 && branches.every((branch) => kinds.includes(branch.kind))) return;
  const expected =
    kinds.length === 1 ? kinds[0] : `${kinds.slice(0, -1).join(', ')} or ${kinds.at(-1)}`;
  const message = `${what}: path ${path.join('.')} is ${describeNode(found)}, expected ${expected}`;
  throw new CodedError('configuration.invalid', message);
}

function nodeAt(schema: AvroNode, what: string, path: FieldPath): AvroNode {
  let node = schema;
  for (const [index, field] of path.entries()) {
    const here = index === 0 ? 'the event' : path.slice(0, index).join('.');
    const [container, ...others] = nonNullBranches(node);
    const next =
      container === undefined || others.length > 0 ? undefined : fieldNode(container, field);
    if (next === undefined) {
      const problem =
        container?.kind === 'record' && others.length === 0
          ? `${here} has no field ${field}`
          : `${here} is ${describeNode(node)}, expected a record or map`;
      const message = `${what}: path ${path.join('.')} is not in the event schema: ${problem}`;
      throw new CodedError('configuration.invalid', message);
    }
    node = next;
  }
  return node;
}

function fieldNode(container: AvroNode, field: string): AvroNode | undefined {
  if (container.kind === 'map') return container.values;
  if (container.kind !== 'record') return undefined;
  return container.fields.find((each) => each.name === field)?.node;
}

function nonNullBranches(node: AvroNode): readonly AvroNode[] {
  return node.kind === 'union' ? node.branches.filter(({ kind }) => kind !== 'null') : [node];
}
