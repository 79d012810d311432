/**
 * Whether what a writer schema wrote can be read under a reader schema, decided once per pair of
 * schemas and before any byte is read (Avro specification, "Schema Resolution").
 *
 * Compatible means compatible for every value: each branch of a writer's union must be readable, and
 * each symbol of a writer's enum must be known or the reader's enum have a default. Names match
 * without their namespaces, as the specification says.
 *
 * Recursive schemas are resolved as a greatest fixed point: a pair counts as compatible until a reason
 * against it is found; passes repeat until one finds no new reason. Each pass visits a pair once, so
 * that a small schema whose records share each other cannot make this take exponential time.
 */
import { type AvroField, type AvroNode, describeNode, type RecordNode } from './avro-schema.ts';

/** Writer kinds that a reader kind also takes. */
const PROMOTIONS: Readonly<Record<string, readonly string[]>> = {
  long: ['int'],
  float: ['int', 'long'],
  double: ['int', 'long', 'float'],
  string: ['bytes'],
  bytes: ['string'],
};

type Verdicts = Map<AvroNode, Map<AvroNode, string | null>>;

export class SchemaResolution {
  /** By writer and reader: why not, or `null` for a pair without a reason against it so far. */
  #verdicts: Verdicts = new Map();
  readonly #reasons: Verdicts = new Map();
  #foundReason = false;
  /** Why the writer's values cannot be read, naming the path; `null` where they can. */
  readonly incompatibility: string | null;

  constructor(writer: AvroNode, reader: AvroNode) {
    let verdict: string | null;
    do {
      this.#verdicts = new Map();
      this.#foundReason = false;
      verdict = this.#check(writer, reader, '');
    } while (this.#foundReason && verdict === null);
    this.incompatibility = verdict;
  }

  /**
   * The branch of the reader's union that takes this writer's values. Of those that can: the same type
   * of the same full name, else the same type, else the first. (The specification's plain "first"
   * would turn strings into bytes under `["bytes", "string"]` even where both schemas are the same.)
   */
  branchFor(writer: AvroNode, branches: readonly AvroNode[]): AvroNode | undefined {
    const able = branches.filter((branch) => this.#check(writer, branch, '') === null);
    const alike = able.filter((branch) => branch.kind === writer.kind);
    return alike.find((branch) => fullName(branch) === fullName(writer)) ?? alike[0] ?? able[0];
  }

  #check(writer: AvroNode, reader: AvroNode, path: string): string | null {
    const verdicts = rowOf(this.#verdicts, writer);
    const known = verdicts.get(reader);
    if (known !== undefined) return known;
    const reasons = rowOf(this.#reasons, writer);
    const earlier = reasons.get(reader);
    if (earlier !== undefined) return earlier;
    verdicts.set(reader, null);
    const reason = this.#reasonAgainst(writer, reader, path);
    if (reason !== null) {
      reasons.set(reader, reason);
      verdicts.set(reader, reason);
      this.#foundReason = true;
    }
    return reason;
  }

  #reasonAgainst(writer: AvroNode, reader: AvroNode, path: string): string | null {
    if (writer.kind === 'union') {
      return firstReason(writer.branches, (branch) => this.#check(branch, reader, path));
    }
    const mismatch = `${at(path)}${describeNode(writer)} cannot be read as ${describeNode(reader)}`;
    if (reader.kind === 'union') {
      // Every branch is asked, so that the verdicts of all are there for `branchFor`.
      const reasons = reader.branches.map((branch) => this.#check(writer, branch, path));
      return reasons.includes(null) ? null : reasons.length === 1 ? reasons[0]! : mismatch;
    }
    if (writer.kind === 'record' && reader.kind === 'record') {
      if (!namesMatch(writer, reader)) return mismatch;
      const written = fieldsByName(writer);
      return firstReason(reader.fields, (field) => this.#fieldReason(written, field, path));
    }
    if (writer.kind === 'enum' && reader.kind === 'enum') {
      if (!namesMatch(writer, reader)) return mismatch;
      if (reader.defaultSymbol !== null) return null;
      const unknown = writer.symbols.find((symbol) => !reader.symbols.includes(symbol));
      return unknown === undefined ? null : `${at(path)}symbol ${unknown} is unknown to the reader`;
    }
    if (writer.kind === 'fixed' && reader.kind === 'fixed') {
      const same = namesMatch(writer, reader) && writer.byteLength === reader.byteLength;
      return same ? null : mismatch;
    }
    if (writer.kind === 'array' && reader.kind === 'array') {
      return this.#check(writer.items, reader.items, `${path}[]`);
    }
    if (writer.kind === 'map' && reader.kind === 'map') {
      return this.#check(writer.values, reader.values, `${path}{}`);
    }
    const promoted = PROMOTIONS[reader.kind]?.includes(writer.kind) ?? false;
    return promoted || (isPrimitive(writer) && writer.kind === reader.kind) ? null : mismatch;
  }

  #fieldReason(
    written: ReadonlyMap<string, AvroField>,
    field: AvroField,
    path: string,
  ): string | null {
    const matches = namesOf(field).flatMap((name) => written.get(name) ?? []);
    const fieldPath = path === '' ? field.name : `${path}.${field.name}`;
    if (matches.length > 1) {
      const names = matches.map((match) => match.name).join(' and ');
      return `${at(fieldPath)}the writer has both ${names}, which the reader takes for one field`;
    }
    const match = matches[0];
    if (match !== undefined) return this.#check(match.node, field.node, fieldPath);
    return field.defaultValue === undefined
      ? `${at(fieldPath)}the writer has no such field and the reader no default`
      : null;
  }
}

/** The reader's fields that each of the writer's fills; the pair must have been found compatible. */
export function readersByWriterField(
  writer: RecordNode,
  reader: RecordNode,
): ReadonlyMap<string, readonly AvroField[]> {
  const written = fieldsByName(writer);
  const readers = new Map<string, AvroField[]>(writer.fields.map(({ name }) => [name, []]));
  for (const field of reader.fields) {
    const name = namesOf(field).find((each) => written.has(each));
    if (name !== undefined) readers.get(name)!.push(field);
  }
  return readers;
}

function fieldsByName(record: RecordNode): ReadonlyMap<string, AvroField> {
  return new Map(record.fields.map((field) => [field.name, field]));
}

function namesOf(named: { readonly name: string; readonly aliases: readonly string[] }) {
  return [...new Set([named.name, ...named.aliases])];
}

function namesMatch(
  writer: { readonly name: string },
  reader: { readonly name: string; readonly aliases: readonly string[] },
): boolean {
  return namesOf(reader).some((name) => unqualified(name) === unqualified(writer.name));
}

function fullName(node: AvroNode): string {
  return 'name' in node ? node.name : '';
}

function unqualified(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

function isPrimitive(node: AvroNode): boolean {
  return !['record', 'enum', 'fixed', 'array', 'map', 'union'].includes(node.kind);
}

function firstReason<T>(items: readonly T[], reasonOf: (item: T) => string | null): string | null {
  for (const item of items) {
    const reason = reasonOf(item);
    if (reason !== null) return reason;
  }
  return null;
}

function at(path: string): string {
  return path === '' ? '' : `${path}: `;
}

function rowOf(verdicts: Verdicts, writer: AvroNode): Map<AvroNode, string | null> {
  let row = verdicts.get(writer);
  if (row === undefined) {
    row = new Map();
    verdicts.set(writer, row);
  }
  return row;
}
