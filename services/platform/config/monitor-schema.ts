/**
 * Holds a parsed monitor.yaml against `schemas/monitor.schema.json` and says in plain words what does
 * not fit. The schema is the one editors complete from; the only file that knows the schema library.
 */
import { readFileSync } from 'node:fs';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { suggestion } from '../../core/monitor/nearest.ts';
import type { MonitorFile } from './monitor-file.ts';
import {
  type DocumentPath,
  describeValue,
  formatPath,
  type Locate,
  type Problem,
} from './problem.ts';

const SCHEMA_FILE = new URL('../../../schemas/monitor.schema.json', import.meta.url);

const validate = new Ajv2020({
  allErrors: true,
  verbose: true,
  strict: true,
  allowUnionTypes: true,
  strictRequired: false,
}).compile<MonitorFile>(JSON.parse(readFileSync(SCHEMA_FILE, 'utf8')) as object);

function decodePointer(pointer: string, root: unknown): DocumentPath {
  let at = root;
  return pointer
    .split('/')
    .slice(1)
    .map((part) => {
      const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
      const step = Array.isArray(at) ? Number(key) : key;
      at = (at as Record<string | number, unknown> | undefined)?.[step];
      return step;
    });
}

interface SchemaNode {
  readonly title?: string;
  readonly properties?: Readonly<Record<string, unknown>>;
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  object: 'a mapping',
  array: 'a list',
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  null: 'null',
};

function expectedType(types: unknown): string {
  return [types]
    .flat()
    .map((type) => TYPE_NAMES[String(type)] ?? String(type))
    .join(' or ');
}

/** A value of the wrong type that only lacks its quotes or its unit. */
function remedy(error: ErrorObject, title: string): string {
  if (title.startsWith('a duration')) {
    return typeof error.data === 'number'
      ? ` (a unit is missing: write ${error.data}s or ${error.data}ms)`
      : '';
  }
  const scalar = typeof error.data === 'number' || typeof error.data === 'boolean';
  return error.schema === 'string' && scalar ? ` (put it in quotes: "${String(error.data)}")` : '';
}

/** Keys that the schema knows and refuses in this place. */
function misplaced(key: string): string {
  if (key === 'threshold' || key === 'distance') {
    return `a priority and a ${key} exclude each other, expected only one of them`;
  }
  return `only a ${key === 'range' ? 'numeric' : 'categorical'} column can have ${key}`;
}

interface Finding {
  readonly path: DocumentPath;
  readonly part: 'key' | 'value';
  readonly message: string;
}

/** `null` for errors that only repeat another one. */
function explain(error: ErrorObject, root: unknown): Finding | null {
  const path = decodePointer(error.instancePath, root);
  const { title, properties } = (error.parentSchema ?? {}) as SchemaNode;
  const found = describeValue(error.data);
  const value = (message: string): Finding => ({ path, part: 'value', message });
  const wrong = (expected: string) =>
    value(`found ${found}, expected ${title ?? expected}${remedy(error, title ?? '')}`);
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(error.params.additionalProperty);
      const message = `unknown key${suggestion(key, Object.keys(properties ?? {}))}`;
      return { path: [...path, key], part: 'key', message };
    }
    case 'required': {
      if (typeof error.data !== 'object') return null;
      return { path, part: 'key', message: `the key ${error.params.missingProperty} is missing` };
    }
    case 'false schema': {
      return { path, part: 'key', message: misplaced(String(path.at(-1))) };
    }
    case 'propertyNames': {
      const key = String(error.params.propertyName);
      return { path: [...path, key], part: 'key', message: 'this name cannot be used' };
    }
    case 'type':
      return wrong(expectedType(error.schema));
    case 'enum': {
      const known = (error.schema as unknown[]).map(String);
      if (title === undefined) return value(`found ${found}, expected one of ${known.join(', ')}`);
      return value(`found ${found}, expected ${title}${suggestion(String(error.data), known)}`);
    }
    case 'const':
      return value(`found ${found}, expected ${String(error.schema)}`);
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return wrong(`a number ${error.params.comparison} ${error.params.limit}`);
    case 'minLength':
      return wrong('text that is not empty');
    case 'maxLength':
      return wrong(`at most ${error.params.limit} characters`);
    case 'minItems':
    case 'minProperties':
      return wrong(`at least ${error.params.limit}`);
    case 'maxItems':
    case 'maxProperties':
      return wrong(`at most ${error.params.limit}`);
    case 'uniqueItems': {
      const [first, again] = [Number(error.params.i), Number(error.params.j)].sort((a, b) => a - b);
      return value(`items ${first} and ${again} are the same`);
    }
    case 'pattern':
      return wrong(`text that matches ${String(error.schema)}`);
    case 'if':
      return null;
    default:
      return value(error.message ?? error.keyword);
  }
}

/** A name that breaks `propertyNames` gives one error for the name and one for its pattern. */
function namesFirst(errors: readonly ErrorObject[]): ErrorObject[] {
  return errors.flatMap((error) => {
    if (error.keyword === 'propertyNames') return [];
    if (error.propertyName === undefined) return [error];
    const pointer = `${error.instancePath}/${error.propertyName.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    return [{ ...error, instancePath: pointer, data: error.propertyName }];
  });
}

/** The value is a `MonitorFile` exactly where no problem comes back. */
export function checkMonitorSchema(file: string, value: unknown, locate: Locate): Problem[] {
  if (validate(value)) return [];
  const findings = namesFirst(validate.errors ?? []).map((error) => {
    const finding = explain(error, value);
    return finding !== null && error.propertyName !== undefined
      ? { ...finding, part: 'key' as const }
      : finding;
  });
  const seen = new Set<string>();
  return findings.flatMap((finding) => {
    if (finding === null) return [];
    const path = formatPath(finding.path);
    if (seen.has(path)) return [];
    seen.add(path);
    return [{ file, ...locate(finding.path, finding.part), path, message: finding.message }];
  });
}
