/**
 * Which branch of a union a JSON value is of. Plain JSON does not say, so the first branch that its
 * kind fits is taken; a record fits where the fields it must have are there.
 *
 * Only the value itself is looked at, never what is inside it: trying branches all the way down would
 * let a small event over a recursive union take exponential time.
 */
import type { AvroNode, RecordNode } from './avro-schema.ts';

export const NUMBER_WORDS: ReadonlyMap<string, number> = new Map([
  ['NaN', Number.NaN],
  ['Infinity', Number.POSITIVE_INFINITY],
  ['-Infinity', Number.NEGATIVE_INFINITY],
]);

const INT_MAX = 2 ** 31;

type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `null` where no branch fits; `value` is what the branch is to read, without a wrapper. */
export function branchOf(
  branches: readonly AvroNode[],
  value: unknown,
): { readonly branch: AvroNode; readonly value: unknown } | null {
  const unwrapped = unwrap(branches, value);
  if (unwrapped !== null) return unwrapped;
  const others = branches.filter(({ kind }) => kind !== 'null');
  // With one branch besides null the answer is known, and its own message says what is wrong.
  if (others.length === 1 && value !== null) return { branch: others[0]!, value };
  const branch =
    branches.find((each) => fits(each, value)) ?? branches.find((each) => isWord(each, value));
  return branch === undefined ? null : { branch, value };
}

/** Avro's own JSON encoding of a union: `{"<branch name>": value}`. */
function unwrap(branches: readonly AvroNode[], value: unknown) {
  if (!isObject(value)) return null;
  const [name, ...others] = Object.keys(value);
  if (name === undefined || others.length > 0) return null;
  const inner = value[name];
  const branch = branches.find(
    (each) =>
      branchName(each) === name &&
      each.kind !== 'null' &&
      (fits(each, inner) || isWord(each, inner)),
  );
  return branch === undefined ? null : { branch, value: inner };
}

function branchName(node: AvroNode): string {
  return 'name' in node ? node.name : node.kind;
}

function isWord(node: AvroNode, value: unknown): boolean {
  const isFloating = node.kind === 'float' || node.kind === 'double';
  return isFloating && typeof value === 'string' && NUMBER_WORDS.has(value);
}

function fits(node: AvroNode, value: unknown): boolean {
  switch (node.kind) {
    case 'null':
      return value === null;
    case 'boolean':
      return typeof value === 'boolean';
    case 'int':
      return Number.isInteger(value) && Math.abs(value as number) < INT_MAX;
    case 'long':
      return Number.isSafeInteger(value);
    case 'float':
    case 'double':
      return typeof value === 'number';
    case 'enum':
      return typeof value === 'string' && node.symbols.includes(value);
    case 'fixed':
      return typeof value === 'string' && value.length === node.byteLength;
    case 'string':
    case 'bytes':
      return typeof value === 'string';
    case 'array':
      return Array.isArray(value);
    case 'map':
      return isObject(value);
    case 'record':
      return isObject(value) && hasRequiredFields(node, value);
    case 'union':
      return false;
  }
}

function hasRequiredFields(record: RecordNode, value: JsonObject): boolean {
  return record.fields.every(
    ({ name, aliases, node, defaultValue }) =>
      defaultValue !== undefined ||
      node.kind === 'null' ||
      (node.kind === 'union' && node.branches.some(({ kind }) => kind === 'null')) ||
      [name, ...aliases].some((each) => Object.hasOwn(value, each)),
  );
}
