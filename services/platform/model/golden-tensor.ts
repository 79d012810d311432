/** Elements of a golden.json as a tensor of the type and width the model has; each is checked. */
import type { Tensor, TensorData, TensorDescription, TensorType } from './model-runtime.ts';

/** One entry for each row, its elements as JSON has them, unchecked. */
export type GoldenTensor = readonly (readonly unknown[])[];

/** The tensor, or what is wrong with it, to be read after its name. */
export function goldenData(rows: GoldenTensor, description: TensorDescription): Tensor | string {
  const { type, shape } = description;
  const declared = shape.reduce<number | null>(
    (product, size) => (product === null || size === null ? null : product * size),
    1,
  );
  const width = declared ?? rows[0]!.length;
  const values: (number | bigint | string)[] = [];
  for (const [row, elements] of rows.entries()) {
    if (elements.length !== width) {
      return `, row ${row}: found ${elements.length} elements, expected ${width}`;
    }
    for (const [index, element] of elements.entries()) {
      const value = READERS[type](element);
      if (value === null) {
        const found = JSON.stringify(element)?.slice(0, 80);
        return `, row ${row}, element ${index}: found ${found}, expected ${EXPECTED[type]}`;
      }
      values.push(value);
    }
  }
  return { type, data: dataOf(type, values), width };
}

const EXPECTED: Readonly<Record<TensorType, string>> = {
  float32: 'a number, null for NaN, "Infinity" or "-Infinity"',
  float64: 'a number, null for NaN, "Infinity" or "-Infinity"',
  int32: 'a whole number of 32 bits',
  int64: 'a whole number of 64 bits, as text where it is beyond 2^53',
  bool: 'true or false',
  string: 'text',
};

type Reader = (element: unknown) => number | bigint | string | null;

const NOT_FINITE: readonly unknown[] = ['NaN', 'Infinity', '-Infinity'];

const readFloat: Reader = (element) => {
  if (element === null) return Number.NaN;
  if (NOT_FINITE.includes(element)) return Number(element);
  return typeof element === 'number' ? element : null;
};

const READERS: Readonly<Record<TensorType, Reader>> = {
  float32: readFloat,
  float64: readFloat,
  int32: (element) => (element === (Number(element) | 0) ? (element as number) : null),
  int64: (element) => {
    if (Number.isSafeInteger(element)) return BigInt(element as number);
    if (typeof element !== 'string' || !/^-?\d{1,19}$/.test(element)) return null;
    const value = BigInt(element);
    return BigInt.asIntN(64, value) === value ? value : null;
  },
  bool: (element) => (typeof element === 'boolean' ? Number(element) : null),
  string: (element) => (typeof element === 'string' ? element : null),
};

function dataOf(type: TensorType, values: readonly (number | bigint | string)[]): TensorData {
  switch (type) {
    case 'float32':
      return Float32Array.from(values as readonly number[]);
    case 'float64':
      return Float64Array.from(values as readonly number[]);
    case 'int32':
      return Int32Array.from(values as readonly number[]);
    case 'int64':
      return BigInt64Array.from(values as readonly bigint[]);
    case 'bool':
      return Uint8Array.from(values as readonly number[]);
    case 'string':
      return values as readonly string[];
  }
}
