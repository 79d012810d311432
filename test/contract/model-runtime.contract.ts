/**
 * What every `ModelRuntime` guarantees, on one placement. The models are the example's (a pipeline
 * of scikit-learn that ends in ZipMap) and small ones written by the suite.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CodedError } from '../../services/core/errors.ts';
import type {
  LoadedModel,
  ModelBatch,
  ModelRuntime,
  Placement,
} from '../../services/platform/model/model-runtime.ts';
import { floats, GATHER, gatherBatch } from '../support/model-batches.ts';
import { createModelFixture, type ModelFixture, outputsOf } from '../support/model-fixture.ts';
import { REFUSED_MODELS } from './refused-models.ts';

const EXAMPLE = fileURLToPath(
  new URL('../../deploy/examples/credit-default/model.onnx', import.meta.url),
);
const WIDTH = 5;

export function describeModelRuntime(
  placement: Placement,
  createRuntime: () => ModelRuntime,
): void {
  describe(`ModelRuntime, ${placement}`, () => {
    let fixture: ModelFixture;
    let example: LoadedModel;

    async function scores(rows: readonly (readonly number[])[]): Promise<readonly number[][]> {
      const outputs = await outputsOf(example, floats('features', rows));
      const { data, width } = outputs.get('output_probability')!;
      return rows.map((_, row) => [
        ...(data as Float32Array).slice(row * width, (row + 1) * width),
      ]);
    }

    beforeAll(async () => {
      const sizes = { workerCount: 1, threadCount: 1, rowsMax: 64 };
      fixture = createModelFixture(createRuntime(), { ...sizes, placement });
      example = await fixture.load(EXAMPLE);
    });
    afterAll(async () => {
      await example.close();
      fixture.remove();
    });

    it('describes the model: digest of the file, tensors, placement, cost', () => {
      const { description } = example;
      expect(description.digest).toBe(
        createHash('sha256').update(readFileSync(EXAMPLE)).digest('hex'),
      );
      expect(description.inputs).toEqual([{ name: 'features', type: 'float32', shape: [WIDTH] }]);
      expect(description.outputs).toEqual([
        { name: 'output_label', type: 'int64', shape: [] },
        { name: 'output_probability', type: 'float32', shape: [2] },
      ]);
      expect(description.batchRowsFixed).toBeNull();
      const sizes = description.costSamples.map(({ rowCount }) => rowCount);
      expect(sizes).toEqual([1, 2, 4, 8, 16, 32, 64].slice(0, sizes.length));
      expect(description.costSamples.every(({ durationMs }) => durationMs > 0)).toBe(true);
      expect(example.placement).toBe(placement);
      expect(example.batchesInFlightMax).toBe(placement === 'inline' ? 1 : 2);
    });

    it('measures the run alone', async () => {
      // Queued behind one another on one thread: what a batch waits is none of its duration.
      const startedMs = performance.now();
      const runs = await Promise.all(
        Array.from({ length: 40 }, () => example.run(floats('features', [[40, 1, 1, 36, 0.9]]))),
      );
      const spentMs = performance.now() - startedMs;
      const durationMs = runs.reduce((sum, run) => sum + run.durationMs, 0);
      expect(Math.min(...runs.map((run) => run.durationMs))).toBeGreaterThan(0);
      expect(durationMs).toBeLessThanOrEqual(spentMs);
    });

    const row = fc.tuple(
      fc.integer({ min: 18, max: 90 }),
      fc.integer({ min: 6_000, max: 200_000 }),
      fc.integer({ min: 500, max: 400_000 }),
      fc.constantFrom(12, 24, 36, 48, 60, 72, 84),
      fc.double({ min: 0, max: 1, noNaN: true }),
    );

    it('gives each row, in order, what it gives the row alone', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 70 }), async (rows) => {
          const together = await scores(rows);
          const alone = await Promise.all(rows.map((one) => scores([one])));
          expect(together).toEqual(alone.flat());
        }),
        { numRuns: 15 },
      );
    });

    it('scores a row with a missing value', async () => {
      const [known, missing] = await scores([
        [40, 38_000, 12_000, 36, 0.9],
        [40, 38_000, 12_000, 36, Number.NaN],
      ]);
      expect(missing!.every(Number.isFinite)).toBe(true);
      expect(missing).not.toEqual(known);
    });

    it.each([
      { given: 'kept', options: {} },
      { given: 'owned', options: { owned: true } },
    ])('never touches what lies around a $given batch that is a view', async ({ options }) => {
      const whole = Float32Array.from({ length: 4 * WIDTH }, (_, index) => index);
      const before = whole.slice();
      const data = whole.subarray(WIDTH, 3 * WIDTH);
      const inputs = new Map([['features', { type: 'float32', data, width: WIDTH } as const]]);
      await example.run({ rowCount: 2, inputs }, options);
      expect(whole).toEqual(before);
    });

    it('leaves a batch that it does not own as it was', async () => {
      const batch = floats('features', [[40, 38_000, 12_000, 36, 0.9]]);
      const first = await outputsOf(example, batch);
      expect(await outputsOf(example, batch)).toEqual(first);
    });

    it('loses nothing of what runs while it is placed elsewhere, and says where it is', async () => {
      const loaded = await fixture.load(EXAMPLE);
      const expected = await outputsOf(loaded, floats('features', [[40, 38_000, 12_000, 36, 0.9]]));
      let isOver = false;
      async function keepRunning(): Promise<number> {
        let count = 0;
        for (; !isOver || count < 50; count++) {
          const batch = floats('features', [[40, 38_000, 12_000, 36, 0.9]]);
          expect(await outputsOf(loaded, batch)).toEqual(expected);
        }
        return count;
      }
      const runners = [keepRunning(), keepRunning(), keepRunning()];
      for (const next of ['workers', 'inline', 'workers', 'workers', 'inline'] as const) {
        await loaded.place(next);
        expect(loaded.placement).toBe(next);
        expect(loaded.batchesInFlightMax).toBe(next === 'inline' ? 1 : 2);
      }
      isOver = true;
      for (const count of await Promise.all(runners)) expect(count).toBeGreaterThanOrEqual(50);
      await loaded.close();
    });

    it('is placed where it was asked last, whatever takes longer', async () => {
      const loaded = await fixture.load(EXAMPLE);
      await Promise.all([loaded.place('workers'), loaded.place('inline')]);
      expect(loaded.placement).toBe('inline');
      await Promise.all([loaded.place('inline'), loaded.place('workers')]);
      expect(loaded.placement).toBe('workers');
      await loaded.close();
    });

    it('answers batches in flight together each with its own rows', async () => {
      const batches = Array.from({ length: 20 }, (_, index) => [
        [20 + index, 30_000 + 1_000 * index, 9_000, 36, 0.4],
      ]);
      const together = await Promise.all(batches.map(scores));
      for (const [index, rows] of batches.entries()) {
        expect(together[index]).toEqual(await scores(rows));
      }
    });

    it.each<[string, ModelBatch, RegExp]>([
      ['no rows', floats('features', []), /at least one row/],
      ['a missing input', { rowCount: 1, inputs: new Map() }, /input features is missing/],
      [
        'a row too short',
        floats('features', [[1, 2, 3, 4]]),
        /4 elements a row, the model takes 5/,
      ],
      [
        'fewer rows than said',
        { ...floats('features', [[1, 2, 3, 4, 5]]), rowCount: 2 },
        /5 elements, 2 rows of 5 are 10/,
      ],
      [
        'another type',
        {
          rowCount: 1,
          inputs: new Map([
            ['features', { type: 'float64', data: new Float64Array(WIDTH), width: WIDTH }],
          ]),
        },
        /is float64, the model takes float32/,
      ],
      [
        'data that is not its type',
        {
          rowCount: 1,
          inputs: new Map([
            ['features', { type: 'float32', data: new Float64Array(WIDTH), width: WIDTH }],
          ]),
        },
        /says float32 but its data is a Float64Array/,
      ],
      [
        'an input too many',
        {
          rowCount: 1,
          inputs: new Map([
            ...floats('features', [[1, 2, 3, 4, 5]]).inputs,
            ...floats('extra', [[1]]).inputs,
          ]),
        },
        /no input named extra/,
      ],
    ])('refuses a batch with %s', async (_, batch, says) => {
      const error = await example.run(batch).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(CodedError);
      expect(error).toMatchObject({
        code: 'inference.input',
        message: expect.stringMatching(says),
      });
    });

    it('fails a batch as a whole with inference.run and goes on', async () => {
      await fixture.withModel(GATHER, async (loaded) => {
        await expect(loaded.run(gatherBatch([0, 7]))).rejects.toMatchObject({
          code: 'inference.run',
        });
        const outputs = await outputsOf(loaded, gatherBatch([1, 0]));
        expect(outputs.get('y')!.data).toEqual(Float32Array.of(1, -1, 0, -0));
      });
    });

    it('closes once, however often it is asked, and runs nothing afterwards', async () => {
      const loaded = await fixture.load(EXAMPLE);
      await Promise.all([loaded.close(), loaded.close()]);
      await loaded.close();
      const late = loaded.run(floats('features', [[1, 2, 3, 4, 5]]));
      await expect(late).rejects.toMatchObject({ code: 'inference.run' });
      await expect(loaded.place('inline')).rejects.toMatchObject({ code: 'inference.run' });
    });

    it.each(REFUSED_MODELS)('refuses $what and says why', async ({ model, says }) => {
      const file = fixture.write('refused', model);
      const error = await fixture.load(file).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(CodedError);
      expect(error).toMatchObject({
        code: 'configuration.model',
        message: expect.stringMatching(says),
      });
      expect((error as Error).message).toContain(file);
    });

    it('refuses a file that is not there, and a folder', async () => {
      for (const file of [join(fixture.directory, 'absent.onnx'), fixture.directory]) {
        await expect(fixture.load(file)).rejects.toMatchObject({
          code: 'configuration.model',
          message: expect.stringContaining(`${file}: it cannot be read`),
        });
      }
    });
  });
}
