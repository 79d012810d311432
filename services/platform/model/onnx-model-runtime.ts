/**
 * `ModelRuntime` over onnxruntime-node: reads the file, strips ZipMap, inspects, warms up and
 * measures on the main thread, then runs there or in worker threads.
 *
 * Durations are measured with the process's own monotonic clock, not the `Clock` port: the cost of
 * this machine is real time even where the pipeline runs on a virtual clock. It decides where and in
 * how large batches a model runs, never what it returns.
 *
 * Close every model before the process exits: `process.exit` during a run in a worker thread aborts
 * the process (code 134) inside ONNX Runtime.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { performance } from 'node:perf_hooks';
import type { InferenceSession } from 'onnxruntime-node';
import { CodedError } from '../../core/errors.ts';
import { checkModelBatch } from './check-model-batch.ts';
import { describeInputs, describeOutputs } from './inspect-model.ts';
import { choosePlacement, fitCost, rowsPerRunMax, sampleCost } from './model-cost.ts';
import { messageOf, refuseModel, runError } from './model-error.ts';
import type {
  LoadedModel,
  LoadOptions,
  ModelBatch,
  ModelDescription,
  ModelOutputs,
  ModelRuntime,
  Placement,
  TensorDescription,
} from './model-runtime.ts';
import { startModelWorkerPool } from './model-worker-pool.ts';
import { blankBatch, openSession, runSession } from './onnx-session.ts';
import { stripZipMap } from './strip-zip-map.ts';

export interface OnnxModelRuntimeOptions {
  /** The compiled worker entry; the one beside this module by default. */
  readonly workerEntry?: URL;
}

/** Worker threads of one model: each holds the model in memory once more. */
const WORKERS_MAX = 64;

/** Runs batches that were checked; `close` is called once. */
interface BatchRunner {
  run(batch: ModelBatch): Promise<ModelOutputs>;
  close(): Promise<void>;
}

async function readModel(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    throw refuseModel(file, `it cannot be read: ${messageOf(error)}`, error);
  }
}

function stripModel(file: string, bytes: Uint8Array): Uint8Array {
  try {
    return stripZipMap(bytes);
  } catch (error) {
    throw refuseModel(file, `it is not an ONNX file: ${messageOf(error)}`, error);
  }
}

async function openModel(file: string, model: Uint8Array): Promise<InferenceSession> {
  try {
    return await openSession(model);
  } catch (error) {
    throw refuseModel(file, `ONNX Runtime cannot load it: ${messageOf(error)}`, error);
  }
}

/**
 * Output shapes come from a run: ZipMap's tensor has none declared, and some exports declare a wrong
 * one. Two rows tell a batch dimension from a coincidence.
 */
async function confirmOutputs(
  file: string,
  session: InferenceSession,
  inputs: readonly TensorDescription[],
): Promise<readonly TensorDescription[]> {
  const declared = describeOutputs(file, session.outputMetadata);
  let outputs: ModelOutputs;
  try {
    outputs = await runSession(session, inputs, blankBatch(inputs, 2));
  } catch (error) {
    throw refuseModel(file, `a run over two rows of zeros fails: ${messageOf(error)}`, error);
  }
  return declared.map(({ name, type, shape }) => {
    const { width } = outputs.get(name)!;
    const isDeclared = shape.reduce<number>((product, d) => product * (d ?? 0), 1) === width;
    return { name, type, shape: isDeclared ? shape : [width] };
  });
}

async function createRunner(
  options: LoadOptions,
  placement: Placement,
  parts: { session: InferenceSession; inputs: readonly TensorDescription[]; model: Uint8Array },
  workerEntry: URL,
): Promise<BatchRunner> {
  const { session, inputs, model } = parts;
  if (placement === 'inline') {
    return { run: (batch) => runSession(session, inputs, batch), close: () => session.release() };
  }
  await session.release();
  const workerModel = { model, inputs, warmUpRows: [1, 64] };
  try {
    return await startModelWorkerPool(workerEntry, workerModel, options.workerCount);
  } catch (error) {
    throw refuseModel(options.file, `its worker threads cannot start: ${messageOf(error)}`, error);
  }
}

function createLoadedModel(description: ModelDescription, runner: BatchRunner): LoadedModel {
  let closing: Promise<void> | null = null;
  return {
    description,
    rowsPerRunMax: rowsPerRunMax(description.cost, description.placement),
    async run(batch) {
      checkModelBatch(batch, description.inputs);
      if (closing !== null) throw new CodedError('inference.run', 'the model was closed');
      try {
        return await runner.run(batch);
      } catch (error) {
        throw runError(error);
      }
    },
    async close() {
      closing ??= runner.close();
      await closing;
    },
  };
}

/** A thread is started by plain Node: where the sources are run, by tests, it is the built one. */
const WORKER_ENTRY = import.meta.url.endsWith('.ts')
  ? '../../../dist/platform/model/onnx-model-worker.js'
  : './onnx-model-worker.js';

export function createOnnxModelRuntime(options: OnnxModelRuntimeOptions = {}): ModelRuntime {
  const workerEntry = options.workerEntry ?? new URL(WORKER_ENTRY, import.meta.url);

  async function load(loadOptions: LoadOptions): Promise<LoadedModel> {
    const { file, workerCount } = loadOptions;
    if (!Number.isInteger(workerCount) || workerCount < 1 || workerCount > WORKERS_MAX) {
      throw new CodedError(
        'configuration.invalid',
        `model ${file}: worker count ${workerCount} is not a whole number from 1 to ${WORKERS_MAX}`,
      );
    }
    const bytes = await readModel(file);
    const model = stripModel(file, bytes);
    const session = await openModel(file, model);
    let isKept = false;
    try {
      const inputs = describeInputs(file, session.inputMetadata);
      const outputs = await confirmOutputs(file, session, inputs);
      const samples = await sampleCost(
        (rowCount) => runSession(session, inputs, blankBatch(inputs, rowCount)),
        () => performance.now(),
      );
      const cost = fitCost(samples);
      const placement =
        loadOptions.placement === 'auto' ? choosePlacement(cost) : loadOptions.placement;
      const digest = createHash('sha256').update(bytes).digest('hex');
      isKept = true;
      const runner = await createRunner(
        loadOptions,
        placement,
        { session, inputs, model },
        workerEntry,
      );
      return createLoadedModel({ digest, inputs, outputs, placement, cost }, runner);
    } finally {
      if (!isKept) await session.release();
    }
  }

  return { load };
}
