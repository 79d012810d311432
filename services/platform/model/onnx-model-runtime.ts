/**
 * `ModelRuntime` over onnxruntime-node: opens the model, warms it up and measures on the main thread,
 * then runs there or in worker threads.
 *
 * Durations are measured with the process's own monotonic clock, not the `Clock` port: the cost of
 * this machine is real time even where the pipeline runs on a virtual clock. It decides where and in
 * how large batches a model runs, never what it returns.
 *
 * Close every model before the process exits: `process.exit` during a run in a worker thread aborts
 * the process (code 134) inside ONNX Runtime.
 */
import { availableParallelism } from 'node:os';
import { CodedError } from '../../core/errors.ts';
import {
  BATCH_ROWS_MAX,
  INLINE_RUN_MS_MAX,
  MODEL_THREADS_MAX,
  MODEL_WORKERS_MAX,
  RUN_STUCK_MS,
} from '../../core/limits.ts';
import { createBatchCheck } from './check-model-batch.ts';
import { choosePlacement, sampleCost, warmUpRows } from './model-cost.ts';
import { messageOf, refuseModel } from './model-error.ts';
import type { CostSample, LoadedModel, LoadOptions, ModelRuntime } from './model-runtime.ts';
import { type StartModelWorker, startModelWorker } from './model-worker.ts';
import { startModelWorkerPool } from './model-worker-pool.ts';
import type { WorkerModel } from './model-worker-protocol.ts';
import { exampleBatch } from './onnx-session.ts';
import { type OpenedModel, openModel } from './open-model.ts';
import { createPlacedModel } from './placed-model.ts';
import { createThreadClock } from './thread-clock.ts';

export interface OnnxModelRuntimeOptions {
  /** The compiled worker entry; the one beside this module by default. */
  readonly workerEntry?: URL;
  /** A worker's run that takes this long, and many times what was predicted, is stuck. */
  readonly stuckMs?: number;
}

function shared(bytes: Uint8Array): Uint8Array<SharedArrayBuffer> {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

function checkOptions({ file, workerCount, threadCount, rowsMax }: LoadOptions): void {
  const wholes: readonly [string, number, number][] = [
    ['worker count', workerCount, MODEL_WORKERS_MAX],
    ['thread count', threadCount, MODEL_THREADS_MAX],
    ['largest batch', rowsMax, BATCH_ROWS_MAX],
  ];
  for (const [what, value, max] of wholes) {
    if (Number.isInteger(value) && value >= 1 && value <= max) continue;
    throw new CodedError(
      'configuration.invalid',
      `model ${file}: ${what} ${value} is not a whole number from 1 to ${max}`,
    );
  }
}

/** A thread is started by plain Node: where the sources are run, by tests, it is the built one. */
const WORKER_ENTRY = import.meta.url.endsWith('.ts')
  ? '../../../dist/platform/model/onnx-model-worker.js'
  : './onnx-model-worker.js';

export function createOnnxModelRuntime(options: OnnxModelRuntimeOptions = {}): ModelRuntime {
  const entry = options.workerEntry ?? new URL(WORKER_ENTRY, import.meta.url);
  const stuckMs = options.stuckMs ?? RUN_STUCK_MS;
  const clock = createThreadClock();

  /** Placed inline. */
  function createModel(
    { workerCount, threadCount }: LoadOptions,
    { model, session, feed, run, description }: OpenedModel,
    warmUp: { rowCounts: readonly number[]; costSamples: readonly CostSample[] },
  ): LoadedModel {
    const { rowCounts, costSamples } = warmUp;
    const { inputs, batchRowsFixed } = description;
    const workerModel: WorkerModel = {
      model: shared(model),
      ...feed,
      threadCount,
      warmUpRows: rowCounts,
    };
    const { monotonicMs } = clock;
    const start: StartModelWorker = (events) =>
      startModelWorker({ entry, model: workerModel, monotonicMs, events });
    return createPlacedModel({
      description: { ...description, costSamples },
      check: createBatchCheck(inputs, batchRowsFixed),
      inline: { run, close: () => session.release() },
      workerCount,
      clock,
      startPool: () => startModelWorkerPool({ start, workerCount, clock, stuckMs, costSamples }),
    });
  }

  async function load(loadOptions: LoadOptions): Promise<LoadedModel> {
    checkOptions(loadOptions);
    const { file, placement, rowsMax, threadCount } = loadOptions;
    const opened = await openModel(file, threadCount);
    let step = 'it cannot be warmed up';
    try {
      const { batchRowsFixed } = opened.description;
      const rowCounts = warmUpRows(rowsMax, batchRowsFixed);
      // A longer batch never runs inline; the workers' own warm-up goes on from there.
      const costSamples = await sampleCost(
        (rowCount) => opened.run(exampleBatch(opened.feed, rowCount)),
        rowCounts,
        INLINE_RUN_MS_MAX,
      );
      const model = createModel(loadOptions, opened, { rowCounts, costSamples });
      step = 'its worker threads cannot start';
      const rowCountMax = rowCounts.at(-1)!;
      await model.place(
        placement === 'auto' ? choosePlacement(costSamples, rowCountMax) : placement,
      );
      return model;
    } catch (error) {
      await opened.session.release();
      throw refuseModel(file, `${step}: ${messageOf(error)}`, error);
    }
  }

  return { coreCount: availableParallelism(), load };
}
