/**
 * Table headers → field paths of the event, the same for whoever writes the schema and whoever fills it.
 *
 * A header of legal Avro names joined by dots nests (`applicant.age`). Any other header becomes one
 * legal name: what is illegal turns into `_`, a leading digit or nothing at all gets `column_` in
 * front (`0` → `column_0`). Paths never collide, also not as a value with a record of the same name:
 * the later header is written flat and gets `_2`, `_3`, … Depends on the headers and their order only.
 */
import type { FieldPath } from './monitor.ts';

const LEGAL_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** What a column name may have in monitor.yaml. */
const PATH_LENGTH_MAX = 128;
/** Room for a suffix. */
const NAME_LENGTH_MAX = 120;
const PATH_PARTS_MAX = 8;

export function isFieldName(text: string): boolean {
  // A key of this name would set the prototype of an event instead of a field.
  return LEGAL_NAME.test(text) && text !== '__proto__';
}

/** The name of a path in monitor.yaml, panes and reports. */
export function columnNameOf(path: FieldPath): string {
  return path.join('.');
}

/** One path per header, in their order. */
export function eventFieldPaths(headers: readonly string[]): readonly FieldPath[] {
  const taken = new TakenPaths();
  return headers.map((header, index) => {
    const path = pathOf(header, index);
    return taken.claim(path);
  });
}

/** A name at the root of the event that no path uses: `wanted`, or `wanted_2`, … */
export function freeFieldName(wanted: string, paths: readonly FieldPath[]): string {
  const taken = new TakenPaths();
  for (const path of paths) taken.claim(path);
  return taken.claim([wanted])[0]!;
}

function pathOf(header: string, index: number): FieldPath {
  const parts = header.split('.');
  const nests = parts.length <= PATH_PARTS_MAX && header.length <= PATH_LENGTH_MAX;
  if (nests && parts.every(isFieldName)) return parts;
  return [legalName(header, index)];
}

function legalName(header: string, index: number): string {
  const name = header
    .replace(/[^A-Za-z0-9_]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, NAME_LENGTH_MAX);
  if (name === '') return `column_${index}`;
  return /^[0-9]/.test(name) ? `column_${name}`.slice(0, NAME_LENGTH_MAX) : name;
}

class TakenPaths {
  /** Joined paths that hold a value … */
  readonly #values = new Set<string>();
  /** … and those that hold a record. */
  readonly #records = new Set<string>();

  claim(path: FieldPath): FieldPath {
    if (this.#isFree(path)) return this.#take(path);
    const flat = path.join('_').slice(0, NAME_LENGTH_MAX);
    if (path.length > 1 && this.#isFree([flat])) return this.#take([flat]);
    for (let suffix = 2; ; suffix += 1) {
      const candidate = [`${flat}_${suffix}`];
      if (this.#isFree(candidate)) return this.#take(candidate);
    }
  }

  #isFree(path: FieldPath): boolean {
    const joined = path.join('.');
    if (this.#values.has(joined) || this.#records.has(joined)) return false;
    return prefixes(path).every((prefix) => !this.#values.has(prefix));
  }

  #take(path: FieldPath): FieldPath {
    this.#values.add(path.join('.'));
    for (const prefix of prefixes(path)) this.#records.add(prefix);
    return path;
  }
}

/** The joined paths of the records a path runs through. */
function prefixes(path: FieldPath): readonly string[] {
  return path.slice(1).map((_, index) => path.slice(0, index + 1).join('.'));
}
