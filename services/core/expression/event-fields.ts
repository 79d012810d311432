/**
 * What `event` holds in an expression: its shape, for checking an expression before the first event,
 * and which of the fields an expression reads an event lacks.
 */
import { suggestion } from '../monitor/nearest.ts';

/** `any` for what cannot be said beforehand. */
export type EventFieldType = 'number' | 'string' | 'boolean' | 'list' | 'any' | EventFields;
export interface EventFields {
  readonly [field: string]: EventFieldType;
}

/** A value of the type, with nothing where none can be foreseen. */
export function sampleOf(type: EventFieldType): unknown {
  switch (type) {
    case 'number':
      return 1;
    case 'string':
      return '';
    case 'boolean':
      return true;
    case 'list':
      return [];
    case 'any':
      return null;
    default:
      return Object.fromEntries(
        Object.entries(type).map(([field, inner]) => [field, sampleOf(inner)]),
      );
  }
}

/** What is wrong with a path, `null` where the event has all of it. */
export function pathMistake(fields: EventFields, path: readonly string[]): string | null {
  let at: EventFieldType = fields;
  for (const [index, field] of path.entries()) {
    if (at === 'any') return null;
    const inner: EventFieldType | undefined =
      typeof at === 'object' && Object.hasOwn(at, field) ? at[field] : undefined;
    if (inner === undefined) {
      const near = typeof at === 'object' ? suggestion(field, Object.keys(at)) : '';
      const unknown = path.slice(0, index + 1).join('.');
      return `event.${unknown} is not in the event schema${near}`;
    }
    at = inner;
  }
  return null;
}

/** Whether an event has no value at the path; null is none. */
export function lacks(root: Record<string, unknown>, path: readonly string[]): boolean {
  let value: unknown = root;
  for (const field of path) {
    if (typeof value !== 'object' || value === null) return true;
    value = (value as Record<string, unknown>)[field];
  }
  return value === null || value === undefined;
}

/** A copy without the fields that are null, so that CEL finds them absent. */
export function withoutNulls(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (value instanceof Uint8Array) return value;
  // Without a prototype: a field may be called __proto__.
  const copy: Record<string, unknown> = Object.create(null);
  for (const field of Object.keys(value)) {
    const inner = (value as Record<string, unknown>)[field];
    if (inner === null || inner === undefined) continue;
    copy[field] = typeof inner === 'object' ? withoutNulls(inner) : inner;
  }
  return copy;
}
