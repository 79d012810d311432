/** Following a path through plain values. */
import type { FieldPath } from '../monitor/monitor.ts';

/** `null` where a record or map on the way is missing, or the value itself. */
export function valueAt(root: unknown, path: FieldPath): unknown {
  let value = root;
  for (const field of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, field)) return null;
    value = (value as Readonly<Record<string, unknown>>)[field];
  }
  return value ?? null;
}
