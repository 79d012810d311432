/**
 * What the main thread and a model worker say to each other. Maps and typed arrays cross by
 * structured clone; the buffers listed by `tensorBuffers` are moved instead of copied.
 */
import type { CostSample, ModelBatch, ModelRun, Tensor } from './model-runtime.ts';
import type { SessionInputs } from './onnx-session.ts';

/** Handed over at start as `workerData`. */
export interface WorkerModel extends SessionInputs {
  /** The model without ZipMap, in shared memory: threads read it, none gets a copy to keep. */
  readonly model: Uint8Array<SharedArrayBuffer>;
  /** Intra-op threads of the session. */
  readonly threadCount: number;
  /** Batch sizes to run before the worker reports ready, ascending. */
  readonly warmUpRows: readonly number[];
}

export type WorkerRequest =
  | { readonly kind: 'run'; readonly id: number; readonly batch: ModelBatch }
  | { readonly kind: 'close' };

export type WorkerReply =
  /** The model is loaded and warm. */
  | { readonly kind: 'ready'; readonly costSamples: readonly CostSample[] }
  | { readonly kind: 'done'; readonly id: number; readonly run: ModelRun }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string };

/** Every buffer once: a buffer listed twice cannot be moved. */
export function tensorBuffers(tensors: Iterable<Tensor>): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { data } of tensors) {
    if (ArrayBuffer.isView(data) && data.buffer instanceof ArrayBuffer) buffers.add(data.buffer);
  }
  return [...buffers];
}

/** A view of a part would take the whole away from everybody who has another part of it. */
function isWhole({ data }: Tensor): boolean {
  return !ArrayBuffer.isView(data) || data.byteLength === data.buffer.byteLength;
}

/** The batch with buffers that may be moved away: the caller keeps its own, unless it gave them up. */
export function movableBatch(batch: ModelBatch, isOwned: boolean): ModelBatch {
  const inputs = new Map<string, Tensor>();
  for (const [name, tensor] of batch.inputs) {
    const isMoved = tensor.type === 'string' || (isOwned && isWhole(tensor));
    inputs.set(name, isMoved ? tensor : { ...tensor, data: tensor.data.slice() });
  }
  return { rowCount: batch.rowCount, inputs };
}
