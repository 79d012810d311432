/**
 * Everything `tidegauge model inspect` finds out about a model file: what stands in it, what of it is
 * run, whether it runs here, and what that costs.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { CodedError } from '../core/errors.ts';
import { BATCH_ROWS_MAX } from '../core/limits.ts';
import { findCategoryExamples } from '../platform/model/category-examples.ts';
import {
  type BatchCost,
  measureBatchCosts,
  suggestPlacement,
} from '../platform/model/model-file-cost.ts';
import { type ModelFileSummary, summariseModelFile } from '../platform/model/model-file-summary.ts';
import type { ModelFileValue } from '../platform/model/model-file-value.ts';
import type { WeightSummary } from '../platform/model/model-file-weights.ts';
import type { ModelRuntime, Placement } from '../platform/model/model-runtime.ts';
import { WireFormatError } from '../platform/model/protobuf-wire.ts';
import { stripZipMap } from '../platform/model/strip-zip-map.ts';

/** How it runs on this machine; `refusal` is the reason where it does not. */
export type Trial =
  | {
      readonly refusal: null;
      readonly placement: Placement;
      readonly batchRowsFixed: number | null;
      readonly costs: readonly BatchCost[];
    }
  | { readonly refusal: string };

export interface ModelInspection {
  readonly file: string;
  readonly bytes: number;
  /** SHA-256 of the file, hex: the digest on predictions. */
  readonly sha256: string;
  /** SHA-256 of what is run: the same where nothing is stripped. */
  readonly runSha256: string;
  readonly summary: ModelFileSummary;
  /** Outputs after ZipMap is stripped. */
  readonly runOutputs: readonly ModelFileValue[];
  readonly trial: Trial;
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

async function readBytes(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new CodedError('configuration.model', `model ${file} cannot be read: ${String(error)}`);
  }
}

function readAs<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof WireFormatError)) throw error;
    throw new CodedError(
      'configuration.model',
      `model ${file} is not an ONNX file: ${error.message}`,
    );
  }
}

async function tryModel(runtime: ModelRuntime, file: string, runBytes: Uint8Array): Promise<Trial> {
  try {
    const model = await runtime.load({
      ...{ file, placement: 'inline', workerCount: 1, threadCount: 1, rowsMax: BATCH_ROWS_MAX },
    });
    try {
      const { batchRowsFixed, inputs } = model.description;
      const costs = await measureBatchCosts(model, findCategoryExamples(runBytes, inputs));
      return {
        refusal: null,
        placement: suggestPlacement(costs, batchRowsFixed),
        batchRowsFixed,
        costs,
      };
    } finally {
      await model.close();
    }
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return { refusal: error.message };
  }
}

/** Rejects with `configuration.model` where the file cannot be read or is no ONNX model. */
export async function inspectModel(runtime: ModelRuntime, file: string): Promise<ModelInspection> {
  const bytes = await readBytes(file);
  const { summary, runBytes } = readAs(file, () => ({
    summary: summariseModelFile(bytes),
    runBytes: stripZipMap(bytes),
  }));
  return {
    file,
    bytes: bytes.length,
    sha256: sha256(bytes),
    runSha256: sha256(runBytes),
    summary,
    runOutputs: runBytes === bytes ? summary.outputs : summariseModelFile(runBytes).outputs,
    trial: await tryModel(runtime, file, runBytes),
  };
}

/** NaN, infinite or denormal. */
export function isSuspect(weight: WeightSummary): boolean {
  return weight.nanCount + weight.infiniteCount + weight.denormalCount > 0;
}
