/** The inference-worker among events that make its own code fail: quarantined, and it goes on. */
import { afterEach, expect, it, vi } from 'vitest';
import { HEADER, headerText } from '../../../services/core/message/header.ts';
import { predictionCodec } from '../../../services/core/message/prediction.ts';
import { derivedTopicSpecs } from '../../../services/core/message/topics.ts';
import { createInferenceWorker } from '../../../services/inference-worker/inference-worker.ts';
import { createMemoryBus } from '../../../services/platform/bus/memory-bus.ts';
import { createVirtualClock } from '../../../services/platform/clock/virtual-clock.ts';
import type { Component } from '../../../services/platform/lifecycle/component.ts';
import { createMemoryTelemetry } from '../../../services/platform/telemetry/memory-telemetry.ts';
import { EVENT_SCHEMA, memoryPorts, stationMonitor } from '../../support/embedded-run.ts';
import { createFakeModel, createFakeModelRuntime, FAKE_MODEL } from '../../support/fake-model.ts';
import { FAKE_FOLDER } from '../../support/fake-model-folder.ts';
import { readAll } from '../../support/read-all.ts';

/** The check of a row with this level throws. */
const UNCHECKABLE_LEVEL = 13;
/** The model's answer to this level is nothing that a prediction can hold. */
const UNSPEAKABLE_LEVEL = 14;

vi.mock(import('../../../services/inference-worker/model-batch.ts'), async (original) => {
  const { createModelBatching, ...others } = await original();
  return {
    ...others,
    createModelBatching: (monitor, model, description) => {
      const batching = createModelBatching(monitor, model, description);
      return {
        ...batching,
        check: (cells) => {
          if (cells[0] === UNCHECKABLE_LEVEL) throw new RangeError('Invalid array length');
          return batching.check(cells);
        },
        unpackRow: (outputs, row) => {
          const unpacked = batching.unpackRow(outputs, row);
          const isUnspeakable = Array.isArray(unpacked) && unpacked[0] === UNSPEAKABLE_LEVEL / 2;
          return isUnspeakable ? (['seven'] as unknown as number[]) : unpacked;
        },
      };
    },
  };
});

const monitor = stationMonitor({ model: FAKE_MODEL });
const { topics } = monitor;
const clock = createVirtualClock();
let running: Component | null = null;

afterEach(async () => {
  const stopped = running?.stop(1_000);
  await clock.advance(2_000);
  await stopped;
});

it('an event that nobody foresaw goes to quarantine, and the others of its batch are predicted', async () => {
  const bus = createMemoryBus({ clock });
  await bus.ensureTopics([
    { topic: topics.events, partitionCount: 1 },
    ...derivedTopicSpecs(topics, 1),
  ]);
  const telemetry = createMemoryTelemetry();
  const modelRuntime = createFakeModelRuntime(createFakeModel());
  running = createInferenceWorker(
    { ...memoryPorts(), bus, clock, telemetry, modelRuntime, openModelFolder: () => FAKE_FOLDER },
    { monitor, run: 'live', eventSchema: EVENT_SCHEMA, writerSchemas: [], reference: null },
  );
  await running.start();
  const levels = [1, UNCHECKABLE_LEVEL, 2, UNSPEAKABLE_LEVEL, 3];
  await bus.produce(
    levels.map((level, index) => ({
      ...{ topic: topics.valid, partition: 0, key: null, headers: {}, timestampMs: null },
      value: Buffer.from(JSON.stringify({ id: `e${index}`, at: index, level, station: 'Brest' })),
    })),
  );
  await clock.advance(1_000);

  expect(running.health()).toEqual({ status: 'ready', reason: '' });
  const predictions = await readAll(bus, topics.predictions);
  expect(predictions.map(({ value }) => predictionCodec.decode(value!).id)).toEqual([
    'e0',
    'e2',
    'e4',
  ]);
  const quarantine = await readAll(bus, topics.quarantine);
  expect(quarantine.map(({ headers }) => headerText(headers, HEADER.errorRule))).toEqual([
    'internal.failure',
    'internal.failure',
  ]);
  const [unchecked, unspoken] = quarantine.map(({ headers }) =>
    headerText(headers, HEADER.errorMessage),
  );
  expect(unchecked).toBe('RangeError: Invalid array length');
  expect(unspoken).toMatch(/^Error: .*seven/);

  expect(telemetry.count('tidegauge.inference.refusals', { code: 'internal.failure' })).toBe(2);
  const said = telemetry.logs.filter(({ level }) => level === 'error');
  expect(said).toHaveLength(1);
  expect(said[0]!.fields).toMatchObject({ count: 2, error: unchecked });
  const group = 'tidegauge.stations.live.inference-worker';
  expect(await bus.committed(group, { topic: topics.valid, partition: 0 })).toMatchObject({
    offset: 5,
  });
});
