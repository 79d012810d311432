/**
 * One ONNX Runtime session: opening it, and its runs. Used alike on the main thread and in a worker.
 *
 * A model with a fixed batch dimension is fed with as many rows as it wants, and any other with two at
 * least: the last row is repeated, and what the model says about the repetitions is cut off.
 */
import { performance } from 'node:perf_hooks';
import { InferenceSession, type Tensor as OnnxTensor } from 'onnxruntime-node';
import { CodedError } from '../../core/errors.ts';
import type { CategoryExamples } from './category-examples.ts';
import { runError } from './model-error.ts';
import type { ModelBatch, ModelRun, Tensor, TensorDescription } from './model-runtime.ts';
import { exampleTensor, fromOnnxTensor, padTensor, toOnnxTensor } from './onnx-tensor.ts';

/** What a session is fed with. */
export interface SessionInputs {
  readonly inputs: readonly TensorDescription[];
  readonly batchRowsFixed: number | null;
  readonly examples: CategoryExamples;
}

/**
 * A row alone goes through other kernels than several do, and the last bits of what they give may
 * differ (seen with int8 models). It runs twice instead: a replay cuts other batches than the live run,
 * and has to give the same bytes.
 */
const ROWS_OF_RUN_MIN = 2;

/** Runs a batch that fits the inputs; rejects with `inference.run`. */
export type RunBatch = (batch: ModelBatch) => Promise<ModelRun>;

export function openSession(model: Uint8Array, threadCount: number): Promise<InferenceSession> {
  // The binding takes no shared memory; it copies what it keeps, so this copy is short-lived.
  const isShared = model.buffer instanceof SharedArrayBuffer;
  return InferenceSession.create(isShared ? model.slice() : model, {
    intraOpNumThreads: threadCount,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    // Fatal only. Errors reach us as exceptions, and must not be a line per failed batch as well; old
    // scikit-learn exports declare the label as one row, and would warn at every larger batch.
    logSeverityLevel: 4,
    // Idle threads of one session would otherwise burn the cores of all others while they spin.
    ...(threadCount > 1 && { extra: { session: { intra_op: { allow_spinning: '0' } } } }),
  });
}

export function createSessionRun(session: InferenceSession, described: SessionInputs): RunBatch {
  const { inputs, batchRowsFixed } = described;
  const { outputNames } = session;
  /** Of each input, for no rows. */
  const dimensionsOf = inputs.map(({ shape }) => [0, ...shape.map((dimension) => dimension ?? 0)]);

  function readOutputs(
    values: InferenceSession.ReturnType,
    rowsOfRun: number,
    rowCount: number,
  ): Map<string, Tensor> {
    const outputs = new Map<string, Tensor>();
    for (const name of outputNames) {
      const value = values[name]!;
      const tensor = fromOnnxTensor(value, rowsOfRun, rowCount);
      if (tensor === null) {
        throw new CodedError(
          'inference.run',
          `output ${name} is ${value.type} [${value.dims}], not one row for each of ${rowsOfRun}`,
        );
      }
      outputs.set(name, tensor);
    }
    return outputs;
  }

  return (batch) => {
    const { rowCount } = batch;
    const rowsOfRun = batchRowsFixed ?? Math.max(rowCount, ROWS_OF_RUN_MIN);
    const feeds: Record<string, OnnxTensor> = {};
    for (let index = 0; index < inputs.length; index++) {
      const { name } = inputs[index]!;
      const given = batch.inputs.get(name)!;
      const tensor = rowCount === rowsOfRun ? given : padTensor(given, rowCount, rowsOfRun);
      const dimensions = dimensionsOf[index]!.slice();
      dimensions[0] = rowsOfRun;
      feeds[name] = toOnnxTensor(tensor, dimensions);
    }
    // onnxruntime-node runs in an immediate of its own, so this one is called right before it: what
    // the event loop does in between is no part of the run.
    let startedMs = 0;
    setImmediate(() => {
      startedMs = performance.now();
    });
    return session.run(feeds).then((values) => {
      const durationMs = performance.now() - startedMs;
      return { outputs: readOutputs(values, rowsOfRun, rowCount), durationMs };
    }, throwRunError);
  };
}

function throwRunError(error: unknown): never {
  throw runError(error);
}

/** What a model is tried and warmed up with: zeros, and categories where it knows no others. */
export function exampleBatch({ inputs, examples }: SessionInputs, rowCount: number): ModelBatch {
  const tensors = inputs.map((input) => {
    return [input.name, exampleTensor(input, rowCount, examples.get(input.name) ?? [])] as const;
  });
  return { rowCount, inputs: new Map(tensors) };
}
