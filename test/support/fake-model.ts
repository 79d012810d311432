/**
 * A model runtime of plain arithmetic: one float input, one float output, so that a test decides what
 * a row scores, which rows fail, how long a run takes and when its thread is lost.
 */
import { CodedError } from '../../services/core/errors.ts';
import { BATCH_BYTES_MAX, BATCH_ROWS_MAX } from '../../services/core/limits.ts';
import type { MonitorModel } from '../../services/core/monitor/monitor.ts';
import type { Clock } from '../../services/platform/clock/clock.ts';
import type {
  LoadedModel,
  LoadOptions,
  ModelBatch,
  ModelDescription,
  ModelRun,
  ModelRuntime,
  Placement,
} from '../../services/platform/model/model-runtime.ts';

export const FAKE_MODEL: MonitorModel = {
  file: '/models/fake.onnx',
  versionsDirectory: '/models',
  version: '7',
  rollout: { primary: '7', canary: null, ab: [], shadow: null },
  inputs: [{ tensor: 'features', columns: ['level'] }],
  outputs: [
    {
      ...{ name: 'risk', tensor: 'score', index: 0 },
      drift: { kind: 'threshold', distance: 'ks', threshold: 0.3 },
    },
  ],
  batch: { rowsMax: 16, bytesMax: BATCH_BYTES_MAX, runMsMax: 100 },
  runtime: { placement: 'inline', workerCount: 1, threadCount: 1 },
  deadlineMs: 0,
  fallback: null,
  circuit: { failureShare: 0.5, rowCount: 1_000, openMs: 30_000 },
  policies: [],
  lists: new Map(),
  cache: null,
};

/** The model fails on a batch that holds this value. */
export const POISON_LEVEL = 666;

export interface FakeModel extends LoadedModel {
  /** Rows of every run so far, failed ones included. */
  readonly runs: number[];
  /** Where it was placed, in order. */
  readonly placements: Placement[];
  readonly closed: boolean;
}

export interface FakeModelOptions {
  /** How long a run takes on this clock; at once without it. */
  readonly time?: { readonly clock: Clock; runMs(rowCount: number): number };
  /** What a run waits for before it answers, beside its time. */
  readonly wait?: () => Promise<void>;
  /** A batch that holds such a value fails; `POISON_LEVEL` by default. */
  readonly fails?: (level: number) => boolean;
  /** So many runs lose their thread first (`inference.worker`). */
  readonly lossCount?: number;
  /** What the model says about a level; half of it by default. */
  readonly score?: (level: number) => number;
  readonly batchRowsFixed?: number;
  /** Batches in flight while on workers are twice this. */
  readonly workerCount?: number;
  readonly digest?: string;
}

/** What a fake model tells a batcher to expect where its runs take no time. */
const INSTANT_SAMPLES = [
  { rowCount: 1, durationMs: 0.011 },
  { rowCount: BATCH_ROWS_MAX, durationMs: 1.034 },
];

function describeFake(options: FakeModelOptions): ModelDescription {
  const runMs = options.time?.runMs;
  return {
    digest: options.digest ?? 'd1'.repeat(32),
    inputs: [{ name: 'features', type: 'float32', shape: [1] }],
    outputs: [{ name: 'score', type: 'float32', shape: [1] }],
    batchRowsFixed: options.batchRowsFixed ?? null,
    costSamples:
      runMs === undefined
        ? INSTANT_SAMPLES
        : [1, 16, 64].map((rowCount) => ({ rowCount, durationMs: runMs(rowCount) })),
  };
}

export const FAKE_MODEL_DESCRIPTION: ModelDescription = describeFake({});

export function createFakeModel(options: FakeModelOptions = {}): FakeModel {
  const { time, batchRowsFixed } = options;
  const fails = options.fails ?? ((level) => level === POISON_LEVEL);
  const score = options.score ?? ((level) => level / 2);
  const runs: number[] = [];
  const placements: Placement[] = ['inline'];
  let lossCount = options.lossCount ?? 0;
  let closed = false;

  async function run({ rowCount, inputs }: ModelBatch): Promise<ModelRun> {
    if (closed) throw new CodedError('inference.run', 'the model was closed');
    if (rowCount > (batchRowsFixed ?? rowCount)) {
      throw new CodedError('inference.input', `${rowCount} rows, at most ${batchRowsFixed}`);
    }
    runs.push(rowCount);
    const durationMs = time?.runMs(batchRowsFixed ?? rowCount) ?? 0.01;
    await time?.clock.sleep(durationMs);
    await options.wait?.();
    if (lossCount > 0) {
      lossCount -= 1;
      throw new CodedError('inference.worker', 'the thread ended');
    }
    const levels = inputs.get('features')!.data as Float32Array;
    if (levels.some(fails)) throw new CodedError('inference.run', 'poison in the batch');
    const scores = { type: 'float32', data: levels.map(score), width: 1 } as const;
    return { outputs: new Map([['score', scores]]), durationMs };
  }

  return {
    description: describeFake(options),
    isInlineable: true,
    get placement() {
      return placements.at(-1)!;
    },
    get batchesInFlightMax() {
      return placements.at(-1) === 'inline' ? 1 : 2 * (options.workerCount ?? 1);
    },
    async place(placement) {
      placements.push(placement);
    },
    runs,
    placements,
    get closed() {
      return closed;
    },
    run,
    async close() {
      closed = true;
    },
  };
}

/** The same model for every file, or the one that `choose` picks by what is to be loaded. */
export function createFakeModelRuntime(
  model: LoadedModel | ((options: LoadOptions) => LoadedModel | Promise<LoadedModel>),
): ModelRuntime {
  return {
    coreCount: 2,
    load: async (options) => (typeof model === 'function' ? model(options) : model),
  };
}
