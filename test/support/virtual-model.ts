/**
 * A model on a clock: it doubles its one input, takes as long as a test says, and writes down every run.
 * Inline runs and each worker take one batch at a time, like threads.
 */
import type { Clock } from '../../services/platform/clock/clock.ts';
import type {
  CostSample,
  LoadedModel,
  ModelBatch,
  ModelOutputs,
  Placement,
  RunOptions,
} from '../../services/platform/model/model-runtime.ts';

export interface VirtualRun {
  readonly values: readonly number[];
  readonly batch: ModelBatch;
  readonly placement: Placement;
  readonly owned: boolean;
  readonly submittedMs: number;
  endedMs: number;
}

export interface VirtualModelOptions {
  /** Read at each run. */
  runMs(rowCount: number, placement: Placement): number;
  /** What a run is to fail with, `null` for none. */
  fault?(values: readonly number[], run: number): Error | null;
  readonly placement?: Placement;
  /** True by default. */
  readonly isInlineable?: boolean;
  readonly workerCount?: number;
  readonly batchRowsFixed?: number;
  /** `[]`: as `runMs` says. */
  readonly costSamples?: readonly CostSample[];
  /** How long a move takes. */
  readonly placeMs?: number;
}

export interface VirtualModel extends LoadedModel {
  readonly runs: VirtualRun[];
  readonly placements: readonly Placement[];
}

export function createVirtualModel(clock: Clock, options: VirtualModelOptions): VirtualModel {
  const workerCount = options.workerCount ?? 2;
  const placements: Placement[] = [options.placement ?? 'inline'];
  const runs: VirtualRun[] = [];
  /** When each thread is free: the first is the one of inline runs. */
  const freeMs = new Array<number>(1 + workerCount).fill(0);
  const placed = () => placements.at(-1)!;
  const costSamples =
    options.costSamples ??
    [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024].map((rowCount) => ({
      rowCount,
      durationMs: options.runMs(rowCount, placed()),
    }));

  return {
    runs,
    placements,
    description: {
      digest: 'd1'.repeat(32),
      inputs: [{ name: 'x', type: 'float64', shape: [1] }],
      outputs: [{ name: 'y', type: 'float64', shape: [1] }],
      batchRowsFixed: options.batchRowsFixed ?? null,
      costSamples,
    },
    get placement() {
      return placed();
    },
    isInlineable: options.isInlineable ?? true,
    get batchesInFlightMax() {
      return placed() === 'inline' ? 1 : 2 * workerCount;
    },
    async place(placement) {
      await clock.sleep(options.placeMs ?? 0);
      placements.push(placement);
    },
    async run(batch: ModelBatch, runOptions?: RunOptions) {
      const values = [...(batch.inputs.get('x')!.data as Float64Array)];
      const placement = placed();
      const submittedMs = clock.monotonicMs();
      const owned = runOptions?.owned === true;
      const run: VirtualRun = { values, batch, placement, owned, submittedMs, endedMs: Infinity };
      runs.push(run);
      const fault = options.fault?.(values, runs.length - 1) ?? null;
      const durationMs = options.runMs(values.length, placement);
      let thread = 0;
      if (placement === 'workers') {
        thread = 1;
        for (let other = 2; other <= workerCount; other += 1) {
          if (freeMs[other]! < freeMs[thread]!) thread = other;
        }
      }
      freeMs[thread] = Math.max(freeMs[thread]!, submittedMs) + durationMs;
      await clock.sleep(freeMs[thread]! - submittedMs);
      run.endedMs = clock.monotonicMs();
      if (fault !== null) throw fault;
      return { outputs: doubled(values), durationMs };
    },
    close: async () => undefined,
  };
}

export function doubled(values: readonly number[]): ModelOutputs {
  const data = Float64Array.from(values, (value) => 2 * value);
  return new Map([['y', { type: 'float64', data, width: 1 }]]);
}

export function rowsOfValues(values: readonly number[]): ModelBatch {
  const data = Float64Array.from(values);
  return { rowCount: values.length, inputs: new Map([['x', { type: 'float64', data, width: 1 }]]) };
}
