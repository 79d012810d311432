/** Where batches run while a model's placement changes, and what becomes of workers nobody uses. */
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../../services/core/errors.ts';
import { createVirtualClock } from '../../../../services/platform/clock/virtual-clock.ts';
import type { Placement } from '../../../../services/platform/model/model-runtime.ts';
import type { ModelWorkerPool } from '../../../../services/platform/model/model-worker-pool.ts';
import {
  createPlacedModel,
  type PlacedModelParts,
} from '../../../../services/platform/model/placed-model.ts';
import { rowsOf } from './stand-in-workers.ts';

const KEPT_MS = 60_000;

interface StandInPool extends ModelWorkerPool {
  inFlight: number;
  isClosed: boolean;
}

function createStandInPool(): StandInPool {
  const pool: StandInPool = {
    inFlight: 0,
    isClosed: false,
    costSamples: [{ rowCount: 8, durationMs: 8 }],
    run: () => {
      if (pool.isClosed) throw new CodedError('inference.run', 'closed');
      return Promise.resolve({ outputs: new Map(), durationMs: 2 });
    },
    batchesInFlight: () => pool.inFlight,
    close: async () => {
      pool.isClosed = true;
    },
  };
  return pool;
}

/** Inline; `start` decides when the next pool is there; an inline run takes 1 ms and one on workers 2. */
async function createModel(first: Placement = 'inline') {
  const clock = createVirtualClock();
  const pools: StandInPool[] = [];
  const gates: { start(): void; fail(): void }[] = [];
  const inline = { starts: 0, fails: false, isClosed: false };
  const parts: PlacedModelParts = {
    description: { digest: '', inputs: [], outputs: [], batchRowsFixed: null, costSamples: [] },
    check: () => undefined,
    isInlineable: true,
    async startInline() {
      inline.starts += 1;
      if (inline.fails) throw new CodedError('inference.run', 'no session');
      return {
        costSamples: [{ rowCount: 1, durationMs: 1 }],
        run: async () => ({ outputs: new Map(), durationMs: 1 }),
        close: async () => {
          inline.isClosed = true;
        },
      };
    },
    workerCount: 3,
    clock,
    startPool: () =>
      new Promise((resolve, reject) => {
        gates.push({
          start() {
            const pool = createStandInPool();
            pools.push(pool);
            resolve(pool);
          },
          fail: () => reject(new CodedError('inference.worker', 'no thread')),
        });
      }),
  };
  const creating = createPlacedModel(parts, first);
  if (first === 'workers') gates[0]!.start();
  const model = await creating;
  const ranOn = async () => {
    const { durationMs } = await model.run(rowsOf(1));
    return durationMs === 1 ? 'inline' : 'workers';
  };
  return { clock, model, pools, gates, ranOn, inline };
}

describe('a placed model', () => {
  it('runs where it was until the workers are there', async () => {
    const { model, gates, ranOn } = await createModel();
    const placing = model.place('workers');
    expect(await ranOn()).toBe('inline');
    expect(model.batchesInFlightMax).toBe(1);
    gates[0]!.start();
    await placing;
    expect(await ranOn()).toBe('workers');
    expect(model.batchesInFlightMax).toBe(6);
    expect(model.description.costSamples).toEqual([
      { rowCount: 1, durationMs: 1 },
      { rowCount: 8, durationMs: 8 },
    ]);
    await model.place('inline');
    expect(await ranOn()).toBe('inline');
    await model.close();
  });

  it('starts the workers once for all who ask', async () => {
    const { model, gates } = await createModel();
    const placings = [model.place('workers'), model.place('workers')];
    gates[0]!.start();
    await Promise.all(placings);
    await model.place('workers');
    expect(gates).toHaveLength(1);
    await model.close();
  });

  it('keeps workers that were left for a while, then closes them, and starts them anew', async () => {
    const { clock, model, pools, gates, ranOn } = await createModel();
    const placing = model.place('workers');
    gates[0]!.start();
    await placing;
    await model.place('inline');
    await clock.advance(KEPT_MS - 1);
    expect(pools[0]!.isClosed).toBe(false);
    // Coming back to them begins the time anew.
    await model.place('workers');
    await clock.advance(10 * KEPT_MS);
    expect(pools[0]!.isClosed).toBe(false);
    await model.place('inline');
    await clock.advance(KEPT_MS);
    expect(pools[0]!.isClosed).toBe(true);
    const again = model.place('workers');
    gates[1]!.start();
    await again;
    expect(await ranOn()).toBe('workers');
    await model.close();
  });

  it('does not close workers that are still at a batch', async () => {
    const { clock, model, pools, gates } = await createModel();
    const placing = model.place('workers');
    gates[0]!.start();
    await placing;
    pools[0]!.inFlight = 1;
    await model.place('inline');
    await clock.advance(KEPT_MS);
    expect(pools[0]!.isClosed).toBe(false);
    pools[0]!.inFlight = 0;
    await clock.advance(KEPT_MS);
    expect(pools[0]!.isClosed).toBe(true);
    await model.close();
  });

  it('is where it was asked last, and lets workers go that came too late', async () => {
    const { clock, model, pools, gates, ranOn } = await createModel();
    const placing = model.place('workers');
    await model.place('inline');
    gates[0]!.start();
    await placing;
    expect(await ranOn()).toBe('inline');
    await clock.advance(KEPT_MS);
    expect(pools[0]!.isClosed).toBe(true);
    await model.close();
  });

  it('stays where it is when there are no workers to be had, and can be asked again', async () => {
    const { model, gates, ranOn } = await createModel();
    const failing = model.place('workers');
    gates[0]!.fail();
    await expect(failing).rejects.toMatchObject({ code: 'inference.worker' });
    expect(await ranOn()).toBe('inline');
    const placing = model.place('workers');
    gates[1]!.start();
    await placing;
    expect(await ranOn()).toBe('workers');
    await model.close();
  });

  it('closed while workers are on their way ends them too', async () => {
    const { model, pools, gates, inline } = await createModel();
    const placing = model.place('workers');
    const closing = model.close();
    gates[0]!.start();
    await expect(placing).rejects.toMatchObject({ code: 'inference.run' });
    await closing;
    expect(inline.isClosed).toBe(true);
    expect(pools[0]!.isClosed).toBe(true);
    await expect(model.run(rowsOf(1))).rejects.toMatchObject({ code: 'inference.run' });
  });

  it('begun on workers opens nothing inline until it goes there, and then once', async () => {
    const { model, ranOn, inline } = await createModel('workers');
    expect(await ranOn()).toBe('workers');
    expect(inline.starts).toBe(0);
    await Promise.all([model.place('inline'), model.place('inline')]);
    expect(await ranOn()).toBe('inline');
    await model.place('workers');
    await model.place('inline');
    expect(inline.starts).toBe(1);
    await model.close();
    expect(inline.isClosed).toBe(true);
  });

  it('stays on workers where it cannot be opened inline, and can be asked again', async () => {
    const { model, ranOn, inline } = await createModel('workers');
    inline.fails = true;
    await expect(model.place('inline')).rejects.toMatchObject({ code: 'inference.run' });
    expect(await ranOn()).toBe('workers');
    inline.fails = false;
    await model.place('inline');
    expect(await ranOn()).toBe('inline');
    await model.close();
  });
});
