/**
 * event.avsc for a profiled dataset: the writer's own schema where the data has one, else one record
 * with a field per column, nested as the paths are.
 *
 * Columns are nullable even where none was missing: whether a value must be there is a rule of
 * monitor.yaml, which says so in its own words and can be loosened without a new schema.
 */
import { FIELD_SOURCE_ATTRIBUTE } from '../core/monitor/event-field.ts';
import type { FieldPath } from '../core/monitor/monitor.ts';

export type AvroType = string | { readonly type: string; readonly logicalType: string };

export interface SchemaField {
  readonly path: FieldPath;
  readonly type: AvroType;
  readonly nullable: boolean;
  /** The header in the file where it differs from the path. */
  readonly header: string | null;
}

type Json = Readonly<Record<string, unknown>>;

/** Filled from the row's number, see event-from-row.ts; always at the root. */
export function rowNumberField(name: string): Json {
  const doc = "The row's number in the file, 0-based.";
  return { name, type: 'long', doc, [FIELD_SOURCE_ATTRIBUTE]: 'row-number' };
}

export function rowTimeField(name: string): Json {
  const type = { type: 'long', logicalType: 'timestamp-millis' };
  const doc = 'One second per row, from 2000-01-01T00:00:00Z.';
  return { name, type, doc, [FIELD_SOURCE_ATTRIBUTE]: 'row-time' };
}

export function recordSchema(fields: readonly SchemaField[], rowFields: readonly Json[]): Json {
  const root = 'Event';
  const nested = fieldList({ fields, depth: 0, record: root, taken: new Set([root]) });
  return { type: 'record', name: root, fields: [...rowFields, ...nested] };
}

/** The writer's schema with fields of ours before its own. */
export function extendedSchema(writerSchema: unknown, rowFields: readonly Json[]): Json {
  const schema = writerSchema as Json;
  if (rowFields.length === 0) return schema;
  return { ...schema, fields: [...rowFields, ...(schema.fields as readonly Json[])] };
}

interface FieldGroup {
  readonly fields: readonly SchemaField[];
  readonly depth: number;
  readonly record: string;
  /** Names of records so far: a schema defines each once. */
  readonly taken: Set<string>;
}

/** Fields in the order of their first appearance; those with a longer path grouped into records. */
function fieldList({ fields, depth, record, taken }: FieldGroup): Json[] {
  const groups = new Map<string, SchemaField[]>();
  for (const field of fields) {
    const name = field.path[depth]!;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [field]);
    else group.push(field);
  }
  return [...groups].map(([name, group]) => {
    const first = group[0]!;
    if (first.path.length === depth + 1) return leaf(name, first);
    let inner = `${record}_${name}`;
    while (taken.has(inner)) inner += '_';
    taken.add(inner);
    const nested = fieldList({ fields: group, depth: depth + 1, record: inner, taken });
    return { name, type: { type: 'record', name: inner, fields: nested } };
  });
}

function leaf(name: string, { type, nullable, header }: SchemaField): Json {
  const doc = header === null ? {} : { doc: `Column ${JSON.stringify(header)}.` };
  return nullable ? { name, type: ['null', type], default: null, ...doc } : { name, type, ...doc };
}
