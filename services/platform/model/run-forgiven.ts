/**
 * Runs a model whose failing rows another member of the ensemble will answer: a batch that fails is
 * halved until the rows at fault are found, so that what a row gets does not depend on the rows
 * beside it. Within a budget of runs: what is not found by then counts as failed.
 */
import { CodedError } from '../../core/errors.ts';
import { BISECT_RUNS_MAX } from '../../core/limits.ts';
import { copyRows, sliceRows } from './ensemble-tensor.ts';
import type { LoadedModel, ModelBatch, ModelRun, Tensor } from './model-runtime.ts';
import { blankTensor } from './onnx-tensor.ts';

export interface ForgivenRun extends ModelRun {
  /** 1 for each row without an answer, whose outputs are blank; `null`: all have one. */
  readonly failed: Uint8Array | null;
  /** The first failure. */
  readonly error: CodedError | null;
}

/** A thread that ended says nothing about the rows: then the whole batch runs again. */
function rowFault(error: unknown): CodedError {
  if (!(error instanceof CodedError)) throw error;
  if (error.code !== 'inference.run' && error.code !== 'inference.input') throw error;
  return error;
}

/** The batch's arrays stay the caller's: they are needed again where it fails. */
export async function runForgiven(model: LoadedModel, batch: ModelBatch): Promise<ForgivenRun> {
  const { rowCount } = batch;
  let error: CodedError;
  try {
    return { ...(await model.run(batch)), failed: null, error: null };
  } catch (caught) {
    error = rowFault(caught);
  }
  const outputs = new Map<string, Tensor>();
  for (const output of model.description.outputs) {
    outputs.set(output.name, blankTensor(output, rowCount));
  }
  const failed = new Uint8Array(rowCount).fill(1);
  let durationMs = 0;
  const suspects: (readonly [from: number, to: number])[] = [];
  const halve = (from: number, to: number): void => {
    const middle = (from + to) >> 1;
    if (to - from > 1) suspects.push([middle, to], [from, middle]);
  };
  halve(0, rowCount);
  for (let runs = 0; runs < BISECT_RUNS_MAX; runs++) {
    const suspect = suspects.pop();
    if (suspect === undefined) break;
    const [from, to] = suspect;
    try {
      const part = await model.run(sliceRows(batch, from, to));
      durationMs += part.durationMs;
      for (const [name, tensor] of part.outputs) copyRows(tensor, outputs.get(name)!, from);
      failed.fill(0, from, to);
    } catch (caught) {
      rowFault(caught);
      halve(from, to);
    }
  }
  return { outputs, durationMs, failed, error };
}
