/**
 * From a file to an open session, or to a refusal with the reason: what cannot be read, is no ONNX
 * file, keeps its weights elsewhere, does not load, has inputs or outputs nobody can exchange, or
 * fails on a batch of blank rows.
 */
import type { InferenceSession } from 'onnxruntime-node';
import { findCategoryExamples } from './category-examples.ts';
import { describeInputs, describeOutputs } from './inspect-model.ts';
import { messageOf, refuseModel } from './model-error.ts';
import { readModelFile } from './model-file-bytes.ts';
import type { ModelDescription, ModelOutputs, TensorDescription } from './model-runtime.ts';
import {
  createSessionRun,
  exampleBatch,
  openSession,
  type RunBatch,
  type SessionInputs,
} from './onnx-session.ts';

export interface OpenedModel {
  readonly session: InferenceSession;
  readonly feed: SessionInputs;
  readonly run: RunBatch;
  readonly description: Omit<ModelDescription, 'costSamples'>;
}

async function open(
  file: string,
  model: Uint8Array,
  threadCount: number,
): Promise<InferenceSession> {
  try {
    return await openSession(model, threadCount);
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
  feed: SessionInputs,
  run: RunBatch,
): Promise<readonly TensorDescription[]> {
  const declared = describeOutputs(file, session.outputMetadata);
  const rowCount = feed.batchRowsFixed ?? 2;
  let outputs: ModelOutputs;
  try {
    ({ outputs } = await run(exampleBatch(feed, rowCount)));
  } catch (error) {
    throw refuseModel(file, `a run over ${rowCount} blank rows fails: ${messageOf(error)}`, error);
  }
  return declared.map(({ name, type, shape }) => {
    const { width } = outputs.get(name)!;
    const isDeclared = shape.reduce<number>((product, d) => product * (d ?? 0), 1) === width;
    return { name, type, shape: isDeclared ? shape : [width] };
  });
}

/** The caller closes the session. `onRun` is told of every run, and waited for, before it begins. */
export async function openModel(
  file: string,
  threadCount: number,
  onRun: (rowCount: number) => Promise<void>,
): Promise<OpenedModel> {
  const { model, digest } = await readModelFile(file);
  const session = await open(file, model, threadCount);
  try {
    const described = describeInputs(file, session.inputMetadata);
    const feed = { ...described, examples: findCategoryExamples(model, described.inputs) };
    const runSession = createSessionRun(session, feed);
    const run: RunBatch = async (batch) => {
      await onRun(batch.rowCount);
      return runSession(batch);
    };
    const outputs = await confirmOutputs(file, session, feed, run);
    return {
      session,
      feed,
      run,
      description: { digest, ...described, outputs },
    };
  } catch (error) {
    await session.release();
    throw error;
  }
}
