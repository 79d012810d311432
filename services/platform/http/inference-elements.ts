/**
 * JSON values as elements of tensors, one entry per type. Nothing is wrapped, rounded to another
 * integer or read from text: what does not fit is refused.
 *
 * ```
 * BOOL    true, false
 * INT32   a whole number from -2^31 to 2^31-1
 * INT64   a whole number from -(2^53-1) to 2^53-1: beyond, a parsed JSON number has lost precision
 * FP32    a number whose nearest FP32 is finite, or null for a missing value, NaN to the model
 * FP64    a number, or null for a missing value
 * BYTES   a string
 * ```
 */
import type { TensorData, TensorType } from '../model/model-runtime.ts';

/** Writes `source` from `at` on; the index in `source` of the first element that does not fit, else -1. */
type Fill<Data> = (source: readonly unknown[], target: Data, at: number) => number;

export interface Elements<Data = TensorData> {
  /** What an element must be, for a message. */
  readonly expected: string;
  readonly allocate: (count: number) => Data;
  readonly fill: Fill<Data>;
}

const BOOL: Elements<Uint8Array> = {
  expected: 'true or false (BOOL)',
  allocate: (count) => new Uint8Array(count),
  fill(source, target, at) {
    for (let index = 0; index < source.length; index += 1) {
      const value = source[index];
      if (typeof value !== 'boolean') return index;
      target[at + index] = value ? 1 : 0;
    }
    return -1;
  },
};

const INT32: Elements<Int32Array> = {
  expected: 'a whole number from -2147483648 to 2147483647 (INT32)',
  allocate: (count) => new Int32Array(count),
  fill(source, target, at) {
    for (let index = 0; index < source.length; index += 1) {
      const value = source[index];
      if (typeof value !== 'number' || value !== (value | 0)) return index;
      target[at + index] = value;
    }
    return -1;
  },
};

const INT64: Elements<BigInt64Array> = {
  expected: 'a whole number of at most 2^53-1 (INT64): beyond, JSON numbers lose precision',
  allocate: (count) => new BigInt64Array(count),
  fill(source, target, at) {
    for (let index = 0; index < source.length; index += 1) {
      const value = source[index];
      if (!Number.isSafeInteger(value)) return index;
      target[at + index] = BigInt(value as number);
    }
    return -1;
  },
};

const FP32: Elements<Float32Array> = {
  expected: 'a number within the range of FP32, or null for a missing value',
  allocate: (count) => new Float32Array(count),
  fill(source, target, at) {
    for (let index = 0; index < source.length; index += 1) {
      const value = source[index];
      if (typeof value === 'number' && Number.isFinite(Math.fround(value))) {
        target[at + index] = value;
      } else if (value === null) target[at + index] = Number.NaN;
      else return index;
    }
    return -1;
  },
};

const FP64: Elements<Float64Array> = {
  expected: 'a number within the range of FP64, or null for a missing value',
  allocate: (count) => new Float64Array(count),
  fill(source, target, at) {
    for (let index = 0; index < source.length; index += 1) {
      const value = source[index];
      // JSON can spell what a double cannot hold: 1e999 is read as infinity.
      if (typeof value === 'number' && Number.isFinite(value)) target[at + index] = value;
      else if (value === null) target[at + index] = Number.NaN;
      else return index;
    }
    return -1;
  },
};

const BYTES: Elements<string[]> = {
  expected: 'a string (BYTES)',
  allocate: (count) => new Array<string>(count).fill(''),
  fill(source, target, at) {
    for (let index = 0; index < source.length; index += 1) {
      const value = source[index];
      if (typeof value !== 'string') return index;
      target[at + index] = value;
    }
    return -1;
  },
};

const ELEMENTS = {
  bool: BOOL,
  int32: INT32,
  int64: INT64,
  float32: FP32,
  float64: FP64,
  string: BYTES,
} as const satisfies Record<TensorType, unknown>;

/** `fill` takes what `allocate` of the same type gave. */
export function elementsOf(type: TensorType): Elements {
  return ELEMENTS[type] as Elements;
}
