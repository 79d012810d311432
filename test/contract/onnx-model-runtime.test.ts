/** onnxruntime-node against the contract on both placements, and what is its own: ZipMap, first placement. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LoadOptions } from '../../services/platform/model/model-runtime.ts';
import { createOnnxModelRuntime } from '../../services/platform/model/onnx-model-runtime.ts';
import { floats } from '../support/model-batches.ts';
import { createModelFixture, type ModelFixture, outputsOf } from '../support/model-fixture.ts';
import { compileModelWorkerEntry, type ModelWorkerEntry } from '../support/model-worker-entry.ts';
import type { OnnxModel } from '../support/onnx-file.ts';
import { sineBatch, sineModel } from '../support/sine-model.ts';
import { describeModelRuntime } from './model-runtime.contract.ts';
import { describeModelTensors } from './model-tensors.contract.ts';

const SIZES = { workerCount: 1, threadCount: 1, rowsMax: 128 };

let entry: ModelWorkerEntry;
beforeAll(() => {
  entry = compileModelWorkerEntry();
});
afterAll(() => entry.remove());

for (const placement of ['inline', 'workers'] as const) {
  describeModelRuntime(placement, () =>
    createOnnxModelRuntime({ workerEntry: entry.url, trialEntry: entry.trial }),
  );
  describeModelTensors(placement, () =>
    createOnnxModelRuntime({ workerEntry: entry.url, trialEntry: entry.trial }),
  );
}

describe('placement auto', () => {
  let fixture: ModelFixture;
  beforeAll(() => {
    const runtime = createOnnxModelRuntime({ workerEntry: entry.url, trialEntry: entry.trial });
    fixture = createModelFixture(runtime, { ...SIZES, placement: 'auto' });
  });
  afterAll(() => fixture.remove());

  it('keeps a light model on the main thread', async () => {
    await fixture.withModel(sineModel(1), async (model) => {
      expect([model.placement, model.isInlineable]).toEqual(['inline', true]);
      // How far it goes depends on the machine: to the first run that is long for this thread.
      const sizes = model.description.costSamples.map(({ rowCount }) => rowCount);
      expect(sizes.length).toBeGreaterThan(3);
      expect(sizes).toEqual(sizes.map((_, index) => 2 ** index));
    });
  });

  it('sends a heavy one to workers', async () => {
    await fixture.withModel(sineModel(400), async (model) => {
      expect(model.placement).toBe('workers');
      expect((await outputsOf(model, sineBatch(1))).get('v400')!.width).toBe(1_000);
    });
  });
});

describe('what is asked of a load', () => {
  const wrong: readonly Partial<LoadOptions>[] = [
    ...[0, 1.5, 1_000, Number.NaN].map((workerCount) => ({ workerCount })),
    ...[0, 65].map((threadCount) => ({ threadCount })),
    ...[0, 1_025].map((rowsMax) => ({ rowsMax })),
  ];
  it.each(wrong)('is refused where it makes no sense: %o', async (options) => {
    const load = createOnnxModelRuntime().load({
      ...SIZES,
      placement: 'inline',
      file: 'absent.onnx',
      ...options,
    });
    await expect(load).rejects.toMatchObject({
      code: 'configuration.invalid',
      message: expect.stringContaining(String(Object.values(options)[0])),
    });
  });

  it('may be several threads for one session', async () => {
    const runtime = createOnnxModelRuntime();
    const fixture = createModelFixture(runtime, { ...SIZES, threadCount: 2, placement: 'inline' });
    await fixture.withModel(sineModel(2), async (model) => {
      const { data } = (await outputsOf(model, sineBatch(128))).get('v2')!;
      expect((data as Float32Array).every((value) => Math.abs(value - 0.7456241) < 1e-5)).toBe(
        true,
      );
    });
    fixture.remove();
  });
});

describe('ZipMap', () => {
  it('is stripped from a model that imports no default operator set', async () => {
    const model: OnnxModel = {
      domains: ['ai.onnx.ml'],
      nodes: [
        { operator: 'Normalizer', inputs: ['x'], outputs: ['p'], domain: 'ai.onnx.ml' },
        {
          operator: 'ZipMap',
          inputs: ['p'],
          outputs: ['maps'],
          domain: 'ai.onnx.ml',
          attributes: { classlabels_int64s: [0, 1, 2] },
        },
      ],
      inputs: [{ name: 'x', element: 'float32', shape: ['rows', 3] }],
      outputs: [{ name: 'maps', element: 'maps' }],
    };
    const fixture = createModelFixture(createOnnxModelRuntime(), { ...SIZES, placement: 'inline' });
    await fixture.withModel(model, async (loaded) => {
      expect(loaded.description.outputs).toEqual([{ name: 'maps', type: 'float32', shape: [3] }]);
      const rows = [
        [1, 2, 4],
        [0, 1, 5],
      ];
      expect((await outputsOf(loaded, floats('x', rows))).get('maps')).toEqual({
        type: 'float32',
        width: 3,
        // Normalizer divides by the largest value of the row.
        data: Float32Array.of(0.25, 0.5, 1, 0, 0.2, 1),
      });
    });
    fixture.remove();
  });
});
