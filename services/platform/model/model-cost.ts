/**
 * What a run of n rows costs, `fixedMs + n × perRowMs`, and where it should therefore run.
 *
 * ONNX Runtime blocks the thread it runs on, and the hop to a worker costs about 0.1 ms: a model
 * whose batches stay short is cheapest on the main thread, a heavy one would stop the event loop.
 */
import { BATCH_ROWS_MAX } from '../../core/limits.ts';
import type { Placement } from './model-runtime.ts';

export interface ModelCost {
  readonly fixedMs: number;
  readonly perRowMs: number;
}

export interface CostSample {
  readonly rowCount: number;
  readonly durationMs: number;
}

/** The longest an inline run may hold the event loop. */
export const INLINE_RUN_MS_MAX = 2;
/** The batch that must fit into it: below this the fixed cost of a run dominates a light model. */
const INLINE_ROWS_MIN = 64;

const SAMPLE_ROWS = [1, 4, 16, 64, 256] as const;
const REPEATS_MAX = 15;
/** No further repeats of one size after this long … */
const SAMPLE_BUDGET_MS = 10;
/** … and no larger sizes once a single run takes this long: the slope is known by then. */
const RUN_MS_ENOUGH = 20;

/**
 * Times runs of growing size, the first of each left out: it allocates and is several times slower.
 * `run` must have been warmed up by the time its first result counts, so this is the warm-up too.
 */
export async function sampleCost(
  run: (rowCount: number) => Promise<unknown>,
  monotonicMs: () => number,
): Promise<readonly CostSample[]> {
  const samples: CostSample[] = [];
  for (const rowCount of SAMPLE_ROWS) {
    await run(rowCount);
    const durationsMs: number[] = [];
    const startedMs = monotonicMs();
    let endedMs = startedMs;
    do {
      const beforeMs = endedMs;
      await run(rowCount);
      endedMs = monotonicMs();
      durationsMs.push(endedMs - beforeMs);
    } while (durationsMs.length < REPEATS_MAX && endedMs - startedMs < SAMPLE_BUDGET_MS);
    // The median: a pause of the machine during one run must not move a model to workers.
    durationsMs.sort((a, b) => a - b);
    const durationMs = durationsMs[durationsMs.length >> 1]!;
    samples.push({ rowCount, durationMs });
    if (durationMs >= RUN_MS_ENOUGH) break;
  }
  return samples;
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

export function choosePlacement(cost: ModelCost): Placement {
  return predictedMs(cost, INLINE_ROWS_MIN) < INLINE_RUN_MS_MAX ? 'inline' : 'workers';
}

export function rowsPerRunMax(cost: ModelCost, placement: Placement): number {
  if (placement === 'workers' || cost.perRowMs === 0) return BATCH_ROWS_MAX;
  const rows = Math.floor((INLINE_RUN_MS_MAX - cost.fixedMs) / cost.perRowMs);
  return Math.min(BATCH_ROWS_MAX, Math.max(1, rows));
}
