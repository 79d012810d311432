/**
 * The JSON that a command prints against the tables of a page that document it, field by field.
 */
import { expect, vi } from 'vitest';
import { type MarkdownPage, plain, tableUnder } from './markdown-page.ts';

/** The object on the last line that a command prints. */
export async function lastLine(command: () => Promise<unknown>): Promise<unknown> {
  const written: string[] = [];
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    written.push(String(text));
    return true;
  });
  const error = vi.spyOn(process.stderr, 'write').mockImplementation(() => true);
  try {
    await command();
  } finally {
    out.mockRestore();
    error.mockRestore();
  }
  return JSON.parse(written.join('').trimEnd().split('\n').at(-1)!);
}

const isTime = (value: unknown) =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value);
const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  number: (value) => typeof value === 'number',
  text: (value) => typeof value === 'string',
  time: isTime,
  null: (value) => value === null,
  'true or false': (value) => typeof value === 'boolean',
};

/** Every value is documented with its type under one of the titles, and every documented field occurs. */
export function expectDocumented(
  page: MarkdownPage,
  json: unknown,
  titles: readonly string[],
  options: { readonly mayLack: readonly string[] } = { mayLack: [] },
): void {
  const fields = titles
    .flatMap((title) => tableUnder(page, title).rows)
    .map(([field, type]) => ({ field: plain(field!), types: type!.split(', '), seen: 0 }));
  const values = leaves(json, []);
  const wrong: string[] = [];
  for (const { path, value } of values) {
    const known = fields.find(({ field }) => matches(field, path));
    if (known === undefined) {
      wrong.push(`${path.join('.')} is not documented`);
      continue;
    }
    known.seen += 1;
    if (!known.types.some((type) => TYPES[type]!(value))) {
      wrong.push(`${path.join('.')} is ${JSON.stringify(value)}, documented as ${known.types}`);
    }
  }
  for (const { field, seen } of fields) {
    if (seen === 0 && !options.mayLack.includes(field)) wrong.push(`${field} does not occur`);
  }
  expect(wrong).toEqual([]);
}

interface Leaf {
  /** `[]` for an element of a list. */
  readonly path: readonly string[];
  readonly value: unknown;
}

function leaves(value: unknown, path: readonly string[]): readonly Leaf[] {
  if (Array.isArray(value)) return value.flatMap((item) => leaves(item, [...path, '[]']));
  if (typeof value !== 'object' || value === null) return [{ path, value }];
  return Object.entries(value).flatMap(([name, inner]) => leaves(inner, [...path, name]));
}

/** `*` stands for one name, whatever is in it. */
function matches(field: string, path: readonly string[]): boolean {
  const steps = field.replaceAll('[]', '.[]').split('.');
  return (
    steps.length === path.length &&
    steps.every((step, index) => step === path[index] || (step === '*' && path[index] !== '[]'))
  );
}

/** Both answers at once: lists joined, the later value of everything else. */
export function mergeJson(left: unknown, right: unknown): unknown {
  if (Array.isArray(left) && Array.isArray(right)) return [...left, ...right];
  if (typeof left !== 'object' || typeof right !== 'object' || !left || !right) return right;
  return Object.fromEntries(
    Object.entries({ ...left, ...right }).map(([name, value]) => [
      name,
      name in left && name in right
        ? mergeJson((left as Record<string, unknown>)[name], value)
        : value,
    ]),
  );
}
