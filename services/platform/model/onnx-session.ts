/**
 * One ONNX Runtime session: opening it, and one run. Used alike on the main thread and in a worker.
 *
 * One thread per session: intra-op threads of two sessions spin against each other, and parallelism
 * comes from having several sessions in workers.
 */
import { InferenceSession, type Tensor as OnnxTensor } from 'onnxruntime-node';
import type { ModelBatch, ModelOutputs, Tensor, TensorDescription } from './model-runtime.ts';
import { blankTensor, fromOnnxTensor, toOnnxTensor } from './onnx-tensor.ts';

const SESSION_OPTIONS: InferenceSession.SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  // Fatal only. Errors reach us as exceptions, and must not be a line per failed batch as well; old
  // scikit-learn exports declare the label as one row, and would warn at every larger batch.
  logSeverityLevel: 4,
};

export function openSession(model: Uint8Array): Promise<InferenceSession> {
  return InferenceSession.create(model, SESSION_OPTIONS);
}

/** Runs a batch that fits `inputs`; throws what ONNX Runtime throws. */
export async function runSession(
  session: InferenceSession,
  inputs: readonly TensorDescription[],
  batch: ModelBatch,
): Promise<ModelOutputs> {
  const feeds: Record<string, OnnxTensor> = {};
  for (const description of inputs) {
    const tensor = batch.inputs.get(description.name)!;
    feeds[description.name] = toOnnxTensor(tensor, description, batch.rowCount);
  }
  const values = await session.run(feeds);
  const outputs = new Map<string, Tensor>();
  for (const name of session.outputNames) {
    const value = values[name]!;
    const tensor = fromOnnxTensor(value, batch.rowCount);
    if (tensor === null) {
      throw new Error(
        `output ${name} is ${value.type} [${value.dims}], not one row for each of ${batch.rowCount}`,
      );
    }
    outputs.set(name, tensor);
  }
  return outputs;
}

export function blankBatch(inputs: readonly TensorDescription[], rowCount: number): ModelBatch {
  const tensors = inputs.map((input) => [input.name, blankTensor(input, rowCount)] as const);
  return { rowCount, inputs: new Map(tensors) };
}
