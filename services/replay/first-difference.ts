/** The first place, in the order of the left side's fields, at which two plain values differ. */

export interface Difference {
  /** `columns.income.distances.ks`; empty where the values themselves differ. */
  readonly path: string;
  readonly left: unknown;
  readonly right: unknown;
}

/** `null`: they are equal. */
export function firstDifference(left: unknown, right: unknown, path = ''): Difference | null {
  if (!isBranch(left) || !isBranch(right)) {
    return Object.is(left, right) ? null : { path, left, right };
  }
  const names = new Set([...Object.keys(left), ...Object.keys(right)]);
  for (const name of names) {
    const inner = path === '' ? name : `${path}.${name}`;
    const found = firstDifference(left[name], right[name], inner);
    if (found !== null) return found;
  }
  return null;
}

function isBranch(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
