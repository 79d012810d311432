/**
 * What the event's Avro schema says about a path of monitor.yaml: is it there, and of which types.
 *
 * Paths go the way the codec reads them: through records, maps and what may be null. Logical types,
 * which the codec drops, are looked up here, because a timestamp says its own unit.
 */
import { type AvroNode, describeNode } from '../../core/codec/avro-schema.ts';
import type { EventFields, EventFieldType } from '../../core/expression/event-fields.ts';
import { suggestion } from '../../core/monitor/nearest.ts';

export type ResolvedPath =
  | {
      readonly found: true;
      /** Of the branches other than null. */
      readonly kinds: readonly AvroNode['kind'][];
      /** The type as a message names it. */
      readonly description: string;
    }
  | { readonly found: false; readonly message: string };

const RELATION_DEPTH_MAX = 8;

function branchesOf(node: AvroNode): readonly AvroNode[] {
  return node.kind === 'union' ? node.branches.filter(({ kind }) => kind !== 'null') : [node];
}

export function resolvePath(root: AvroNode, path: readonly string[]): ResolvedPath {
  let node = root;
  for (const [index, field] of path.entries()) {
    const at = index === 0 ? 'the event' : path.slice(0, index).join('.');
    const [container, ...others] = branchesOf(node);
    if (others.length > 0 || (container?.kind !== 'record' && container?.kind !== 'map')) {
      return {
        found: false,
        message: `${at} is ${describeNode(node)}, expected a record or a map`,
      };
    }
    if (container.kind === 'map') {
      node = container.values;
      continue;
    }
    const inner = container.fields.find(({ name }) => name === field);
    if (inner === undefined) {
      const near = suggestion(
        field,
        container.fields.map(({ name }) => name),
      );
      return { found: false, message: `${at} has no field ${field}${near}` };
    }
    node = inner.node;
  }
  const kinds = branchesOf(node).map(({ kind }) => kind);
  return { found: true, kinds, description: describeNode(node) };
}

function relationType(node: AvroNode, depth: number): EventFieldType {
  const [only, ...others] = branchesOf(node);
  if (only === undefined || others.length > 0) return 'any';
  switch (only.kind) {
    case 'int':
    case 'long':
    case 'float':
    case 'double':
      return 'number';
    case 'string':
    case 'enum':
      return 'string';
    case 'boolean':
      return 'boolean';
    case 'array':
      return 'list';
    case 'record':
      return depth < RELATION_DEPTH_MAX ? recordFields(only, depth + 1) : 'any';
    default:
      return 'any';
  }
}

function recordFields(node: AvroNode & { readonly kind: 'record' }, depth: number): EventFields {
  return Object.fromEntries(
    node.fields.map(({ name, node: inner }) => [name, relationType(inner, depth)]),
  );
}

/** The event's shape for checking relations; a record that contains itself ends in `any`. */
export function relationFields(root: AvroNode): EventFields {
  return root.kind === 'record' ? recordFields(root, 0) : {};
}

type Json = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function withoutNull(schema: unknown): unknown {
  if (!Array.isArray(schema)) return schema;
  const branches = schema.filter((branch) => branch !== 'null');
  return branches.length === 1 ? branches[0] : null;
}

/** The logical type at a path of inline records of the schema's JSON; `null` where none is stated. */
export function logicalTypeAt(schema: unknown, path: readonly string[]): string | null {
  let at = withoutNull(schema);
  for (const step of path) {
    while (isObject(at) && isObject(at.type)) at = at.type;
    const fields: readonly unknown[] = isObject(at) && Array.isArray(at.fields) ? at.fields : [];
    const field = fields.filter(isObject).find(({ name }) => name === step);
    at = withoutNull(field?.type);
  }
  return isObject(at) && typeof at.logicalType === 'string' ? at.logicalType : null;
}
