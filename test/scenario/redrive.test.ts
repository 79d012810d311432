/**
 * Events refused by a wrong rule and by a broken model, on the live pipeline: both are mended, a
 * redrive sends the events back, and each counts once, in the panes of `events` and of `predictions`.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { HEADER, headerText } from '../../services/core/message/header.ts';
import { type PaneSource, paneCodec } from '../../services/core/message/pane.ts';
import { predictionCodec } from '../../services/core/message/prediction.ts';
import { LIVE_RUN } from '../../services/core/message/topics.ts';
import type { Monitor } from '../../services/core/monitor/monitor.ts';
import { createPipeline } from '../../services/embedded/pipeline.ts';
import type { Component } from '../../services/platform/lifecycle/component.ts';
import type { ServiceScope } from '../../services/platform/lifecycle/service-scope.ts';
import { startAll, stopAll } from '../../services/platform/lifecycle/supervise.ts';
import { redrive } from '../../services/redrive/redrive.ts';
import { EVENT_SCHEMA, jsonRecord, memoryPorts, stationMonitor } from '../support/embedded-run.ts';
import {
  createFakeModel,
  createFakeModelRuntime,
  FAKE_MODEL,
  POISON_LEVEL,
} from '../support/fake-model.ts';
import { FAKE_FOLDER } from '../support/fake-model-folder.ts';
import { redriveOptions } from '../support/quarantined.ts';
import { readAll } from '../support/read-all.ts';

/** Of ten events in one window these two break the rule, and the model fails on these two. */
const HIGH = [3, 7];
const POISONED = [2, 5];
const EVENT_COUNT = 10;
const WAIT_MS = 15_000;

const mended = stationMonitor({ model: FAKE_MODEL });
const { topics } = mended;
const wrong: Monitor = {
  ...mended,
  columns: mended.columns.map((column) =>
    column.name === 'level' ? { ...column, maximum: 800 } : column,
  ),
};

function eventAt(index: number) {
  const level = HIGH.includes(index) ? 900 : POISONED.includes(index) ? POISON_LEVEL : index;
  return { id: `e${index}`, at: 1_000 + index * 500, level, station: 'Brest' };
}

describe('a redrive on the live pipeline', () => {
  const ports = memoryPorts();
  let running: readonly Component[] = [];
  afterEach(() => stopAll(running, 5_000));

  const start = async (monitor: Monitor, model = createFakeModel()) => {
    await stopAll(running, 5_000);
    const scope: ServiceScope = {
      ...{ monitor, run: LIVE_RUN, eventSchema: EVENT_SCHEMA },
      ...{ writerSchemas: [], reference: null },
    };
    const modelRuntime = createFakeModelRuntime(model);
    running = createPipeline({ ...ports, modelRuntime, openModelFolder: () => FAKE_FOLDER }, scope);
    await startAll(running);
    return scope;
  };
  const publish = (event: object) =>
    ports.bus.produce([{ ...jsonRecord(event), topic: topics.events, partition: 0 }]);
  const until = async (topic: string, count: number) => {
    const deadline = performance.now() + WAIT_MS;
    for (;;) {
      const records = await readAll(ports.bus, topic);
      if (records.length >= count || performance.now() > deadline) return records;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  /** Events of the panes that are out; the closing event is in one that is still open. */
  const counted = async (source: PaneSource) => {
    const panes = (await readAll(ports.bus, topics.panes)).map(({ value }) =>
      paneCodec.decode(value!),
    );
    return panes
      .filter((pane) => pane.source === source && pane.slice === '')
      .filter(({ kind }) => kind === 'sealed' || kind === 'late')
      .reduce((sum, pane) => sum + pane.count, 0);
  };

  it('counts each event and each prediction once', async () => {
    await ports.bus.ensureTopics([{ topic: topics.events, partitionCount: 1 }]);
    await start(wrong);
    for (let index = 0; index < EVENT_COUNT; index += 1) await publish(eventAt(index));
    expect(await until(topics.quarantine, 4)).toHaveLength(4);
    expect(await until(topics.predictions, 6)).toHaveLength(6);

    const healthy = createFakeModel();
    const run: typeof healthy.run = async ({ rowCount }) => {
      const score = { type: 'float32', data: new Float32Array(rowCount), width: 1 } as const;
      return { outputs: new Map([['score', score]]), durationMs: 0.01 };
    };
    const scope = await start(mended, { ...healthy, run });
    const result = await redrive({ ...ports, sender: ports.bus }, scope, redriveOptions());
    expect(result).toMatchObject({ end: 'done', selected: 4, redriven: 4 });
    const stages = (await readAll(ports.bus, topics.events)).map(({ headers }) =>
      headerText(headers, HEADER.redriveStage),
    );
    expect(stages.filter((stage) => stage === 'validator')).toHaveLength(2);
    expect(stages.filter((stage) => stage === 'inference-worker')).toHaveLength(2);

    const predictions = await until(topics.predictions, EVENT_COUNT);
    const ids = predictions.map(({ value }) => predictionCodec.decode(value!).id);
    expect(ids.toSorted()).toEqual(Array.from({ length: EVENT_COUNT }, (_, i) => `e${i}`));
    expect(await readAll(ports.bus, topics.quarantine)).toHaveLength(4);

    await publish({ id: 'closing', at: 25_000, level: 1, station: 'Brest' });
    await until(topics.panes, 2);
    const isCounted = async () =>
      (await counted('events')) >= EVENT_COUNT && (await counted('predictions')) >= EVENT_COUNT;
    const deadline = performance.now() + WAIT_MS;
    while (!(await isCounted()) && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(await counted('predictions')).toBe(EVENT_COUNT);
    expect(await counted('events')).toBe(EVENT_COUNT);

    const again = await redrive({ ...ports, sender: ports.bus }, scope, redriveOptions());
    expect(again).toMatchObject({ redriven: 0, skipped: { redriven: 4 } });
  }, 60_000);
});
