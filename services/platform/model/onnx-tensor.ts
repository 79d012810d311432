/**
 * Between our `Tensor` (rows × width, batch dimension implied) and ONNX Runtime's (explicit
 * dimensions). Numbers are never copied: both sides share the same typed array.
 */
import { Tensor as OnnxTensor } from 'onnxruntime-node';
import type { Tensor, TensorData, TensorDescription, TensorType } from './model-runtime.ts';

/** The array that holds the elements of each type; strings are a plain array. */
const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
  string: Array,
} as const satisfies Record<TensorType, unknown>;

const TYPES: ReadonlySet<string> = new Set(Object.keys(ARRAYS));

export function isTensorType(type: string): type is TensorType {
  return TYPES.has(type);
}

export function holdsType(data: TensorData, type: TensorType): boolean {
  return data instanceof ARRAYS[type];
}

/** Elements of one row; `null` where a dimension is dynamic. */
export function rowWidth(description: TensorDescription): number | null {
  let width = 1;
  for (const dimension of description.shape) {
    if (dimension === null) return null;
    width *= dimension;
  }
  return width;
}

/** All zeros, `false` or empty strings. */
export function blankTensor(description: TensorDescription, rowCount: number): Tensor {
  const width = rowWidth(description) ?? 0;
  const { type } = description;
  const count = rowCount * width;
  const data = type === 'string' ? new Array<string>(count).fill('') : new ARRAYS[type](count);
  return { type, data, width };
}

/** A blank tensor with the same given values in every row; those of another type stay blank. */
export function exampleTensor(
  description: TensorDescription,
  rowCount: number,
  values: readonly (string | number | null)[],
): Tensor {
  const tensor = blankTensor(description, rowCount);
  const { type, width } = tensor;
  const data = tensor.data as (string | number | bigint)[];
  for (const [column, value] of values.entries()) {
    if (value === null || (typeof value === 'string') !== (type === 'string')) continue;
    const element = type === 'int64' ? BigInt(value) : value;
    for (let at = column; at < rowCount * width; at += width) data[at] = element;
  }
  return tensor;
}

/** The tensor with its last row repeated up to `rowsTo`, in an array of its own. */
export function padTensor(tensor: Tensor, rowCount: number, rowsTo: number): Tensor {
  const { type, width } = tensor;
  const lastRow = (rowCount - 1) * width;
  if (type === 'string') {
    const data = tensor.data.slice() as string[];
    for (let at = data.length; at < rowsTo * width; at++) data.push(data[at - width]!);
    return { type, data, width };
  }
  const data = new ARRAYS[type](rowsTo * width);
  // Same type on both sides, by the check of the batch; the union cannot say so.
  (data as Float64Array).set(tensor.data as Float64Array);
  for (let row = rowCount; row < rowsTo; row++) {
    data.copyWithin(row * width, lastRow, lastRow + width);
  }
  return { type, data, width };
}

/** The tensor must fit the type and the dimensions, see `createBatchCheck`. */
export function toOnnxTensor(tensor: Tensor, dimensions: readonly number[]): OnnxTensor {
  // The union of (type, data) pairs cannot be followed through the overloads; the pair was checked.
  return new OnnxTensor(tensor.type as 'float32', tensor.data as Float32Array, dimensions);
}

/**
 * The first `rowCount` rows of a value of `rowsOfRun`; `null` where it is not one row of elements per
 * row of the run.
 */
export function fromOnnxTensor(
  value: OnnxTensor,
  rowsOfRun: number,
  rowCount: number,
): Tensor | null {
  const { type, dims } = value;
  if (dims[0] !== rowsOfRun || !isTensorType(type)) return null;
  let width = 1;
  for (let index = 1; index < dims.length; index++) width *= dims[index]!;
  const data = value.data as TensorData;
  if (rowCount === rowsOfRun) return { type, data, width };
  const end = rowCount * width;
  return { type, data: 'subarray' in data ? data.subarray(0, end) : data.slice(0, end), width };
}
