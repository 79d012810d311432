/** Batches for model tests, and a model that fails on some of them. */
import type { ModelBatch, Tensor } from '../../services/platform/model/model-runtime.ts';
import type { OnnxModel } from './onnx-file.ts';

export function floats(name: string, rows: readonly (readonly number[])[]): ModelBatch {
  const data = Float32Array.from(rows.flat());
  const width = rows[0]?.length ?? 0;
  return { rowCount: rows.length, inputs: new Map([[name, { type: 'float32', data, width }]]) };
}

/** Picks rows of the batch by index: an index beyond the batch fails the run. */
export const GATHER: OnnxModel = {
  nodes: [{ operator: 'Gather', inputs: ['x', 'index'], outputs: ['y'], attributes: { axis: 0 } }],
  inputs: [
    { name: 'x', element: 'float32', shape: ['rows', 2] },
    { name: 'index', element: 'int64', shape: ['rows'] },
  ],
  outputs: [{ name: 'y', element: 'float32', shape: ['rows', 2] }],
};

export function gatherBatch(indices: readonly number[]): ModelBatch {
  const batch = floats(
    'x',
    indices.map((_, row) => [row, -row]),
  );
  const data = BigInt64Array.from(indices, BigInt);
  const index: Tensor = { type: 'int64', data, width: 1 };
  return { ...batch, inputs: new Map([...batch.inputs, ['index', index]]) };
}

/** Two rows of two of every type, with the values that conversions get wrong. */
export const SAMPLE_TENSORS: readonly Tensor[] = [
  {
    type: 'float32',
    width: 2,
    data: Float32Array.of(0.1, Number.NaN, -0, Number.POSITIVE_INFINITY),
  },
  { type: 'float64', width: 2, data: Float64Array.of(0.1, 1e300, -0, 5e-324) },
  { type: 'int32', width: 2, data: Int32Array.of(1, -1, 2 ** 31 - 1, -(2 ** 31)) },
  { type: 'int64', width: 2, data: BigInt64Array.of(1n, -1n, 2n ** 63n - 1n, -(2n ** 63n)) },
  { type: 'bool', width: 2, data: Uint8Array.of(1, 0, 0, 1) },
  { type: 'string', width: 2, data: ['salaried', '', 'Überschuss', '値'] },
];
