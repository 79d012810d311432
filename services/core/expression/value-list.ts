/**
 * The values of a list file as expressions see them: something that can be asked for one value, at
 * the same cost whether it holds ten or a million. It is not a CEL list, because CEL walks those.
 */

export class ValueList {
  readonly #values: ReadonlySet<string>;

  constructor(values: Iterable<string>) {
    this.#values = new Set(values);
  }

  /** Numbers and truth values are looked up as they are written: `42`, `0.5`, `true`. */
  has(value: string | number | bigint | boolean): boolean {
    return this.#values.has(typeof value === 'string' ? value : String(value));
  }
}

/** The variable `lists`. */
export type ValueLists = ReadonlyMap<string, ValueList>;

export function createValueLists(lists: ReadonlyMap<string, readonly string[]>): ValueLists {
  return new Map([...lists].map(([name, values]) => [name, new ValueList(values)]));
}
