/**
 * Lost requests and lost replies between the services and a real Redis: a commit that was applied and
 * not answered is neither made twice nor given up, so every event is counted once.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { endOfRunHeaders } from '../../services/core/message/control.ts';
import { paneCodec } from '../../services/core/message/pane.ts';
import { runTopics } from '../../services/core/message/topics.ts';
import { tumblingPlan } from '../../services/core/window/window-plan.ts';
import { createPipeline } from '../../services/embedded/pipeline.ts';
import { startAll, stopAll } from '../../services/platform/lifecycle/supervise.ts';
import { createRedisStateStore } from '../../services/platform/store/redis-state-store.ts';
import type { StateStore } from '../../services/platform/store/state-store.ts';
import type { Logger } from '../../services/platform/telemetry/telemetry.ts';
import {
  EVENT_SCHEMA,
  jsonRecord,
  memoryPorts,
  referenceOf,
  type StationEvent,
  stationMonitor,
} from '../support/embedded-run.ts';
import { readAll } from '../support/read-all.ts';
import { isCommit, type RedisProxy, startRedisProxy } from '../support/redis-proxy.ts';
import { describeWithRedis } from '../support/require-real.ts';

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function openProxy(url: string): Promise<RedisProxy> {
  const proxy = await startRedisProxy(url);
  closing.push(() => proxy.close());
  return proxy;
}

function open(url: string): StateStore {
  const store = createRedisStateStore({ url, logger: silent });
  closing.push(() => store.close());
  return store;
}

const PARTITION_COUNT = 2;
const EVENT_COUNT = 4_000;
/** Of 40 windows, for the whole and for each station, and the one that says that the run is over. */
const REPORT_COUNT = 40 * 4 + 1;
/** Small, so that there are many commits to lose. */
const EVENTS_AT_A_TIME = 40;

/** How many requests there are depends on the machine: a slow one puts more events into each. */
const LOST_MIN = 5;

const monitor = stationMonitor({
  slices: ['station'],
  windows: [tumblingPlan(10_000)],
  allowedLatenessMs: 2_000,
});

/** 400 seconds; a few of them too late for their pane. */
const EVENTS = Array.from({ length: EVENT_COUNT }, (_, index): StationEvent => {
  const late = index % 97 === 96 ? 20_000 : 0;
  const station = ['Brest', 'Cuxhaven', 'Newlyn'][index % 3]!;
  return { id: `${index}`, at: Math.max(0, index * 100 - late), level: index % 50, station };
});

/** The whole pipeline to the end of its stream; what it wrote. A start fails fast: faults come after it. */
async function runOn(store: StateStore, disturb: () => void = () => undefined) {
  const ports = { ...memoryPorts(), store };
  const { bus } = ports;
  const run = `lost-${randomUUID()}`;
  const topics = runTopics(monitor, run);
  await bus.ensureTopics([{ topic: topics.events, partitionCount: PARTITION_COUNT }]);
  const services = createPipeline(ports, {
    ...{ monitor, run, eventSchema: EVENT_SCHEMA, writerSchemas: [] },
    reference: referenceOf(monitor, EVENTS.slice(0, 1_000)),
  });
  const read = async (topic: string) => (await readAll(bus, topic)).map(({ value }) => value!);
  await startAll(services);
  disturb();
  try {
    for (let from = 0; from < EVENT_COUNT; from += EVENTS_AT_A_TIME) {
      const events = EVENTS.slice(from, from + EVENTS_AT_A_TIME);
      const records = events.map((event, index) => jsonRecord(event, index % PARTITION_COUNT));
      await bus.produce(records.map((record) => ({ ...record, topic: topics.events })));
      await sleep(15);
    }
    for (let partition = 0; partition < PARTITION_COUNT; partition++) {
      const end = { key: null, value: null, headers: endOfRunHeaders(run), timestampMs: null };
      await bus.produce([{ ...end, topic: topics.events, partition }]);
    }
    await expect
      .poll(async () => uniqueHex(await read(topics.reports)).length, { timeout: 15_000 })
      .toBe(REPORT_COUNT);
    return { panes: firstOf(await read(topics.panes)), reports: await read(topics.reports) };
  } finally {
    await stopAll(services, 5_000);
    await bus.close();
  }
}

/** By partition and sequence, in hex; a repeat must be the same byte for byte. */
function firstOf(values: readonly Uint8Array[]): ReadonlyMap<string, string> {
  const panes = new Map<string, string>();
  for (const value of values) {
    const { source, partition, sequence } = paneCodec.decode(value);
    const key = `${source}:${partition}:${sequence}`;
    const bytes = Buffer.from(value).toString('hex');
    expect(panes.get(key) ?? bytes, `pane ${key}`).toBe(bytes);
    panes.set(key, bytes);
  }
  return panes;
}

function countOf(panes: ReadonlyMap<string, string>): number {
  return [...panes.values()]
    .map((bytes) => paneCodec.decode(Buffer.from(bytes, 'hex')))
    .filter(({ kind, slice }) => slice === '' && (kind === 'sealed' || kind === 'late'))
    .reduce((sum, { count }) => sum + count, 0);
}

const uniqueHex = (values: readonly Uint8Array[]) => [
  ...new Set(values.map((value) => Buffer.from(value).toString('hex'))),
];

describeWithRedis('a pipeline whose state store answers badly', (url) => {
  test.each([
    {
      what: 'the answer to every third commit is lost',
      loses: (count: number) => ({ request: false, reply: count % 3 === 0 }),
      requests: isCommit,
    },
    {
      what: 'every third commit does not arrive',
      loses: (count: number) => ({ request: count % 3 === 0, reply: false }),
      requests: isCommit,
    },
    {
      what: 'requests and answers of every kind are lost',
      loses: (count: number) => ({ request: count % 13 === 0, reply: count % 7 === 0 }),
      requests: () => true,
    },
  ])(
    'counts every event once and writes the same bytes: $what',
    async ({ loses, requests }) => {
      const undisturbed = await runOn(memoryPorts().store);
      expect(countOf(undisturbed.panes)).toBe(EVENT_COUNT);

      const proxy = await openProxy(url);
      let count = 0;
      let lostCount = 0;
      const lost = (loss: boolean) => {
        if (loss) lostCount += 1;
        return loss;
      };
      const disturbed = await runOn(open(proxy.url), () => {
        proxy.losesRequest = (request) => requests(request) && lost(loses(++count).request);
        proxy.losesReply = (request) => requests(request) && lost(loses(count).reply);
      });

      expect(lostCount).toBeGreaterThanOrEqual(LOST_MIN);
      expect(countOf(disturbed.panes)).toBe(EVENT_COUNT);
      expect(disturbed.panes).toEqual(undisturbed.panes);
      expect(uniqueHex(disturbed.reports)).toEqual(uniqueHex(undisturbed.reports));
    },
    60_000,
  );
});
