/** What generated models are put together from: tensors, nodes, weights drawn from a seed. */
import type { Draw } from './draw.ts';
import { encodeOnnxModel, type OnnxNode, type OnnxValue } from './onnx-file.ts';
import type { OnnxTensorValue } from './onnx-tensor-file.ts';

export interface ModelTensor {
  readonly name: string;
  readonly element: 'float32' | 'float64' | 'int32' | 'int64' | 'bool' | 'string';
  /** Elements of one row. */
  readonly width: number;
}

export interface GeneratedModel {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly inputs: readonly ModelTensor[];
  readonly outputs: readonly ModelTensor[];
}

export const SEED = 5;

/** Uniform in [-scale, scale], in steps that float32 holds. */
export function weights(draw: Draw, count: number, scale: number): Float32Array {
  return Float32Array.from({ length: count }, () => (draw(-1_000_000, 1_000_000) / 1e6) * scale);
}

export function floatTensor(
  name: string,
  shape: readonly number[],
  values: OnnxTensorValue['values'],
): OnnxTensorValue {
  return { name, element: 'float32', shape, values };
}

export function intTensor(name: string, values: readonly number[]): OnnxTensorValue {
  return { name, element: 'int64', shape: [values.length], values };
}

export function node(
  operator: string,
  inputs: readonly string[],
  output: string,
  rest: Pick<OnnxNode, 'attributes' | 'domain'> = {},
): OnnxNode {
  return { operator, inputs, outputs: [output], ...rest };
}

function value(tensor: ModelTensor, rows: number | 'rows' = 'rows'): OnnxValue {
  return { ...tensor, shape: [rows, tensor.width] };
}

export interface ModelParts {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers?: readonly OnnxTensorValue[];
  readonly inputs: readonly ModelTensor[];
  readonly outputs: readonly ModelTensor[];
  readonly rows?: number;
}

export function generated({ rows, ...parts }: ModelParts): GeneratedModel {
  const { name, inputs, outputs } = parts;
  const bytes = encodeOnnxModel({
    ...parts,
    inputs: inputs.map((tensor) => value(tensor, rows)),
    outputs: outputs.map((tensor) => value(tensor, rows)),
  });
  return { name, bytes, inputs, outputs };
}

export const SCORE: ModelTensor = { name: 'score', element: 'float32', width: 1 };

export function features(width: number): ModelTensor {
  return { name: 'features', element: 'float32', width };
}
