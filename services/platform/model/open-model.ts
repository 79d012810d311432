/**
 * From a file to an open session, or to a refusal with the reason: what cannot be read, is no ONNX
 * file, keeps its weights elsewhere, does not load, has inputs or outputs nobody can exchange, or
 * fails on a batch of blank rows.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { InferenceSession } from 'onnxruntime-node';
import { findCategoryExamples } from './category-examples.ts';
import { findExternalWeights } from './external-weights.ts';
import { describeInputs, describeOutputs } from './inspect-model.ts';
import { messageOf, refuseModel } from './model-error.ts';
import type { ModelDescription, ModelOutputs, TensorDescription } from './model-runtime.ts';
import {
  createSessionRun,
  exampleBatch,
  openSession,
  type RunBatch,
  type SessionInputs,
} from './onnx-session.ts';
import { stripZipMap } from './strip-zip-map.ts';

export interface OpenedModel {
  /** Without ZipMap. */
  readonly model: Uint8Array;
  readonly session: InferenceSession;
  readonly feed: SessionInputs;
  readonly run: RunBatch;
  readonly description: Omit<ModelDescription, 'costSamples'>;
}

async function readModel(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    throw refuseModel(file, `it cannot be read: ${messageOf(error)}`, error);
  }
}

function prepareModel(file: string, bytes: Uint8Array): Uint8Array {
  let weights: string | null;
  try {
    weights = findExternalWeights(bytes);
    if (weights === null) return stripZipMap(bytes);
  } catch (error) {
    throw refuseModel(file, `it is not an ONNX file: ${messageOf(error)}`, error);
  }
  const says = `weights lie in another file, ${JSON.stringify(weights)}; export it as one file`;
  throw refuseModel(file, says);
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

/** The caller closes the session. */
export async function openModel(file: string, threadCount: number): Promise<OpenedModel> {
  const bytes = await readModel(file);
  const model = prepareModel(file, bytes);
  const session = await open(file, model, threadCount);
  try {
    const described = describeInputs(file, session.inputMetadata);
    const feed = { ...described, examples: findCategoryExamples(model, described.inputs) };
    const run = createSessionRun(session, feed);
    const outputs = await confirmOutputs(file, session, feed, run);
    const digest = createHash('sha256').update(bytes).digest('hex');
    return { model, session, feed, run, description: { digest, ...described, outputs } };
  } catch (error) {
    await session.release();
    throw error;
  }
}
