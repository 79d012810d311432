/**
 * What a run of n rows costs, `fixedMs + n × perRowMs`, measured at load, and where a model should
 * therefore run first. Measuring is the warm-up too: the first run of each batch size is slow.
 *
 * ONNX Runtime blocks the thread it runs on, and the hop to a worker costs about 0.1 ms: a model
 * whose batches stay short is cheapest on the main thread, a heavy one would stop the event loop.
 */
import { INLINE_RUN_MS_MAX } from '../../core/limits.ts';
import type { CostSample, Placement } from './model-runtime.ts';

export interface ModelCost {
  readonly fixedMs: number;
  readonly perRowMs: number;
}

/** The batch that must fit inline: below this the fixed cost of a run dominates a light model. */
const INLINE_ROWS_MIN = 64;

/** One may be disturbed. */
const REPEATS_MIN = 2;
const REPEATS_MAX = 15;
/** No further repeats of one size after this long … */
const REPEAT_BUDGET_MS = 5;
/** … and none at all where the first run takes this long: no pause of a busy machine is so long. */
const REPEAT_RUN_MS_MAX = 100;

/**
 * The batch sizes to warm up: powers of two, and the largest batch. Where the batch dimension is
 * fixed every run has the same rows, so the smallest and the largest batch say it all.
 */
export function warmUpRows(rowsMax: number, batchRowsFixed: number | null): readonly number[] {
  if (batchRowsFixed !== null) return [...new Set([1, Math.min(rowsMax, batchRowsFixed)])];
  const rows: number[] = [];
  for (let size = 1; size < rowsMax; size *= 2) rows.push(size);
  return [...rows, rowsMax];
}

/**
 * The durations of runs of growing size, the first of each left out: it allocates and is several times
 * slower. No larger size follows once a run takes `runMsEnough`; the smallest is always run.
 */
export async function sampleCost(
  run: (rowCount: number) => Promise<{ readonly durationMs: number }>,
  rowCounts: readonly number[],
  runMsEnough: number,
): Promise<readonly CostSample[]> {
  const samples: CostSample[] = [];
  for (const rowCount of rowCounts) {
    const first = await run(rowCount);
    const durationsMs: number[] = [];
    let spentMs = 0;
    const repeatsMax = first.durationMs < REPEAT_RUN_MS_MAX ? REPEATS_MAX : 0;
    while (durationsMs.length < repeatsMax) {
      if (durationsMs.length >= REPEATS_MIN && spentMs >= REPEAT_BUDGET_MS) break;
      const { durationMs } = await run(rowCount);
      durationsMs.push(durationMs);
      spentMs += durationMs;
    }
    // The lower quartile: on a machine whose cores are taken no model must look heavy for that.
    durationsMs.sort((a, b) => a - b);
    const durationMs = durationsMs[durationsMs.length >> 2] ?? first.durationMs;
    samples.push({ rowCount, durationMs });
    if (durationMs >= runMsEnough) break;
  }
  return samples;
}

/** `samples`, and those of `more` that are of larger batches. */
export function extendSamples(
  samples: readonly CostSample[],
  more: readonly CostSample[],
): readonly CostSample[] {
  const rowsMax = samples.at(-1)?.rowCount ?? 0;
  return [...samples, ...more.filter(({ rowCount }) => rowCount > rowsMax)];
}

/** Least squares over the samples, neither part below zero; one sample alone is all per-row. */
export function fitCost(samples: readonly CostSample[]): ModelCost {
  const count = samples.length;
  const rowsMean = samples.reduce((sum, sample) => sum + sample.rowCount, 0) / count;
  const msMean = samples.reduce((sum, sample) => sum + sample.durationMs, 0) / count;
  let covariance = 0;
  let variance = 0;
  for (const { rowCount, durationMs } of samples) {
    covariance += (rowCount - rowsMean) * (durationMs - msMean);
    variance += (rowCount - rowsMean) ** 2;
  }
  if (variance === 0) return { fixedMs: 0, perRowMs: msMean / rowsMean };
  const perRowMs = Math.max(0, covariance / variance);
  const fixedMs = msMean - perRowMs * rowsMean;
  if (fixedMs >= 0) return { fixedMs, perRowMs };
  // A line through the origin instead: the samples curve upwards.
  return { fixedMs: 0, perRowMs: msMean / rowsMean };
}

export function predictedMs(cost: ModelCost, rowCount: number): number {
  return cost.fixedMs + rowCount * cost.perRowMs;
}

export function choosePlacement(samples: readonly CostSample[], rowsMax: number): Placement {
  const rows = Math.min(INLINE_ROWS_MIN, rowsMax);
  return predictedMs(fitCost(samples), rows) < INLINE_RUN_MS_MAX ? 'inline' : 'workers';
}
