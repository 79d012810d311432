/**
 * A model runtime of plain arithmetic: one float input, one float output, so that a test decides what
 * a row scores, which rows fail and when a run answers.
 */
import { CodedError } from '../../services/core/errors.ts';
import type { MonitorModel } from '../../services/core/monitor/monitor.ts';
import type {
  LoadedModel,
  ModelBatch,
  ModelDescription,
  ModelOutputs,
  ModelRuntime,
} from '../../services/platform/model/model-runtime.ts';

export const FAKE_MODEL: MonitorModel = {
  file: '/models/fake.onnx',
  version: '7',
  inputs: [{ tensor: 'features', columns: ['level'] }],
  outputs: [
    {
      ...{ name: 'risk', tensor: 'score', index: 0 },
      drift: { kind: 'threshold', distance: 'ks', threshold: 0.3 },
    },
  ],
  batch: { rowsMax: 16, lingerMsMax: 20 },
};

export const FAKE_MODEL_DESCRIPTION: ModelDescription = {
  digest: 'd1'.repeat(32),
  inputs: [{ name: 'features', type: 'float32', shape: [1] }],
  outputs: [{ name: 'score', type: 'float32', shape: [1] }],
  placement: 'inline',
  cost: { fixedMs: 0.01, perRowMs: 0.001 },
};

/** The model fails on a batch that holds this value. */
export const POISON_LEVEL = 666;

export interface FakeModel extends LoadedModel {
  /** Rows of every run so far, failed ones included. */
  readonly runs: number[];
  readonly closed: boolean;
}

export interface FakeModelOptions {
  readonly rowsPerRunMax?: number;
  /** What a run waits for before it answers. */
  readonly wait?: () => Promise<void>;
}

/** Scores half the input; NaN in is NaN out. */
export function createFakeModel(options: FakeModelOptions = {}): FakeModel {
  const runs: number[] = [];
  let closed = false;
  return {
    description: FAKE_MODEL_DESCRIPTION,
    rowsPerRunMax: options.rowsPerRunMax ?? 1_024,
    runs,
    get closed() {
      return closed;
    },
    async run(batch: ModelBatch): Promise<ModelOutputs> {
      runs.push(batch.rowCount);
      await options.wait?.();
      const data = batch.inputs.get('features')!.data as Float32Array;
      if (data.includes(POISON_LEVEL)) throw new CodedError('inference.run', 'poison in the batch');
      const score = { type: 'float32', data: data.map((value) => value / 2), width: 1 } as const;
      return new Map([['score', score]]);
    },
    async close() {
      closed = true;
    },
  };
}

export function createFakeModelRuntime(model: LoadedModel): ModelRuntime {
  return { load: async () => model };
}
