/**
 * `ModelRuntime` over onnxruntime-node: tries the model in a process of its own, then opens it and warms
 * it up where it is to run, on the main thread or in worker threads.
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
  INLINE_OPEN_MS_MAX,
  INLINE_RUN_MS_MAX,
  MODEL_THREADS_MAX,
  MODEL_WORKERS_MAX,
  RUN_STUCK_MS,
} from '../../core/limits.ts';
import { createBatchCheck } from './check-model-batch.ts';
import { choosePlacement, sampleCost } from './model-cost.ts';
import { messageOf, refuseModel } from './model-error.ts';
import { readModelFile } from './model-file-bytes.ts';
import type { LoadedModel, LoadOptions, ModelRuntime, Placement } from './model-runtime.ts';
import { type ModelTrial, tryModel } from './model-trial.ts';
import { type StartModelWorker, startModelWorker } from './model-worker.ts';
import { startModelWorkerPool } from './model-worker-pool.ts';
import type { WorkerModel } from './model-worker-protocol.ts';
import { createSessionRun, exampleBatch, openSession } from './onnx-session.ts';
import { createPlacedModel } from './placed-model.ts';
import { createThreadClock } from './thread-clock.ts';

export interface OnnxModelRuntimeOptions {
  /** The compiled worker entry; the one beside this module by default, as for the trial. */
  readonly workerEntry?: URL;
  readonly trialEntry?: URL;
  /** A worker's run that takes this long, and many times what was predicted, is stuck; or one of a trial. */
  readonly stuckMs?: number;
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

/** Threads and processes run plain JavaScript: where the sources are run, by tests, what was built of them. */
function entryBeside(name: string): URL {
  const isSource = import.meta.url.endsWith('.ts');
  return new URL(`${isSource ? '../../../dist/platform/model' : '.'}/${name}.js`, import.meta.url);
}

function isInlineable({ openMs }: ModelTrial): boolean {
  return openMs <= INLINE_OPEN_MS_MAX;
}

function suggestPlacement(trial: ModelTrial): Placement {
  if (!isInlineable(trial)) return 'workers';
  return choosePlacement(trial.costSamples, trial.warmUpRows.at(-1)!);
}

/** Opens and warms it up on this thread. */
async function openInline({ model, threadCount, warmUpRows, ...feed }: WorkerModel) {
  const session = await openSession(model, threadCount);
  const run = createSessionRun(session, feed);
  try {
    const costSamples = await sampleCost(
      (rowCount) => run(exampleBatch(feed, rowCount)),
      warmUpRows,
      INLINE_RUN_MS_MAX,
    );
    return { costSamples, run, close: () => session.release() };
  } catch (error) {
    await session.release();
    throw error;
  }
}

export function createOnnxModelRuntime(options: OnnxModelRuntimeOptions = {}): ModelRuntime {
  const workerEntry = options.workerEntry ?? entryBeside('onnx-model-worker');
  const trialEntry = options.trialEntry ?? entryBeside('onnx-model-trial');
  const stuckMs = options.stuckMs ?? RUN_STUCK_MS;
  const clock = createThreadClock();

  function createModel(
    { workerCount, threadCount }: LoadOptions,
    model: Uint8Array<SharedArrayBuffer>,
    trial: ModelTrial,
    first: Placement,
  ): Promise<LoadedModel> {
    const { feed, description, warmUpRows, costSamples } = trial;
    const { inputs, batchRowsFixed } = description;
    const workerModel: WorkerModel = { model, ...feed, threadCount, warmUpRows };
    const { monotonicMs } = clock;
    const start: StartModelWorker = (events) =>
      startModelWorker({ entry: workerEntry, model: workerModel, monotonicMs, events });
    const parts = {
      description: { ...description, costSamples },
      check: createBatchCheck(inputs, batchRowsFixed),
      isInlineable: isInlineable(trial),
      workerCount,
      clock,
      startInline: () => openInline(workerModel),
      startPool: () => startModelWorkerPool({ start, workerCount, clock, stuckMs, costSamples }),
    };
    return createPlacedModel(parts, first);
  }

  async function load(loadOptions: LoadOptions): Promise<LoadedModel> {
    checkOptions(loadOptions);
    const { file, placement, rowsMax, threadCount } = loadOptions;
    const request = { file, threadCount, rowsMax };
    const trial = await tryModel(request, { entry: trialEntry, clock, stuckMs });
    const { model, digest } = await readModelFile(file);
    if (digest !== trial.description.digest) {
      throw refuseModel(file, 'it was replaced while it was loaded');
    }
    const first = placement === 'auto' ? suggestPlacement(trial) : placement;
    try {
      return await createModel(loadOptions, model, trial, first);
    } catch (error) {
      const what =
        first === 'inline'
          ? 'it cannot be opened on this thread'
          : 'its worker threads cannot start';
      throw refuseModel(file, `${what}: ${messageOf(error)}`, error);
    }
  }

  return { coreCount: availableParallelism(), load };
}
