/**
 * The reference profile: what each column looked like in the data the model was trained on.
 *
 * reference.json, format 1. Columns stand in the order of the data, slices in alphabetical order:
 *
 *     { "format": "tidegauge-reference", "version": 1, "rows": n,
 *       "columns": { name: column, … },
 *       "slices": { "column=value": { name: column, … }, … } }
 *     column = { "type", "count", "missing", … numbers to read and compare …, "sketch" }
 *
 * `sketch` is the base64 of the encoded `ColumnSketch` and is what counts; the numbers beside it are
 * for people and diffs. Equal references give equal text.
 */
import { CodedError } from '../errors.ts';
import { COLUMNS_MAX, REFERENCE_BYTES_MAX, SLICE_VALUES_MAX } from '../limits.ts';
import {
  type ColumnSketch,
  decodeColumnSketch,
  encodeColumnSketch,
} from '../sketch/column-sketch.ts';
import { describeSketch } from './describe-sketch.ts';

export type ReferenceColumns = ReadonlyMap<string, ColumnSketch>;

export interface Reference {
  readonly rowCount: number;
  readonly columns: ReferenceColumns;
  /** By `column=value`. */
  readonly slices: ReadonlyMap<string, ReferenceColumns>;
}

const FORMAT = 'tidegauge-reference';
const VERSION = 1;
/** Ten slice columns, each with its values and `(other)`. */
const SLICES_MAX = 10 * (SLICE_VALUES_MAX + 1);
const NAME_LENGTH_MAX = 1_000;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export function formatReference(reference: Reference): string {
  const slices = [...reference.slices].sort(([left], [right]) => (left < right ? -1 : 1));
  const document = {
    format: FORMAT,
    version: VERSION,
    rows: reference.rowCount,
    columns: columnsDocument(reference.columns),
    slices: Object.fromEntries(slices.map(([name, columns]) => [name, columnsDocument(columns)])),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

function columnsDocument(columns: ReferenceColumns): Record<string, unknown> {
  const entries = [...columns].map(([name, sketch]): [string, unknown] => [
    name,
    {
      type: sketch.kind,
      ...describeSketch(sketch),
      sketch: Buffer.from(encodeColumnSketch(sketch)).toString('base64'),
    },
  ]);
  return Object.fromEntries(entries);
}

/** Throws `configuration.invalid` naming the place; the text may come from anywhere. */
export function parseReference(text: string): Reference {
  if (text.length > REFERENCE_BYTES_MAX) {
    fail('', `${text.length} characters, expected at most ${REFERENCE_BYTES_MAX}`);
  }
  const document = objectAt('', parseJson(text));
  if (document.format !== FORMAT) fail('format', `expected ${JSON.stringify(FORMAT)}`);
  if (document.version !== VERSION) {
    fail('version', `${show(document.version)} is not known, expected ${VERSION}`);
  }
  const rowCount = countAt('rows', document.rows);
  const columns = parseColumns('columns', document.columns);
  const slices = new Map<string, ReferenceColumns>();
  for (const [name, value] of entriesAt('slices', document.slices, SLICES_MAX)) {
    const place = `slices[${JSON.stringify(name)}]`;
    if (!name.includes('=')) fail(place, 'expected a name such as channel=web');
    slices.set(name, parseColumns(place, value));
  }
  return { rowCount, columns, slices };
}

function parseColumns(place: string, value: unknown): ReferenceColumns {
  const columns = new Map<string, ColumnSketch>();
  for (const [name, column] of entriesAt(place, value, COLUMNS_MAX)) {
    columns.set(name, parseColumn(`${place}.${name}`, column));
  }
  return columns;
}

function parseColumn(place: string, value: unknown): ColumnSketch {
  const column = objectAt(place, value);
  const { type, sketch: encoded } = column;
  if (type !== 'numeric' && type !== 'categorical') {
    fail(`${place}.type`, `${show(type)}, expected "numeric" or "categorical"`);
  }
  if (typeof encoded !== 'string' || !BASE64.test(encoded)) {
    fail(`${place}.sketch`, 'expected base64 text');
  }
  const sketch = decodeSketch(`${place}.sketch`, encoded);
  if (sketch.kind !== type) fail(`${place}.sketch`, `is ${sketch.kind}, expected ${type}`);
  // A number edited by hand would otherwise look as if it had an effect.
  const counts = { count: sketch.count, missing: sketch.missingCount };
  for (const [name, expected] of Object.entries(counts)) {
    if (countAt(`${place}.${name}`, column[name]) === expected) continue;
    fail(`${place}.${name}`, `is ${show(column[name])}, but the sketch says ${expected}`);
  }
  return sketch;
}

function decodeSketch(place: string, base64: string): ColumnSketch {
  try {
    return decodeColumnSketch(Buffer.from(base64, 'base64'));
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return fail(place, error.message, error);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return fail('', (error as Error).message, error);
  }
}

function entriesAt(place: string, value: unknown, countMax: number): [string, unknown][] {
  const entries = Object.entries(objectAt(place, value));
  if (entries.length > countMax) {
    fail(place, `${entries.length} entries, expected at most ${countMax}`);
  }
  for (const [name] of entries) {
    if (name.length === 0 || name.length > NAME_LENGTH_MAX) {
      fail(place, `a name of ${name.length} characters, expected 1 to ${NAME_LENGTH_MAX}`);
    }
  }
  return entries;
}

function objectAt(place: string, value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  return fail(place, `${show(value)}, expected an object`);
}

function countAt(place: string, value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  return fail(place, `${show(value)}, expected a whole number, 0 or more`);
}

function show(value: unknown): string {
  return value === undefined ? 'is absent' : JSON.stringify(value).slice(0, 80);
}

function fail(place: string, reason: string, cause?: unknown): never {
  const where = place === '' ? 'the reference' : `the reference at ${place}`;
  throw new CodedError('configuration.invalid', `${where}: ${reason}`, { cause });
}
