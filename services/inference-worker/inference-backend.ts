/**
 * The worker's models as something that can be called: requests from outside go into the same batcher
 * as the events, and get the model's own outputs. Versions are chosen by the caller, the primary by
 * default; neither policies nor fallbacks apply, as there is no event they could look at.
 */
import { CodedError } from '../core/errors.ts';
import { POLL_RECORDS_MAX } from '../core/limits.ts';
import type { RolloutPlan } from '../core/rollout/rollout-plan.ts';
import type { Clock } from '../platform/clock/clock.ts';
import type { InferenceBackend } from '../platform/http/inference-backend.ts';
import type { ModelOutputs, Tensor, TensorData } from '../platform/model/model-runtime.ts';
import type { Batcher, PartResult } from './batcher.ts';
import { type ServedModel, variantOf } from './served-model.ts';

export interface InferenceBackendOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly batcher: Batcher;
  ready(): boolean;
  plan(): RolloutPlan;
  served(version: string): ServedModel | null;
  /** Every version that is loaded and verified. */
  allServed(): readonly ServedModel[];
}

interface Part {
  readonly fromRow: number;
  readonly toRow: number;
  readonly outputs: ModelOutputs;
  readonly outputRow: number;
}

export function createInferenceBackend(options: InferenceBackendOptions): InferenceBackend {
  const { batcher, clock } = options;

  return {
    name: options.name,
    ready: options.ready,
    versions: () =>
      options.allServed().map(({ version, model }) => ({
        version,
        description: model.description,
        variant: variantOf(options.plan(), version),
        ready: true,
      })),

    infer: ({ version, batch, deadlineMs }) =>
      new Promise((resolve, reject) => {
        const served = options.served(version ?? options.plan().primary);
        if (served === null) {
          throw new CodedError('inference.input', `version ${version ?? ''} is not served`);
        }
        // Callers leave room for what the bus brings with the next poll.
        if (!batcher.hasRoom(served.queue, batch.rowCount + POLL_RECORDS_MAX)) {
          throw new CodedError('inference.overload', `the queue of ${served.version} is full`);
        }
        const parts: Part[] = [];
        let rowsLeft = batch.rowCount;
        const taken = batcher.submit({
          version: served.queue,
          rows: batch,
          deadlineMs:
            deadlineMs === null ? Number.POSITIVE_INFINITY : clock.monotonicMs() + deadlineMs,
          settle(fromRow: number, toRow: number, result: PartResult) {
            // A response is whole or an error: the first failure is the answer.
            if (result.kind === 'failed') {
              return reject(new CodedError(result.rejection.code, result.rejection.message));
            }
            parts.push({ fromRow, toRow, outputs: result.outputs, outputRow: result.outputRow });
            rowsLeft -= toRow - fromRow;
            if (rowsLeft === 0) {
              resolve({ version: served.version, outputs: assemble(parts, batch.rowCount) });
            }
          },
        });
        if (!taken) {
          throw new CodedError('inference.overload', `the queue of ${served.version} is full`);
        }
      }),
  };
}

function assemble(parts: Part[], rowCount: number): ModelOutputs {
  parts.sort((a, b) => a.fromRow - b.fromRow);
  const whole = new Map<string, Tensor>();
  for (const [name, { type, width }] of parts[0]!.outputs) {
    const pieces = parts.map(({ fromRow, toRow, outputs, outputRow }) => {
      const { data } = outputs.get(name)!;
      const [start, end] = [outputRow * width, (outputRow + toRow - fromRow) * width];
      return 'subarray' in data ? data.subarray(start, end) : data.slice(start, end);
    });
    whole.set(name, { type, width, data: joined(pieces, rowCount * width) });
  }
  return whole;
}

function joined(pieces: readonly TensorData[], length: number): TensorData {
  const [first] = pieces;
  if (pieces.length === 1) return first!;
  if (!ArrayBuffer.isView(first)) return (pieces as readonly (readonly string[])[]).flat();
  const whole = new (first.constructor as new (length: number) => Float32Array)(length);
  let at = 0;
  for (const piece of pieces as readonly Float32Array[]) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
