/**
 * Reads Avro binary into plain values: a pair of writer and reader schema is compiled once into
 * closures that read what the writer wrote as the reader expects it.
 *
 * Plain means: records and maps are objects, unions are their branch's value, enums are symbols,
 * bytes and fixed are `Uint8Array`, a long is a number where it is a safe integer and a bigint beyond.
 * Hostile bytes cost at most their own length, `EVENT_ITEMS_MAX` items and `EVENT_DEPTH_MAX` levels.
 */
import type { AvroCursor } from './avro-cursor.ts';
import { type AvroNode, describeNode, type EnumNode, type RecordNode } from './avro-schema.ts';
import type { Skip, SkipCompiler } from './avro-skipper.ts';
import { readersByWriterField, type SchemaResolution } from './schema-resolution.ts';

export type ReadValue = (cursor: AvroCursor) => unknown;

type PlainObject = Record<string, unknown>;

/** One field of the writer's record: read into the reader's fields of these names, or skipped. */
type FieldStep =
  | { readonly key: string; readonly read: ReadValue; readonly skip: null }
  | { readonly key: null; readonly read: null; readonly skip: Skip };

export class ValueCompiler {
  readonly #resolution: SchemaResolution;
  readonly #skips: SkipCompiler;
  readonly #records = new Map<AvroNode, Map<AvroNode, ReadValue>>();

  constructor(resolution: SchemaResolution, skips: SkipCompiler) {
    this.#resolution = resolution;
    this.#skips = skips;
  }

  /** The pair must have been found compatible. */
  compile(writer: AvroNode, reader: AvroNode): ReadValue {
    if (writer.kind === 'union') {
      const branches = writer.branches.map((branch) => this.compile(branch, reader));
      const count = branches.length;
      return (cursor) => branches[cursor.readIndex(count, 'a union')]!(cursor);
    }
    if (reader.kind === 'union') {
      return this.compile(writer, this.#resolution.branchFor(writer, reader.branches)!);
    }
    switch (writer.kind) {
      case 'record':
        return this.#record(writer, reader as RecordNode);
      case 'enum':
        return enumReader(writer, reader as EnumNode);
      case 'fixed': {
        const { byteLength } = writer;
        return (cursor) => cursor.readFixed(byteLength);
      }
      case 'array':
        return arrayReader(this.compile(writer.items, itemsOf(reader)));
      case 'map':
        return mapReader(this.compile(writer.values, valuesOf(reader)));
      case 'bytes':
      case 'string':
        return reader.kind === 'string' ? readString : readBytes;
      default:
        return SCALARS[writer.kind];
    }
  }

  #record(writer: RecordNode, reader: RecordNode): ReadValue {
    let row = this.#records.get(writer);
    if (row === undefined) {
      row = new Map();
      this.#records.set(writer, row);
    }
    const known = row.get(reader);
    if (known !== undefined) return known;
    const steps: FieldStep[] = [];
    const defaults: PlainObject = {};
    const read = recordReader(steps, defaults);
    // Before its fields, which may refer back to it.
    row.set(reader, read);
    const readers = readersByWriterField(writer, reader);
    for (const field of reader.fields) setField(defaults, field.name, field.defaultValue);
    for (const { name, node } of writer.fields) {
      const [first, ...others] = readers.get(name)!;
      if (first === undefined) {
        steps.push({ key: null, read: null, skip: this.#skips.compile(node) });
        continue;
      }
      // More than one of the reader's fields may name this one as an alias: it is read again for each.
      for (const other of others) {
        const peek = peekReader(this.compile(node, other.node));
        steps.push({ key: other.name, read: peek, skip: null });
      }
      steps.push({ key: first.name, read: this.compile(node, first.node), skip: null });
    }
    return read;
  }
}

function readString(cursor: AvroCursor): unknown {
  return cursor.readString();
}

function readBytes(cursor: AvroCursor): unknown {
  return cursor.readBytes();
}

const SCALARS = {
  null: (): unknown => null,
  boolean: (cursor: AvroCursor): unknown => cursor.readBoolean(),
  int: (cursor: AvroCursor): unknown => cursor.readInt(),
  long: (cursor: AvroCursor): unknown => {
    const value = cursor.readLong();
    return Number.isSafeInteger(value) ? value : cursor.lastLong();
  },
  float: (cursor: AvroCursor): unknown => cursor.readFloat(),
  double: (cursor: AvroCursor): unknown => cursor.readDouble(),
} as const;

function itemsOf(node: AvroNode): AvroNode {
  if (node.kind !== 'array') throw new Error(`${describeNode(node)} has no items`);
  return node.items;
}

function valuesOf(node: AvroNode): AvroNode {
  if (node.kind !== 'map') throw new Error(`${describeNode(node)} has no values`);
  return node.values;
}

function enumReader(writer: EnumNode, reader: EnumNode): ReadValue {
  const symbols = writer.symbols.map((symbol) =>
    reader.symbols.includes(symbol) ? symbol : reader.defaultSymbol,
  );
  const count = symbols.length;
  return (cursor) => symbols[cursor.readIndex(count, 'an enum')];
}

function arrayReader(readItem: ReadValue): ReadValue {
  return (cursor) => {
    cursor.enter();
    const items: unknown[] = [];
    for (let count = cursor.readBlock(); count > 0; count = cursor.readBlock()) {
      const { blockEnd } = cursor;
      for (let i = 0; i < count; i++) items.push(readItem(cursor));
      cursor.closeBlock(blockEnd);
    }
    cursor.leave();
    return items;
  };
}

function mapReader(readEntry: ReadValue): ReadValue {
  return (cursor) => {
    cursor.enter();
    const entries: PlainObject = {};
    for (let count = cursor.readBlock(); count > 0; count = cursor.readBlock()) {
      const { blockEnd } = cursor;
      for (let i = 0; i < count; i++) {
        const key = cursor.readString();
        setField(entries, key, readEntry(cursor));
      }
      cursor.closeBlock(blockEnd);
    }
    cursor.leave();
    return entries;
  };
}

function recordReader(steps: readonly FieldStep[], defaults: PlainObject): ReadValue {
  // The record before serves as the next one's template, every field the writer has being
  // overwritten: its hidden class fits the values, where that of a record of nulls does not (6 µs
  // against 1 for 26 fields).
  let template = defaults;
  return (cursor) => {
    const start = cursor.position;
    cursor.enter();
    const record = { ...template };
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i]!;
      if (step.read === null) step.skip(cursor);
      else setField(record, step.key, step.read(cursor));
    }
    cursor.leave();
    // Records without bytes can double at each level of a schema; the others are paid for in bytes.
    if (cursor.position === start) cursor.takeItems(1);
    template = record;
    return record;
  };
}

function peekReader(read: ReadValue): ReadValue {
  return (cursor) => {
    const start = cursor.position;
    const value = read(cursor);
    cursor.position = start;
    return value;
  };
}

/** `__proto__` is a valid Avro name and map key: it must become a field, not the prototype. */
export function setField(object: PlainObject, key: string, value: unknown): void {
  if (key !== '__proto__') object[key] = value;
  else
    Object.defineProperty(object, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
}
