/**
 * Scores the rows of one batch and isolates the ones the model fails on: a failing batch is halved
 * until the failing rows stand alone, so that one bad row never costs its neighbours.
 */
import { CodedError, type Rejection } from '../core/errors.ts';
import type { LoadedModel } from '../platform/model/model-runtime.ts';
import type { Cells, ModelBatching } from './model-batch.ts';

export type RowScore = readonly number[] | Rejection;

export function isRejection(score: RowScore): score is Rejection {
  return !Array.isArray(score);
}

/** One score per row, in order. Errors other than the model's own are thrown. */
export async function scoreBatch(
  model: LoadedModel,
  batching: ModelBatching,
  rows: readonly Cells[],
): Promise<readonly RowScore[]> {
  if (rows.length > model.rowsPerRunMax) {
    const scores: RowScore[] = [];
    for (let from = 0; from < rows.length; from += model.rowsPerRunMax) {
      const part = rows.slice(from, from + model.rowsPerRunMax);
      scores.push(...(await scoreBatch(model, batching, part)));
    }
    return scores;
  }
  try {
    return batching.unpack(await model.run(batching.pack(rows)), rows.length);
  } catch (error) {
    if (!(error instanceof CodedError) || !error.code.startsWith('inference.')) throw error;
    if (rows.length === 1) return [{ code: error.code, message: error.message }];
    const half = rows.length >> 1;
    return [
      ...(await scoreBatch(model, batching, rows.slice(0, half))),
      ...(await scoreBatch(model, batching, rows.slice(half))),
    ];
  }
}
