/** The batcher that is measured, as the service makes it, with one version. */
import { type Batcher, createBatcher } from '../../services/inference-worker/batcher.ts';
import { createSystemClock } from '../../services/platform/clock/system-clock.ts';
import type { LoadedModel, Placement } from '../../services/platform/model/model-runtime.ts';
import { WORKERS } from './inference-subjects.ts';

export const VERSION = 'v1';
const CORES = 2;

export interface BenchBatcherOptions {
  readonly model: LoadedModel;
  readonly placement: 'auto' | Placement;
  readonly rowsMax: number;
  onBatch?(rowCount: number): void;
}

/** Serves the model as `VERSION`. */
export function createBenchBatcher({
  model,
  placement,
  rowsMax,
  onBatch,
}: BenchBatcherOptions): Batcher {
  const batcher = createBatcher({
    clock: createSystemClock(),
    limits: { rowsMax, bytesMax: 4 * 1_048_576, runMsMax: 50 },
    placement,
    workerCount: WORKERS,
    coreCount: CORES,
    onBatchEnd: ({ rows }) => onBatch?.(rows),
    onPlaceFailed(_version, error) {
      throw error;
    },
  });
  batcher.serve(VERSION, model, { shadow: false });
  return batcher;
}
