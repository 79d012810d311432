/** One bad row costs its neighbours nothing, and finding it costs a bounded number of runs. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../services/core/errors.ts';
import { createModelBatching } from '../../../services/inference-worker/model-batch.ts';
import { scoreBatch } from '../../../services/inference-worker/score-batch.ts';
import { stationMonitor } from '../../support/embedded-run.ts';
import {
  createFakeModel,
  FAKE_MODEL,
  FAKE_MODEL_DESCRIPTION,
  POISON_LEVEL,
} from '../../support/fake-model.ts';

const monitor = stationMonitor({ model: FAKE_MODEL });
const batching = createModelBatching(monitor, FAKE_MODEL, FAKE_MODEL_DESCRIPTION);
const rowsOf = (levels: readonly number[]) => levels.map((level) => [level, 'Brest']);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

describe('scoreBatch', () => {
  it('isolates one poisoned row among 64 and scores the other 63 in their order', async () => {
    const model = createFakeModel();
    const levels = upTo(64).map((index) => (index === 41 ? POISON_LEVEL : index));
    const scores = await scoreBatch(model, batching, rowsOf(levels));
    expect(scores[41]).toMatchObject({ code: 'inference.run', message: 'poison in the batch' });
    for (const index of upTo(64)) {
      if (index !== 41) expect(scores[index]).toEqual([index / 2]);
    }
    // Once whole, then two halves at each of log2(64) steps.
    expect(model.runs.length).toBeLessThanOrEqual(1 + 2 * 6);
  });

  it('runs a batch without a bad row once', async () => {
    const model = createFakeModel();
    await scoreBatch(model, batching, rowsOf(upTo(64)));
    expect(model.runs).toEqual([64]);
  });

  it('answers every row in order, whichever fail and however the batch is cut', async () => {
    const levels = fc.array(fc.constantFrom(1, 2, 3, POISON_LEVEL), { maxLength: 70 });
    await fc.assert(
      fc.asyncProperty(levels, fc.integer({ min: 1, max: 80 }), async (values, rowsPerRunMax) => {
        const model = createFakeModel({ rowsPerRunMax });
        const scores = await scoreBatch(model, batching, rowsOf(values));
        expect(scores).toHaveLength(values.length);
        values.forEach((value, index) => {
          if (value === POISON_LEVEL)
            expect(scores[index]).toMatchObject({ code: 'inference.run' });
          else expect(scores[index]).toEqual([value / 2]);
        });
        expect(Math.max(0, ...model.runs)).toBeLessThanOrEqual(rowsPerRunMax);
        expect(model.runs.length).toBeLessThanOrEqual(Math.max(1, 2 * values.length));
      }),
    );
  });

  it('does not take the failure of something else for that of a row', async () => {
    const broken = new CodedError('configuration.model', 'the worker is gone');
    const model = { ...createFakeModel(), run: () => Promise.reject(broken) };
    await expect(scoreBatch(model, batching, rowsOf([1, 2]))).rejects.toBe(broken);
    const bug = new TypeError('x is not a function');
    const buggy = { ...createFakeModel(), run: () => Promise.reject(bug) };
    await expect(scoreBatch(buggy, batching, rowsOf([1, 2]))).rejects.toBe(bug);
  });
});
