/** onnxruntime-node in worker threads: the event loop, and threads that die, hang or cannot start. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isTransient } from '../../services/core/errors.ts';
import type { LoadedModel } from '../../services/platform/model/model-runtime.ts';
import { createOnnxModelRuntime } from '../../services/platform/model/onnx-model-runtime.ts';
import { createModelFixture, outputsOf } from '../support/model-fixture.ts';
import { compileModelWorkerEntry, type ModelWorkerEntry } from '../support/model-worker-entry.ts';
import { sineBatch, sineModel } from '../support/sine-model.ts';

const DEADLY_ROWS = 13;
const HANGING_ROWS = 17;

const light = sineModel(1);
const heavy = sineModel(400);

let entry: ModelWorkerEntry;
beforeAll(() => {
  entry = compileModelWorkerEntry();
});
afterAll(() => entry.remove());

/** The real worker, except for what a request does to the thread before it runs. */
function writeEntry(name: string, onRequest: string): URL {
  const file = join(entry.directory, `${name}.js`);
  writeFileSync(
    file,
    // After the import: a listener before it would take the messages the worker must not miss.
    `import { existsSync, writeFileSync } from 'node:fs';
     import { parentPort } from 'node:worker_threads';
     await import(${JSON.stringify(entry.url.href)});
     parentPort.on('message', ({ batch }) => { ${onRequest} });`,
  );
  return pathToFileURL(file);
}

async function withWorkers(
  options: {
    readonly entry: URL;
    readonly workerCount: number;
    readonly stuckMs?: number;
    readonly model?: ReturnType<typeof sineModel>;
  },
  use: (model: LoadedModel) => Promise<void>,
): Promise<void> {
  const { workerCount, stuckMs } = options;
  const runtime = createOnnxModelRuntime({
    workerEntry: options.entry,
    ...(stuckMs !== undefined && { stuckMs }),
  });
  const sizes = { workerCount, threadCount: 1, rowsMax: 16 };
  const fixture = createModelFixture(runtime, { ...sizes, placement: 'workers' });
  try {
    await fixture.withModel(options.model ?? light, use);
  } finally {
    fixture.remove();
  }
}

async function rowsScored(model: LoadedModel, rowCount: number): Promise<number> {
  const [output] = (await outputsOf(model, sineBatch(rowCount))).values();
  return output!.data.length / output!.width;
}

/** What waited in the thread of a deadly batch is run again. */
async function rowsScoredInTheEnd(model: LoadedModel, rowCount: number): Promise<number> {
  for (;;) {
    try {
      return await rowsScored(model, rowCount);
    } catch (error) {
      if (!isTransient(error)) throw error;
    }
  }
}

describe('worker threads', () => {
  it('leave the event loop free while they run', async () => {
    await withWorkers({ entry: entry.url, workerCount: 1, model: heavy }, async (model) => {
      let isDone = false;
      const run = model.run(sineBatch(100)).then(() => {
        isDone = true;
      });
      let ticks = 0;
      while (!isDone) {
        await new Promise((resolve) => setImmediate(resolve));
        ticks++;
      }
      await run;
      expect(ticks).toBeGreaterThan(100);
    });
  });

  it('have their larger batches measured too, as they are never run inline', async () => {
    await withWorkers({ entry: entry.url, workerCount: 1, model: heavy }, async (model) => {
      const { costSamples } = model.description;
      expect(costSamples.map(({ rowCount }) => rowCount)).toEqual([1, 2, 4, 8, 16]);
    });
  });

  it('end on close without waiting for the queue, whose batches fail', async () => {
    await withWorkers({ entry: entry.url, workerCount: 2, model: heavy }, async (model) => {
      const runs = Array.from({ length: 6 }, () => model.run(sineBatch(50)));
      const outcomes = Promise.allSettled(runs);
      await model.close();
      for (const outcome of await outcomes) {
        expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'inference.run' } });
      }
    });
  });

  it('are replaced when they die, and what they had may be run again', async () => {
    const deadly = writeEntry('deadly', `if (batch?.rowCount === ${DEADLY_ROWS}) process.exit(7);`);
    await withWorkers({ entry: deadly, workerCount: 2 }, async (model) => {
      for (let round = 0; round < 3; round++) {
        const fatal = model.run(sineBatch(DEADLY_ROWS));
        const other = rowsScoredInTheEnd(model, 2);
        await expect(fatal).rejects.toMatchObject({
          code: 'inference.worker',
          message: expect.stringContaining('ended with code 7'),
        });
        expect(await other).toBe(2);
      }
      // More batches than threads: the replaced ones take part.
      const rows = [1, 2, 3, 4, 5, 6];
      expect(await Promise.all(rows.map((count) => rowsScored(model, count)))).toEqual(rows);
    });
  });

  it('that hang are given up: the batch may run again, and the thread ends when it is back', async () => {
    const release = join(entry.directory, 'release');
    const ended = join(entry.directory, 'ended');
    const hanging = writeEntry(
      'hanging',
      `if (batch?.rowCount !== ${HANGING_ROWS}) return;
       const pause = new Int32Array(new SharedArrayBuffer(4));
       while (!existsSync(${JSON.stringify(release)})) Atomics.wait(pause, 0, 0, 5);
       process.on('exit', () => writeFileSync(${JSON.stringify(ended)}, ''));`,
    );
    const options = { entry: hanging, workerCount: 1, stuckMs: 200 };
    await withWorkers(options, async (model) => {
      const stuck = model.run(sineBatch(HANGING_ROWS));
      const behind = model.run(sineBatch(1));
      for (const run of [stuck, behind]) {
        await expect(run).rejects.toMatchObject({
          code: 'inference.worker',
          message: expect.stringContaining(`a run of ${HANGING_ROWS} rows is not over after`),
        });
      }
      expect(await rowsScored(model, 3)).toBe(3);
      writeFileSync(release, '');
      while (!existsSync(ended)) await delay(5);
      expect(await rowsScored(model, 4)).toBe(4);
    });
  });

  it('that cannot start refuse the model, and a later placement without harm', async () => {
    const absent = pathToFileURL(join(entry.directory, 'absent.js'));
    await expect(
      withWorkers({ entry: absent, workerCount: 2 }, async () => undefined),
    ).rejects.toMatchObject({
      code: 'configuration.model',
      message: expect.stringMatching(/worker threads cannot start.*absent\.js/s),
    });

    const runtime = createOnnxModelRuntime({ workerEntry: absent });
    const sizes = { workerCount: 1, threadCount: 1, rowsMax: 16 };
    const fixture = createModelFixture(runtime, { ...sizes, placement: 'inline' });
    await fixture.withModel(light, async (model) => {
      await expect(model.place('workers')).rejects.toMatchObject({ code: 'inference.worker' });
      expect(model.placement).toBe('inline');
      expect(await rowsScored(model, 2)).toBe(2);
    });
    fixture.remove();
  });
});
