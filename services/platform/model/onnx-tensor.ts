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

export function isTensorType(type: string): type is TensorType {
  return Object.hasOwn(ARRAYS, type);
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

/** All zeros, `false` or empty strings: what a model is warmed up with. */
export function blankTensor(description: TensorDescription, rowCount: number): Tensor {
  const width = rowWidth(description) ?? 0;
  const { type } = description;
  const count = rowCount * width;
  const data = type === 'string' ? new Array<string>(count).fill('') : new ARRAYS[type](count);
  return { type, data, width };
}

/** The tensor must fit the description, see `checkModelBatch`. */
export function toOnnxTensor(
  tensor: Tensor,
  description: TensorDescription,
  rowCount: number,
): OnnxTensor {
  const dimensions = [rowCount, ...description.shape.map((dimension) => dimension ?? 0)];
  // The union of (type, data) pairs cannot be followed through the overloads; the pair was checked.
  return new OnnxTensor(tensor.type as 'float32', tensor.data as Float32Array, dimensions);
}

/** `null` where the value is not one row of elements per row of the batch. */
export function fromOnnxTensor(value: OnnxTensor, rowCount: number): Tensor | null {
  if (!isTensorType(value.type) || value.dims[0] !== rowCount) return null;
  const width = value.dims.slice(1).reduce((product, dimension) => product * dimension, 1);
  return { type: value.type, data: value.data as TensorData, width };
}
