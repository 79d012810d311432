/** The inference-worker on a memory bus with a model of arithmetic, in virtual time. */
import { afterEach, describe, expect, it } from 'vitest';
import { QUEUE_ROWS_MAX } from '../../../services/core/limits.ts';
import { endOfRunHeaders, isControl } from '../../../services/core/message/control.ts';
import { HEADER, headerText } from '../../../services/core/message/header.ts';
import { encodeOrigin } from '../../../services/core/message/origin.ts';
import { predictionCodec } from '../../../services/core/message/prediction.ts';
import { derivedTopicSpecs, runTopics } from '../../../services/core/message/topics.ts';
import { createInferenceWorker } from '../../../services/inference-worker/inference-worker.ts';
import type { Bus, OutgoingRecord } from '../../../services/platform/bus/bus.ts';
import { createMemoryBus } from '../../../services/platform/bus/memory-bus.ts';
import { createVirtualClock } from '../../../services/platform/clock/virtual-clock.ts';
import type { Component } from '../../../services/platform/lifecycle/component.ts';
import { groupName } from '../../../services/platform/lifecycle/stateful-service.ts';
import { createMemoryTelemetry } from '../../../services/platform/telemetry/memory-telemetry.ts';
import { createCountingClock } from '../../support/counting-clock.ts';
import { EVENT_SCHEMA, memoryPorts, stationMonitor } from '../../support/embedded-run.ts';
import {
  createFakeModel,
  createFakeModelRuntime,
  FAKE_MODEL,
  FAKE_MODEL_DESCRIPTION,
  type FakeModel,
  POISON_LEVEL,
} from '../../support/fake-model.ts';
import { FAKE_FOLDER } from '../../support/fake-model-folder.ts';
import { readAll } from '../../support/read-all.ts';

const RUN = 'r1';
const PARTITION_COUNT = 2;
const BATCH = { ...FAKE_MODEL.batch, rowsMax: 8 };
const monitor = stationMonitor({ slices: ['station'], model: { ...FAKE_MODEL, batch: BATCH } });
const topics = runTopics(monitor, RUN);

const clock = createVirtualClock();
let started: Component[] = [];

async function createBus(): Promise<Bus> {
  const bus = createMemoryBus({ clock });
  await bus.ensureTopics([
    { topic: topics.events, partitionCount: PARTITION_COUNT },
    ...derivedTopicSpecs(topics, PARTITION_COUNT),
  ]);
  return bus;
}

async function start(bus: Bus, model: FakeModel, telemetry = createMemoryTelemetry()) {
  const ports = { ...memoryPorts(), bus, clock, telemetry };
  const scope = {
    monitor,
    run: RUN,
    eventSchema: EVENT_SCHEMA,
    writerSchemas: [],
    reference: null,
  };
  const worker = createInferenceWorker(
    { ...ports, modelRuntime: createFakeModelRuntime(model), openModelFolder: () => FAKE_FOLDER },
    scope,
  );
  started.push(worker);
  await worker.start();
  await clock.advance(1);
  return worker;
}

async function stop(worker: Component): Promise<void> {
  const stopped = worker.stop(1_000);
  await clock.advance(2_000);
  await stopped;
}

/** The event at `offset` of its partition, as the validator writes it. */
function valid(partition: number, offset: number, level: number | null = offset): OutgoingRecord {
  const event = { id: `${partition}/${offset}`, at: offset * 10, level, station: 'Brest' };
  const origin = encodeOrigin({ topic: topics.events, partition, offset });
  return {
    ...{ topic: topics.valid, partition, key: Buffer.from('k'), timestampMs: null },
    value: Buffer.from(JSON.stringify(event)),
    headers: { [HEADER.origin]: origin, mine: Buffer.from('kept') },
  };
}

function end(partition: number, offset: number): OutgoingRecord {
  const headers = { ...valid(partition, offset).headers, ...endOfRunHeaders(RUN) };
  return { ...valid(partition, offset), value: null, headers };
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

/** Ids of the predictions of one partition; `end` for the end of the run. */
async function predicted(bus: Bus, partition: number): Promise<string[]> {
  const records = await readAll(bus, topics.predictions, partition);
  return records.map((record) =>
    isControl(record.headers) ? 'end' : predictionCodec.decode(record.value!).id,
  );
}

/** Holds every run of a model until it is let go. */
function createGate() {
  let open = (): void => undefined;
  const wait = () =>
    new Promise<void>((resolve) => {
      open = resolve;
    });
  return { wait, open: () => open() };
}

afterEach(async () => {
  const stops = started.map((worker) => worker.stop(0));
  started = [];
  await clock.advance(60_000);
  await Promise.all(stops);
});

describe('a valid event', () => {
  it('becomes one prediction with its key, headers and place', async () => {
    const bus = await createBus();
    await start(bus, createFakeModel());
    await bus.produce([valid(1, 7, 5)]);
    await clock.advance(1_000);
    const [record, ...others] = await readAll(bus, topics.predictions, 1);
    expect(others).toEqual([]);
    expect(Buffer.from(record!.key!).toString()).toBe('k');
    expect(headerText(record!.headers, 'mine')).toBe('kept');
    expect(headerText(record!.headers, HEADER.origin)).toBe(`${topics.events}:1:7`);
    expect(predictionCodec.decode(record!.value!)).toMatchObject({
      id: '1/7',
      eventTimeMs: 70,
      modelVersion: FAKE_MODEL.version,
      modelDigest: FAKE_MODEL_DESCRIPTION.digest,
      slices: ['station=Brest'],
      variant: 'primary',
      fallbackReason: '',
      outputs: [2.5],
      rawOutputs: [2.5],
      policies: [],
      suppressed: false,
    });
  });

  it('keeps its place among what is refused and what is passed on', async () => {
    const bus = await createBus();
    const levels = [1, POISON_LEVEL, 3, null, 5];
    await start(bus, createFakeModel());
    await bus.produce([...levels.map((level, offset) => valid(0, offset, level)), end(0, 5)]);
    await bus.produce([valid(1, 0), valid(1, 1), end(1, 2)]);
    await clock.advance(1_000);
    expect(await predicted(bus, 0)).toEqual(['0/0', '0/2', '0/4', 'end']);
    expect(await predicted(bus, 1)).toEqual(['1/0', '1/1', 'end']);
    const refused = await readAll(bus, topics.quarantine, 0);
    expect(refused.map(({ headers }) => headerText(headers, HEADER.errorRule))).toEqual([
      'inference.run',
      'inference.output',
    ]);
    expect(refused.map(({ headers }) => headerText(headers, HEADER.errorOrigin))).toEqual([
      `${topics.events}:0:1`,
      `${topics.events}:0:3`,
    ]);
    expect(Buffer.from(refused[0]!.value!)).toEqual(valid(0, 1, POISON_LEVEL).value);
  });

  it('comes out in the order of its partition, over many batches', async () => {
    const bus = await createBus();
    const model = createFakeModel({ batchRowsFixed: 3 });
    await start(bus, model);
    const offsets = upTo(100);
    await bus.produce(offsets.flatMap((offset) => [valid(0, offset), valid(1, offset)]));
    await clock.advance(1_000);
    for (const partition of [0, 1]) {
      expect(await predicted(bus, partition)).toEqual(
        offsets.map((offset) => `${partition}/${offset}`),
      );
    }
    expect(Math.max(...model.runs)).toBeLessThanOrEqual(3);
  });

  it('that upstream repeated is predicted once', async () => {
    const bus = await createBus();
    const telemetry = createMemoryTelemetry();
    await start(bus, createFakeModel(), telemetry);
    await bus.produce([0, 1, 2, 1, 2, 3].map((offset) => valid(0, offset)));
    await clock.advance(1_000);
    expect(await predicted(bus, 0)).toEqual(['0/0', '0/1', '0/2', '0/3']);
    expect(telemetry.count('tidegauge.inference.events', { outcome: 'repeated' })).toBe(2);
    expect(telemetry.count('tidegauge.inference.events', { outcome: 'predicted' })).toBe(4);
  });
});

describe('a batch', () => {
  it('runs at once while nothing runs, and grows while something does', async () => {
    const bus = await createBus();
    const gate = createGate();
    const model = createFakeModel({ wait: gate.wait });
    await start(bus, model);
    await bus.produce([valid(0, 0)]);
    await clock.advance(0);
    expect(model.runs).toEqual([1]);
    for (const offset of upTo(5)) {
      await bus.produce([valid(0, offset + 1)]);
      await clock.advance(1);
    }
    expect(model.runs).toEqual([1]);
    gate.open();
    await clock.advance(1);
    expect(model.runs).toEqual([1, 5]);
    gate.open();
    await clock.advance(1);
    expect(await predicted(bus, 0)).toEqual(upTo(6).map((offset) => `0/${offset}`));
  });

  it('has at most as many rows as the monitor allows', async () => {
    const bus = await createBus();
    const model = createFakeModel();
    await start(bus, model);
    await bus.produce(upTo(3 * BATCH.rowsMax).map((offset) => valid(0, offset)));
    await clock.advance(1_000);
    expect(Math.max(...model.runs)).toBeLessThanOrEqual(BATCH.rowsMax);
    expect(await predicted(bus, 0)).toHaveLength(3 * BATCH.rowsMax);
  });
});

describe('a restart', () => {
  it('after a good stop goes on behind what was answered, refusals included', async () => {
    const bus = await createBus();
    const first = await start(bus, createFakeModel());
    await bus.produce([valid(0, 0), valid(0, 1), valid(0, 2, POISON_LEVEL)]);
    await clock.advance(1_000);
    await stop(first);
    await bus.produce([valid(0, 3)]);
    await start(bus, createFakeModel());
    await clock.advance(1_000);
    expect(await predicted(bus, 0)).toEqual(['0/0', '0/1', '0/3']);
    expect(await readAll(bus, topics.quarantine, 0)).toHaveLength(1);
  });

  it('loses nothing that was waiting: a stop drains it first', async () => {
    const bus = await createBus();
    const gate = createGate();
    const model = createFakeModel({ wait: gate.wait });
    const telemetry = createMemoryTelemetry();
    const worker = await start(bus, model, telemetry);
    await bus.produce([valid(0, 0)]);
    await clock.advance(1);
    await bus.produce([valid(0, 1), valid(0, 2)]);
    await clock.advance(1);
    expect(model.runs).toEqual([1]);
    const stopped = worker.stop(1_000);
    await clock.advance(300);
    gate.open();
    await clock.advance(1);
    gate.open();
    await clock.advance(1_000);
    await stopped;
    expect(telemetry.count('tidegauge.inference.batches', { trigger: 'drain' })).toBe(1);
    expect(await predicted(bus, 0)).toEqual(['0/0', '0/1', '0/2']);
    expect(worker.health().status).toBe('stopped');
    expect(model.closed).toBe(true);
  });

  it('without the time to drain everything keeps what was answered by then', async () => {
    const bus = await createBus();
    const model = createFakeModel({ time: { clock, runMs: () => 100 } });
    const worker = await start(bus, model);
    await bus.produce(upTo(20).map((offset) => valid(0, offset)));
    await clock.advance(50);
    const stopped = worker.stop(450);
    await clock.advance(500);
    await stopped;
    const ids = await predicted(bus, 0);
    expect(ids).toEqual(upTo(5).map((offset) => `0/${offset}`));
    const at = { topic: topics.valid, partition: 0 };
    const committed = await bus.committed(groupName(monitor.name, 'inference-worker', RUN), at);
    expect(committed?.offset).toBe(ids.length);
  });

  it('ends the few timers it has, however often it was woken while its queue was full', async () => {
    const counting = createCountingClock();
    const bus = createMemoryBus({ clock: counting });
    await bus.ensureTopics([
      { topic: topics.events, partitionCount: PARTITION_COUNT },
      ...derivedTopicSpecs(topics, PARTITION_COUNT),
    ]);
    const batch = { ...BATCH, rowsMax: 256 };
    const model = createFakeModel({ time: { clock: counting, runMs: () => 1 } });
    const worker = createInferenceWorker(
      {
        ...{ ...memoryPorts(), bus, clock: counting, telemetry: createMemoryTelemetry() },
        ...{ modelRuntime: createFakeModelRuntime(model), openModelFolder: () => FAKE_FOLDER },
      },
      {
        ...{ run: RUN, eventSchema: EVENT_SCHEMA, writerSchemas: [], reference: null },
        monitor: stationMonitor({ model: { ...FAKE_MODEL, batch } }),
      },
    );
    await worker.start();
    await bus.produce(upTo(2 * QUEUE_ROWS_MAX).map((offset) => valid(0, offset)));
    await counting.advance(40);
    expect(model.runs.length).toBeGreaterThan(20);
    expect(counting.sleeperCount).toBeLessThan(5);
    let isStopped = false;
    const stopped = worker.stop(60_000).then(() => {
      isStopped = true;
    });
    while (!isStopped) await counting.advance(1);
    await stopped;
    expect(counting.sleeperCount).toBe(0);
  });
});

describe('a partition that is taken away', () => {
  it('during a run is neither answered for nor committed, and its next owner answers', async () => {
    const bus = await createBus();
    const gate = createGate();
    const slow = createFakeModel({ wait: gate.wait });
    await start(bus, slow);
    await bus.produce(upTo(4).flatMap((offset) => [valid(0, offset), valid(1, offset)]));
    await clock.advance(1);
    expect(slow.runs).toEqual([8]);

    // Partition 1 goes to the second worker; the first keeps partition 0 in a new tenure.
    await start(bus, createFakeModel());
    await clock.advance(1_000);
    const ids = upTo(4).map((offset) => `1/${offset}`);
    expect(await predicted(bus, 1)).toEqual(ids);
    expect(await predicted(bus, 0)).toEqual([]);
    gate.open();
    await clock.advance(1_000);
    expect(await predicted(bus, 1)).toEqual(ids);
    expect(await predicted(bus, 0)).toEqual([]);
    gate.open();
    await clock.advance(1_000);
    expect(await predicted(bus, 0)).toEqual(upTo(4).map((offset) => `0/${offset}`));
  });
});

describe('a start', () => {
  it('with a model that does not fit is refused by name, and frees the model', async () => {
    const bus = await createBus();
    const model = createFakeModel();
    const inputs = [{ name: 'other', type: 'float32', shape: [4] }] as const;
    const misfit: FakeModel = {
      ...model,
      description: { ...FAKE_MODEL_DESCRIPTION, inputs },
    };
    await expect(start(bus, misfit)).rejects.toMatchObject({
      code: 'configuration.model',
      message: expect.stringContaining('features'),
    });
    expect(model.closed).toBe(true);
  });

  it('without a model in the monitor is refused', () => {
    const scope = { run: RUN, eventSchema: EVENT_SCHEMA, writerSchemas: [], reference: null };
    expect(() =>
      createInferenceWorker(memoryPorts(), { ...scope, monitor: stationMonitor() }),
    ).toThrow(expect.objectContaining({ code: 'configuration.invalid' }));
  });
});
