/** The publisher of a run: what it sends, when, and where it goes on. */
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../services/core/errors.ts';
import { isEndOfRun } from '../../../services/core/message/control.ts';
import { HEADER, headerText } from '../../../services/core/message/header.ts';
import { runTopics } from '../../../services/core/message/topics.ts';
import type { Bus, BusRecord } from '../../../services/platform/bus/bus.ts';
import { createMemoryBus } from '../../../services/platform/bus/memory-bus.ts';
import {
  createVirtualClock,
  type VirtualClock,
} from '../../../services/platform/clock/virtual-clock.ts';
import { FULL_PACE, type Pace } from '../../../services/replay/pace.ts';
import { createReplay } from '../../../services/replay/replay.ts';
import {
  countedSource,
  type ReplayRecord,
  type ReplaySource,
} from '../../../services/replay/source.ts';
import { createTopicSource } from '../../../services/replay/topic-source.ts';
import {
  EVENT_SCHEMA,
  jsonRecord,
  memoryPorts,
  stationMonitor,
} from '../../support/embedded-run.ts';
import { readAll } from '../../support/read-all.ts';

const RUN = 'r1';
const monitor = stationMonitor();
const { events } = runTopics(monitor, RUN);

async function busOf(clock: VirtualClock, partitionCount: number): Promise<Bus> {
  const bus = createMemoryBus({ clock });
  await bus.ensureTopics([{ topic: events, partitionCount }]);
  return bus;
}

function start(bus: Bus, clock: VirtualClock, source: ReplaySource, pace: Pace = FULL_PACE) {
  const done: number[] = [];
  const replay = createReplay(
    { ...memoryPorts(), clock, bus },
    { monitor, run: RUN, eventSchema: EVENT_SCHEMA, writerSchemas: [], reference: null },
    { source, pace, onProgress: (count) => void done.push(count) },
  );
  return { replay, done };
}

async function publish(bus: Bus, clock: VirtualClock, source: ReplaySource): Promise<void> {
  const { replay } = start(bus, clock, source);
  await replay.start();
  await clock.advance(60_000);
  await replay.finished;
}

const readEvents = (bus: Bus, partition?: number) => readAll(bus, events, partition);

function rows(count: number, partitionCount = 1): ReplaySource {
  const records = Array.from({ length: count }, (_, index) => ({
    ...jsonRecord({ id: String(index) }, index % partitionCount),
    timestampMs: 1_000 * index,
  }));
  return countedSource({
    partitionCount,
    async *records() {
      yield* records;
    },
  });
}

const originOf = ({ headers }: BusRecord) => headerText(headers, HEADER.origin);
const isEnd = ({ headers }: BusRecord) => isEndOfRun(headers, RUN);

describe('a replay', () => {
  it('publishes every record with its place and its timestamp, and ends every partition', async () => {
    const clock = createVirtualClock(5_000_000);
    const bus = await busOf(clock, 3);
    await publish(bus, clock, rows(5, 3));
    const [first, second, third] = await Promise.all([0, 1, 2].map((p) => readEvents(bus, p)));
    expect(first!.map(originOf)).toEqual([0, 1, 2].map((n) => `${events}:0:${n}`));
    expect(first!.map(isEnd)).toEqual([false, false, true]);
    expect([second!.length, third!.length]).toEqual([3, 2]);
    expect(third!.map(originOf)).toEqual([`${events}:2:0`, `${events}:2:1`]);
    const [record] = second!;
    expect(headerText(record!.headers, HEADER.recordTimestamp)).toBe('1000');
    expect(record!.timestampMs).toBeGreaterThanOrEqual(5_000_000);
  });

  it('of a range names the places of its topic, and its end the end of the range', async () => {
    const clock = createVirtualClock();
    const bus = await busOf(clock, 2);
    await bus.ensureTopics([{ topic: 'source', partitionCount: 2 }]);
    const forged = { [HEADER.origin]: Buffer.from('other:7:99') };
    const record = { ...jsonRecord({}), topic: 'source', headers: forged };
    await bus.produce([0, 1, 2, 3].map(() => record));
    await publish(
      bus,
      clock,
      createTopicSource(bus, 'source', [
        { from: 1, to: 3 },
        { from: 0, to: 0 },
      ]),
    );
    expect((await readEvents(bus, 0)).map(originOf)).toEqual([
      'source:0:1',
      'source:0:2',
      'source:0:3',
    ]);
    const [end] = await readEvents(bus, 1);
    expect([originOf(end!), isEnd(end!)]).toEqual(['source:1:0', true]);
  });

  it('goes on after what an earlier attempt has published, partition by partition', async () => {
    const clock = createVirtualClock();
    const whole = await busOf(clock, 2);
    await publish(whole, clock, rows(9, 2));
    const expected = [await readEvents(whole, 0), await readEvents(whole, 1)];
    for (const kept of [
      [0, 0],
      [3, 0],
      [2, 4],
      [6, 5],
      [6, 2],
    ]) {
      const bus = await busOf(clock, 2);
      await bus.produce(kept.flatMap((count, p) => expected[p]!.slice(0, count)));
      await publish(bus, clock, rows(9, 2));
      for (const partition of [0, 1]) {
        const found = await readEvents(bus, partition);
        expect(found.map(originOf)).toEqual(expected[partition]!.map(originOf));
        expect(found.map(isEnd)).toEqual(expected[partition]!.map(isEnd));
      }
    }
  });

  it('sends again what may not have arrived; behind it that is a repeat', async () => {
    const clock = createVirtualClock();
    const inner = await busOf(clock, 1);
    let failures = 2;
    const bus: Bus = {
      ...inner,
      async produce(records) {
        await inner.produce(records.slice(0, 2));
        if (failures-- > 0) throw new CodedError('dependency.bus', 'no answer');
        await inner.produce(records.slice(2));
      },
    };
    await publish(bus, clock, rows(4));
    const places = (await readEvents(inner)).map((record) => Number(originOf(record)!.at(-1)));
    expect(places).toEqual([0, 1, 0, 1, 0, 1, 2, 3, 4]);
  });

  it('whose beginning the broker has deleted is refused', async () => {
    const clock = createVirtualClock();
    const inner = await busOf(clock, 1);
    const bus: Bus = { ...inner, offsets: async () => ({ earliest: 5, next: 9 }) };
    const { replay } = start(bus, clock, rows(4));
    await replay.start();
    await expect(replay.finished).rejects.toMatchObject({ code: 'configuration.invalid' });
    expect(replay.health()).toMatchObject({ status: 'failed' });
  });

  it('waits for each record to be due, in the time of the clock', async () => {
    const clock = createVirtualClock();
    const bus = await busOf(clock, 1);
    const { replay, done } = start(bus, clock, rows(6), { kind: 'speed', factor: 2 });
    await replay.start();
    const seen: number[] = [];
    for (let step = 0; step < 6; step += 1) {
      await clock.advance(500);
      seen.push((await readEvents(bus)).filter((record) => !isEnd(record)).length);
    }
    expect(seen).toEqual([2, 3, 4, 5, 6, 6]);
    await replay.finished;
    expect(done.at(-1)).toBe(6);
  });

  it('that is stopped while it waits stops at once, without an end', async () => {
    const clock = createVirtualClock();
    const bus = await busOf(clock, 1);
    const { replay } = start(bus, clock, rows(3), { kind: 'speed', factor: 0.001 });
    await replay.start();
    await clock.advance(10);
    await replay.stop(0);
    expect((await readEvents(bus)).map(isEnd)).toEqual([false]);
  });

  it('never publishes into the live run', () => {
    const scope = { monitor, run: 'live', eventSchema: {}, writerSchemas: [], reference: null };
    const options = { source: rows(1), pace: FULL_PACE, onProgress: () => undefined };
    expect(() => createReplay(memoryPorts(), scope, options)).toThrow(/run of its own/);
  });
});

describe('a counted source', () => {
  it('numbers the records of each partition and begins where it is told', async () => {
    const records: ReplayRecord[] = [0, 1, 0, 0, 1].map((partition) => jsonRecord({}, partition));
    const source = countedSource({
      partitionCount: 2,
      async *records() {
        yield* records;
      },
    });
    const places: string[] = [];
    for await (const { partition, offset } of source.records([1, 0], new AbortController().signal))
      places.push(`${partition}/${offset}`);
    expect(places).toEqual(['1/0', '0/1', '0/2', '1/1']);
  });
});
