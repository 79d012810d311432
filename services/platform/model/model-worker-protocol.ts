/**
 * What the main thread and a model worker say to each other. Maps and typed arrays cross by
 * structured clone; the buffers listed by `tensorBuffers` are moved instead of copied.
 */
import type { ModelBatch, ModelOutputs, Tensor, TensorDescription } from './model-runtime.ts';

/** Handed over at start as `workerData`. */
export interface WorkerModel {
  /** The model without ZipMap. */
  readonly model: Uint8Array;
  readonly inputs: readonly TensorDescription[];
  /** Batch sizes to run once before the worker reports ready. */
  readonly warmUpRows: readonly number[];
}

export type WorkerRequest =
  | { readonly kind: 'run'; readonly id: number; readonly batch: ModelBatch }
  | { readonly kind: 'close' };

export type WorkerReply =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly id: number; readonly outputs: ModelOutputs }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string };

/** Every buffer once: a buffer listed twice cannot be moved. */
export function tensorBuffers(tensors: Iterable<Tensor>): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { data } of tensors) {
    if (ArrayBuffer.isView(data) && data.buffer instanceof ArrayBuffer) buffers.add(data.buffer);
  }
  return [...buffers];
}

/** A copy whose buffers may be moved away: the caller keeps its own, whatever they are views of. */
export function copyBatch(batch: ModelBatch): ModelBatch {
  const inputs = new Map<string, Tensor>();
  for (const [name, tensor] of batch.inputs) {
    inputs.set(name, { ...tensor, data: tensor.data.slice() });
  }
  return { rowCount: batch.rowCount, inputs };
}
