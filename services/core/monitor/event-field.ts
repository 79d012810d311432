/**
 * The fields of an event schema that hold one value each: records are walked, nullable ones too;
 * arrays, maps and records that contain themselves are left out.
 *
 * Reads the schema as JSON, as it stands in event.avsc, and trusts that it is a valid Avro schema.
 */
import { EVENT_DEPTH_MAX } from '../limits.ts';
import type { FieldPath } from './monitor.ts';

/**
 * An attribute of a schema field (Avro lets fields carry any): the table has no such column, whoever
 * makes an event from a row fills it from the row's number.
 */
export const FIELD_SOURCE_ATTRIBUTE = 'tg-source';

/** `row-number`: the 0-based number. `row-time`: that many seconds after `ROW_TIME_START_MS`. */
export type FieldSource = 'row-number' | 'row-time';

export type FieldType = 'number' | 'integer' | 'boolean' | 'string' | 'bytes';

export interface EventField {
  readonly path: FieldPath;
  /** Of the branches other than null, in the schema's order. */
  readonly types: readonly FieldType[];
  readonly nullable: boolean;
  readonly source: FieldSource | null;
}

const FIELD_TYPES: Readonly<Record<string, FieldType>> = {
  int: 'integer',
  long: 'integer',
  float: 'number',
  double: 'number',
  boolean: 'boolean',
  string: 'string',
  enum: 'string',
  bytes: 'bytes',
  fixed: 'bytes',
};

type Json = Readonly<Record<string, unknown>>;

/** In the schema's order; empty where the schema is not a record. */
export function eventFields(schema: unknown): readonly EventField[] {
  const named = new Map<string, Json>();
  collectNamed(schema, '', named);
  const fields: EventField[] = [];
  const root = resolve(schema, '', named);
  if (root !== null && isRecord(root.schema)) {
    walk(root.schema, root.namespace, [], new Set());
  }
  return fields;

  function walk(record: Json, namespace: string, path: FieldPath, open: ReadonlySet<Json>): void {
    if (open.has(record) || path.length >= EVENT_DEPTH_MAX) return;
    const within = new Set(open).add(record);
    for (const field of listOf(record.fields)) {
      const fieldPath = [...path, String(field.name)];
      const declared = field.type;
      const branches = (Array.isArray(declared) ? declared : [declared]).map((branch) =>
        resolve(branch, namespace, named),
      );
      const nullable = branches.some((branch) => branch?.schema.type === 'null');
      const others = branches.filter((branch) => branch?.schema.type !== 'null');
      const only = others.length === 1 ? others[0] : undefined;
      if (only && isRecord(only.schema)) {
        walk(only.schema, only.namespace, fieldPath, within);
        continue;
      }
      const types = others.map((branch) => FIELD_TYPES[String(branch?.schema.type)]);
      if (types.length === 0 || types.some((type) => type === undefined)) continue;
      const source = field[FIELD_SOURCE_ATTRIBUTE] as FieldSource | undefined;
      const known = types as FieldType[];
      fields.push({ path: fieldPath, types: known, nullable, source: source ?? null });
    }
  }
}

interface Resolved {
  readonly schema: Json;
  /** In which names inside it are looked up. */
  readonly namespace: string;
}

/** A schema as an object, names and shorthands resolved; `null` for an unknown name. */
function resolve(
  schema: unknown,
  namespace: string,
  named: ReadonlyMap<string, Json>,
): Resolved | null {
  if (typeof schema === 'string') {
    const fullName = fullNameOf(schema, namespace);
    const found = named.get(fullName) ?? named.get(schema);
    if (found !== undefined) return { schema: found, namespace: namespaceOf(fullName) };
    return { schema: { type: schema }, namespace };
  }
  if (!isObject(schema)) return null;
  if (typeof schema.type === 'object') return resolve(schema.type, namespace, named);
  if (typeof schema.name === 'string') {
    return { schema, namespace: namespaceOf(definedName(schema, namespace)) };
  }
  if (typeof schema.type === 'string' && !(schema.type in FIELD_TYPES) && schema.type !== 'null') {
    return resolve(schema.type, namespace, named);
  }
  return { schema, namespace };
}

function collectNamed(schema: unknown, namespace: string, named: Map<string, Json>): void {
  if (Array.isArray(schema)) {
    for (const branch of schema) collectNamed(branch, namespace, named);
    return;
  }
  if (!isObject(schema)) return;
  let inner = namespace;
  if (typeof schema.name === 'string' && typeof schema.type === 'string') {
    const fullName = definedName(schema, namespace);
    named.set(fullName, schema);
    inner = namespaceOf(fullName);
  }
  for (const field of listOf(schema.fields)) collectNamed(field.type, inner, named);
  for (const part of [schema.type, schema.items, schema.values]) collectNamed(part, inner, named);
}

function definedName(schema: Json, namespace: string): string {
  const own = typeof schema.namespace === 'string' ? schema.namespace : namespace;
  return fullNameOf(String(schema.name), own);
}

function fullNameOf(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}

function namespaceOf(fullName: string): string {
  return fullName.slice(0, Math.max(0, fullName.lastIndexOf('.')));
}

function listOf(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isRecord(schema: Json): boolean {
  return schema.type === 'record' || schema.type === 'error';
}
