/** A mistake in a bundle, with its place: what every check of this folder returns. */

export interface Problem {
  /** Name of the file within the bundle. */
  readonly file: string;
  /** 1-based; 1 where the mistake concerns the file as a whole. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
  /** Dotted place in the document, such as `columns.age.range`; empty for the document itself. */
  readonly path: string;
  /** What was found and what was expected, in one sentence. */
  readonly message: string;
}

/** `monitor.yaml:12:5: columns.age.range: …`, as editors and terminals link it. */
export function formatProblem(problem: Problem): string {
  const at = `${problem.file}:${problem.line}:${problem.column}`;
  return problem.path === ''
    ? `${at}: ${problem.message}`
    : `${at}: ${problem.path}: ${problem.message}`;
}

/** Keys and list indexes from the document's root. */
export type DocumentPath = readonly (string | number)[];

export function formatPath(path: DocumentPath): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : `${i > 0 ? '.' : ''}${part}`))
    .join('');
}

/** Where in its text a value of a document stands. */
export type Locate = (
  path: DocumentPath,
  part?: 'key' | 'value',
) => { readonly line: number; readonly column: number };

/** For what has no places. */
export const FILE_AS_A_WHOLE: Locate = () => ({ line: 1, column: 1 });

/** Collects problems of one file, each with its place. */
export class ProblemList {
  readonly problems: Problem[] = [];
  readonly #file: string;
  readonly #locate: Locate;

  constructor(file: string, locate: Locate) {
    this.#file = file;
    this.#locate = locate;
  }

  add(path: DocumentPath, message: string, part: 'key' | 'value' = 'value'): void {
    const place = this.#locate(path, part);
    this.problems.push({ file: this.#file, ...place, path: formatPath(path), message });
  }
}

const VALUE_LENGTH_MAX = 60;

/** A value of a configuration file as a message shows it. */
export function describeValue(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'a mapping';
  if (typeof value !== 'string') return `the ${typeof value} ${String(value)}`;
  const text = value.length <= VALUE_LENGTH_MAX ? value : `${value.slice(0, VALUE_LENGTH_MAX)}…`;
  return JSON.stringify(text);
}
