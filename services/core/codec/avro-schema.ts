/**
 * An Avro schema as the readers use it: avsc parses and checks it, this turns avsc's types into a
 * closed set of nodes with plain defaults. A recursive schema is a cyclic graph of nodes.
 *
 * Logical types are dropped: a timestamp is the long it is stored as.
 */
import avro from 'avsc';

export type PrimitiveKind =
  | 'null'
  | 'boolean'
  | 'int'
  | 'long'
  | 'float'
  | 'double'
  | 'bytes'
  | 'string';

export interface PrimitiveNode {
  readonly kind: PrimitiveKind;
}

interface NamedNode {
  /** With its namespace. */
  readonly name: string;
  readonly aliases: readonly string[];
}

export interface AvroField {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly node: AvroNode;
  /** A plain value shared by every event that needs it; `undefined` where there is none. */
  readonly defaultValue: unknown;
}

export interface RecordNode extends NamedNode {
  readonly kind: 'record';
  readonly fields: readonly AvroField[];
}

export interface EnumNode extends NamedNode {
  readonly kind: 'enum';
  readonly symbols: readonly string[];
  readonly defaultSymbol: string | null;
}

export interface FixedNode extends NamedNode {
  readonly kind: 'fixed';
  readonly byteLength: number;
}

export interface ArrayNode {
  readonly kind: 'array';
  readonly items: AvroNode;
}

export interface MapNode {
  readonly kind: 'map';
  readonly values: AvroNode;
}

export interface UnionNode {
  readonly kind: 'union';
  readonly branches: readonly AvroNode[];
}

export type AvroNode =
  | PrimitiveNode
  | RecordNode
  | EnumNode
  | FixedNode
  | ArrayNode
  | MapNode
  | UnionNode;

const PRIMITIVES: ReadonlySet<string> = new Set<PrimitiveKind>([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
]);

/** Avro wants a name of these, avsc does not. */
const NAMED: ReadonlySet<string> = new Set(['record', 'error', 'enum', 'fixed']);

/** Throws an `Error` that says what is wrong with the schema; `schema` is parsed JSON. */
export function parseAvroType(schema: unknown): avro.Type {
  try {
    return avro.Type.forSchema(schema as avro.Schema, {
      // Without a prototype: a type named `constructor` must be unknown, not found on Object.
      registry: Object.create(null),
      // Makes a union's default say which branch it is of.
      wrapUnions: 'always',
    });
  } catch (error) {
    if (error instanceof RangeError) throw new Error('the schema nests too deeply');
    throw error instanceof Error ? error : new Error(String(error));
  }
}

/** Throws an `Error` that says what is wrong with the schema; `schema` is parsed JSON. */
export function parseAvroSchema(schema: unknown): AvroNode {
  return nodeOf(parseAvroType(schema), new Map());
}

function nodeOf(type: avro.Type, known: Map<avro.Type, AvroNode>): AvroNode {
  const existing = known.get(type);
  if (existing !== undefined) return existing;
  const node = newNode(type, known);
  known.set(type, node);
  return node;
}

function newNode(type: avro.Type, known: Map<avro.Type, AvroNode>): AvroNode {
  const { typeName } = type;
  if (PRIMITIVES.has(typeName)) return { kind: typeName as PrimitiveKind };
  const { name = '', aliases = [] } = type;
  const named = { name, aliases };
  if (name === '' && NAMED.has(typeName)) throw new Error(`a ${typeName} without a name`);
  switch (typeName) {
    case 'record':
    case 'error': {
      const fields: AvroField[] = [];
      const node: RecordNode = { kind: 'record', ...named, fields };
      // Before its fields, which may refer back to it.
      known.set(type, node);
      for (const field of (type as avro.types.RecordType).fields) {
        fields.push({
          name: field.name,
          aliases: field.aliases,
          node: nodeOf(field.type, known),
          defaultValue: plainValue(field.type, field.defaultValue()),
        });
      }
      return node;
    }
    case 'enum': {
      const { symbols, default: defaultSymbol } = type as avro.types.EnumType & {
        readonly default?: string;
      };
      return { kind: 'enum', ...named, symbols, defaultSymbol: defaultSymbol ?? null };
    }
    case 'fixed':
      return { kind: 'fixed', ...named, byteLength: (type as avro.types.FixedType).size };
    case 'array':
      return { kind: 'array', items: nodeOf((type as avro.types.ArrayType).itemsType, known) };
    case 'map':
      return { kind: 'map', values: nodeOf((type as avro.types.MapType).valuesType, known) };
    case 'union:wrapped':
      return { kind: 'union', branches: branchTypes(type).map((branch) => nodeOf(branch, known)) };
    default:
      throw new Error(`unknown type: ${String(typeName)}`);
  }
}

function branchTypes(union: avro.Type): readonly avro.Type[] {
  return (union as avro.types.WrappedUnionType).types;
}

/** avsc's value of a default, with unions unwrapped, records as plain objects, bytes as Uint8Array. */
function plainValue(type: avro.Type, value: unknown): unknown {
  if (value === undefined || value === null) return value;
  switch (type.typeName) {
    case 'union:wrapped': {
      const [name, inner] = Object.entries(value)[0]!;
      return plainValue(branchTypes(type).find((branch) => branch.branchName === name)!, inner);
    }
    case 'record':
    case 'error':
      return Object.fromEntries(
        (type as avro.types.RecordType).fields.map((field) => [
          field.name,
          plainValue(field.type, (value as Record<string, unknown>)[field.name]),
        ]),
      );
    case 'array': {
      const { itemsType } = type as avro.types.ArrayType;
      return (value as readonly unknown[]).map((item) => plainValue(itemsType, item));
    }
    case 'map': {
      const { valuesType } = type as avro.types.MapType;
      const entries = Object.entries(value);
      return Object.fromEntries(entries.map(([key, each]) => [key, plainValue(valuesType, each)]));
    }
    case 'bytes':
    case 'fixed':
      return Uint8Array.from(value as Uint8Array);
    default:
      return value;
  }
}

/** A type as a message names it: `long`, `record org.example.Loan`, `null or double`. */
export function describeNode(node: AvroNode): string {
  switch (node.kind) {
    case 'record':
    case 'enum':
    case 'fixed':
      return `${node.kind} ${node.name}`;
    case 'array':
      return 'array';
    case 'map':
      return 'map';
    case 'union':
      return node.branches.map(describeNode).join(' or ');
    default:
      return node.kind;
  }
}
