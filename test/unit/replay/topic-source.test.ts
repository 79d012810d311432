/** A range of a topic as a source: its edges, its order, and that it does not grow. */
import { describe, expect, it } from 'vitest';
import type { Bus } from '../../../services/platform/bus/bus.ts';
import { createMemoryBus } from '../../../services/platform/bus/memory-bus.ts';
import { createVirtualClock } from '../../../services/platform/clock/virtual-clock.ts';
import type { ReplaySource, SourceRecord } from '../../../services/replay/source.ts';
import {
  createTopicSource,
  type RangeEdge,
  resolveTopicRange,
  spannedCount,
  type TopicRange,
} from '../../../services/replay/topic-source.ts';

const TOPIC = 'events';

/** Partition by partition, one record per timestamp. */
async function busWith(timestamps: readonly (readonly number[])[]): Promise<Bus> {
  const bus = createMemoryBus({ clock: createVirtualClock() });
  await bus.ensureTopics([{ topic: TOPIC, partitionCount: timestamps.length }]);
  for (const [partition, times] of timestamps.entries()) {
    await bus.produce(
      times.map((timestampMs, offset) => ({
        topic: TOPIC,
        partition,
        key: Buffer.from(`k${offset}`),
        value: Buffer.from(`${partition}/${offset}`),
        headers: { mine: Buffer.from('kept') },
        timestampMs,
      })),
    );
  }
  return bus;
}

async function openTopicSource(bus: Bus, range: TopicRange): Promise<ReplaySource> {
  return createTopicSource(bus, range.topic, await resolveTopicRange(bus, range));
}

const startOf = ({ spans }: ReplaySource) => spans.map(({ from }) => from);

async function read(source: ReplaySource, signal = new AbortController().signal) {
  const records: SourceRecord[] = [];
  for await (const record of source.records(startOf(source), signal)) records.push(record);
  return records;
}

const texts = (records: readonly SourceRecord[]) =>
  records.map(({ value }) => Buffer.from(value!).toString());

async function range(bus: Bus, from: RangeEdge, to: RangeEdge): Promise<readonly string[]> {
  const source = await openTopicSource(bus, { topic: TOPIC, from, to });
  const records = texts(await read(source));
  const spans = await resolveTopicRange(bus, { topic: TOPIC, from, to });
  expect(spannedCount(spans)).toBe(records.length);
  return records.sort();
}

describe('a topic source', () => {
  it('takes records from an edge on and up to another, partition by partition', async () => {
    const bus = await busWith([
      [10, 20, 30, 40],
      [15, 25],
    ]);
    const everything = ['0/0', '0/1', '0/2', '0/3', '1/0', '1/1'];
    expect(await range(bus, 'earliest', 'next')).toEqual(everything);
    expect(await range(bus, { offset: 1 }, { offset: 3 })).toEqual(['0/1', '0/2', '1/1']);
    expect(await range(bus, { timestampMs: 20 }, { timestampMs: 30 })).toEqual(['0/1', '1/1']);
    expect(await range(bus, { timestampMs: 26 }, 'next')).toEqual(['0/2', '0/3']);
    expect(await range(bus, 'earliest', { timestampMs: 15 })).toEqual(['0/0']);
    expect(await range(bus, { offset: 0 }, { offset: 1_000 })).toEqual(everything);
  });

  it.each<[string, RangeEdge, RangeEdge]>([
    ['that ends before it starts', { offset: 3 }, { offset: 1 }],
    ['beyond the end', { offset: 100 }, 'next'],
    ['after the last timestamp', { timestampMs: 1_000 }, 'next'],
    ['of nothing', 'next', 'next'],
    ['before the beginning', 'earliest', { timestampMs: 0 }],
  ])('is empty over a range %s', async (_what, from, to) => {
    expect(await range(await busWith([[10, 20, 30, 40], [15]]), from, to)).toEqual([]);
  });

  it('takes the partitions in turn, so that no window waits for the end of another', async () => {
    const bus = await busWith([[1, 2, 3, 4], [1], [1, 2]]);
    const source = await openTopicSource(bus, { topic: TOPIC, from: 'earliest', to: 'next' });
    expect(source.spans).toHaveLength(3);
    const order = texts(await read(source));
    expect(order).toEqual(['0/0', '1/0', '2/0', '0/1', '2/1', '0/2', '0/3']);
  });

  it('gives records as they are, in their own partition', async () => {
    const bus = await busWith([[], [77]]);
    const source = await openTopicSource(bus, { topic: TOPIC, from: 'earliest', to: 'next' });
    expect(await read(source)).toEqual([
      {
        partition: 1,
        key: Buffer.from('k0'),
        value: Buffer.from('1/0'),
        headers: { mine: Buffer.from('kept') },
        timestampMs: 77,
        offset: 0,
        timeMs: 77,
      },
    ]);
  });

  it('does not take what arrives after it was opened', async () => {
    const bus = await busWith([[1, 2]]);
    const source = await openTopicSource(bus, { topic: TOPIC, from: 'earliest', to: 'next' });
    const late = { key: null, value: Buffer.from('late'), headers: {}, timestampMs: 3 };
    await bus.produce([{ topic: TOPIC, partition: 0, ...late }]);
    expect(texts(await read(source))).toEqual(['0/0', '0/1']);
  });

  it('ends when it is told to', async () => {
    const bus = await busWith([[1, 2, 3, 4, 5, 6]]);
    const source = await openTopicSource(bus, { topic: TOPIC, from: 'earliest', to: 'next' });
    const abort = new AbortController();
    const seen: SourceRecord[] = [];
    for await (const record of source.records(startOf(source), abort.signal)) {
      seen.push(record);
      if (seen.length === 2) abort.abort();
    }
    expect(texts(seen)).toEqual(['0/0', '0/1']);
  });

  it.each(['left', 'failed'] as const)(
    'lets go of every partition when it is %s early',
    async (how) => {
      const bus = await busWith([
        [1, 2, 3],
        [1, 2, 3],
        [1, 2, 3],
      ]);
      const open = new Set<number>();
      const watched: Bus = {
        ...bus,
        async *read(at, from, to) {
          open.add(at.partition);
          try {
            for await (const record of bus.read(at, from, to)) {
              if (how === 'failed' && at.partition === 2) throw new Error('the broker is gone');
              yield record;
            }
          } finally {
            open.delete(at.partition);
          }
        },
      };
      const source = await openTopicSource(watched, { topic: TOPIC, from: 'earliest', to: 'next' });
      const reading = async () => {
        let count = 0;
        for await (const _record of source.records(startOf(source), new AbortController().signal)) {
          count += 1;
          if (count === 4) break;
        }
      };
      if (how === 'failed') await expect(reading()).rejects.toThrow('the broker is gone');
      else await reading();
      expect([...open]).toEqual([]);
    },
  );

  it('of a topic that does not exist is refused by name', async () => {
    const bus = await busWith([[1]]);
    await expect(
      openTopicSource(bus, { topic: 'nowhere', from: 'earliest', to: 'next' }),
    ).rejects.toMatchObject({
      code: 'configuration.invalid',
      message: expect.stringContaining('nowhere'),
    });
  });
});
