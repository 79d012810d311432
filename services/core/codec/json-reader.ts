/**
 * Reads a JSON event under the event schema, into the same plain values and with the same rejections
 * as Avro.
 *
 * Plain JSON: no union wrappers are needed, though the one of Avro's own JSON encoding
 * (`{"double": 1.5}`) is taken. Unknown fields are ignored; a missing field is its default, else null
 * where the type allows it, else `schema.missing-field`. Bytes and fixed are strings of the code points
 * 0 to 255; `"NaN"`, `"Infinity"` and `"-Infinity"` are numbers where a float or double is expected.
 */
import { EVENT_DEPTH_MAX, EVENT_ITEMS_MAX } from '../limits.ts';
import { setField } from './avro-reader.ts';
import { type AvroField, type AvroNode, describeNode, type RecordNode } from './avro-schema.ts';
import { branchOf, isObject, NUMBER_WORDS } from './json-branch.ts';
import { isNestedWithin } from './json-nesting.ts';
import { describeValue, ReadFailure } from './read-failure.ts';

const INT_MAX = 2 ** 31;

export class JsonReader {
  readonly #schema: RecordNode;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true });
  /** Where the value being read is, for messages. */
  readonly #path: string[] = [];
  #itemsLeft = 0;

  constructor(schema: RecordNode) {
    this.#schema = schema;
  }

  /** Throws a `ReadFailure`. */
  read(bytes: Uint8Array): Record<string, unknown> {
    if (!isNestedWithin(bytes, EVENT_DEPTH_MAX)) {
      throw new ReadFailure('decode.limit', `nested deeper than ${EVENT_DEPTH_MAX}`);
    }
    const value = this.#parse(bytes);
    if (!isObject(value)) {
      throw new ReadFailure(
        'schema.type',
        `the event is ${describeValue(value)}, expected an object`,
      );
    }
    this.#path.length = 0;
    this.#itemsLeft = EVENT_ITEMS_MAX;
    return this.#record(this.#schema, value);
  }

  #parse(bytes: Uint8Array): unknown {
    let text: string;
    try {
      text = this.#decoder.decode(bytes);
    } catch {
      throw new ReadFailure('decode.malformed', 'the JSON text is not valid UTF-8');
    }
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new ReadFailure('decode.json-syntax', (error as Error).message);
    }
  }

  #value(node: AvroNode, value: unknown): unknown {
    switch (node.kind) {
      case 'union':
        return this.#union(node.branches, value);
      case 'record':
        return isObject(value) ? this.#record(node, value) : this.#wrongType(node, value);
      case 'map':
        return isObject(value) ? this.#map(node.values, value) : this.#wrongType(node, value);
      case 'array':
        return Array.isArray(value) ? this.#array(node.items, value) : this.#wrongType(node, value);
      case 'enum': {
        if (typeof value !== 'string') return this.#wrongType(node, value);
        if (node.symbols.includes(value)) return value;
        return node.defaultSymbol ?? this.#wrongType(node, value);
      }
      case 'null':
        return value === null ? null : this.#wrongType(node, value);
      case 'boolean':
        return typeof value === 'boolean' ? value : this.#wrongType(node, value);
      case 'string':
        return typeof value === 'string' ? this.#text(value) : this.#wrongType(node, value);
      case 'bytes':
        return this.#bytes(node, value, null);
      case 'fixed':
        return this.#bytes(node, value, node.byteLength);
      default:
        return this.#number(node, value);
    }
  }

  #number(node: AvroNode, value: unknown): number {
    if (typeof value === 'number') {
      if (node.kind === 'float' || node.kind === 'double') return value;
      if (!Number.isInteger(value)) return this.#wrongType(node, value);
      if (node.kind === 'int') {
        return value >= -INT_MAX && value < INT_MAX ? value : this.#wrongType(node, value);
      }
      if (Number.isSafeInteger(value)) return value;
      const message = `${this.#where()} is the long ${value}, expected at most 2^53-1 in size`;
      throw new ReadFailure('schema.unsafe-long', message);
    }
    const word = typeof value === 'string' ? NUMBER_WORDS.get(value) : undefined;
    if (word === undefined || node.kind === 'int' || node.kind === 'long') {
      return this.#wrongType(node, value);
    }
    return word;
  }

  /** Half a surrogate pair has no UTF-8: two different texts would become one downstream. */
  #text(value: string): string {
    if (!/\p{Surrogate}/u.test(value)) return value;
    const message = `${this.#where()} holds half a surrogate pair, expected Unicode text`;
    throw new ReadFailure('decode.malformed', message);
  }

  #bytes(node: AvroNode, value: unknown, byteLength: number | null): Uint8Array {
    const isBytes =
      typeof value === 'string' &&
      // biome-ignore lint/suspicious/noControlCharactersInRegex: every byte is a code point here
      /^[\u0000-\u00ff]*$/.test(value) &&
      (byteLength === null || value.length === byteLength);
    return isBytes ? new Uint8Array(Buffer.from(value, 'latin1')) : this.#wrongType(node, value);
  }

  #union(branches: readonly AvroNode[], value: unknown): unknown {
    const match = branchOf(branches, value);
    if (match === null) return this.#wrongType({ kind: 'union', branches }, value);
    return this.#value(match.branch, match.value);
  }

  #record(node: RecordNode, value: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const record: Record<string, unknown> = {};
    for (const field of node.fields) {
      this.#path.push(field.name);
      setField(record, field.name, this.#field(field, value));
      this.#path.pop();
    }
    return record;
  }

  #field(field: AvroField, record: Readonly<Record<string, unknown>>): unknown {
    const name = Object.hasOwn(record, field.name)
      ? field.name
      : field.aliases.find((alias) => Object.hasOwn(record, alias));
    if (name !== undefined) return this.#value(field.node, record[name]);
    if (field.defaultValue !== undefined) return field.defaultValue;
    const { node } = field;
    const isNullable = node.kind === 'union' && node.branches.some(({ kind }) => kind === 'null');
    if (isNullable || node.kind === 'null') return null;
    const message = `${this.#where()} is absent, expected ${describeNode(node)}`;
    throw new ReadFailure('schema.missing-field', message);
  }

  #map(values: AvroNode, value: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const entries: Record<string, unknown> = {};
    const keys = Object.keys(value);
    this.#takeItems(keys.length);
    for (const key of keys) {
      this.#path.push(key);
      setField(entries, this.#text(key), this.#value(values, value[key]));
      this.#path.pop();
    }
    return entries;
  }

  #array(items: AvroNode, value: readonly unknown[]): unknown[] {
    this.#takeItems(value.length);
    return value.map((item, index) => {
      this.#path.push(String(index));
      const read = this.#value(items, item);
      this.#path.pop();
      return read;
    });
  }

  #takeItems(count: number): void {
    this.#itemsLeft -= count;
    if (this.#itemsLeft >= 0) return;
    const message = `more than ${EVENT_ITEMS_MAX} items in arrays and maps`;
    throw new ReadFailure('decode.limit', message);
  }

  #wrongType(node: AvroNode, value: unknown): never {
    const found = describeValue(value);
    const message = `${this.#where()} is ${found}, expected ${describeNode(node)}`;
    throw new ReadFailure('schema.type', message);
  }

  #where(): string {
    return this.#path.join('.');
  }
}
