/**
 * The protocol's names for tensor types and shapes. Of its types those are offered that a model can
 * have here: BOOL, INT32, INT64, FP32, FP64 and BYTES (a string of the model, a string in JSON).
 */
import type { TensorDescription, TensorType } from '../model/model-runtime.ts';

export const DATATYPES = {
  bool: 'BOOL',
  int32: 'INT32',
  int64: 'INT64',
  float32: 'FP32',
  float64: 'FP64',
  string: 'BYTES',
} as const satisfies Record<TensorType, string>;

export interface TensorMetadata {
  readonly name: string;
  readonly datatype: string;
  /** The batch dimension first; -1 is variable. */
  readonly shape: readonly number[];
}

/** The batch dimension is always variable: requests are batched with others, or padded. */
export function metadataOf({ name, type, shape }: TensorDescription): TensorMetadata {
  return { name, datatype: DATATYPES[type], shape: [-1, ...shape.map((length) => length ?? -1)] };
}

/** Of what a caller sent, for a message: quoted and cut. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}

export function quotedNames(names: readonly string[]): string {
  const shown = names.slice(0, 10).map(quoted).join(', ');
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown;
}

/** Of a JSON value, for a message: never more than a word or a number of it. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null || typeof value === 'boolean' || typeof value === 'number') return `${value}`;
  if (typeof value === 'string') return 'a string';
  return Array.isArray(value) ? 'an array' : 'an object';
}
