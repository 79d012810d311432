/**
 * What every bus adapter must do when a topic is not what it was: it has got more partitions, or its
 * log ends before the position it was read up to.
 */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bus } from '../../services/platform/bus/bus.ts';
import {
  asText,
  type BusUnderTest,
  collect,
  numbers,
  outgoing,
  PATIENCE_MS,
  subscribe,
  text,
  until,
  valueNumber,
} from './bus-reader.ts';

export function describeBusPartitionsContract(name: string, createBus: () => BusUnderTest): void {
  describe(`Bus contract, partitions: ${name}`, { timeout: 30_000 }, () => {
    let adapter: BusUnderTest;
    let bus: Bus;

    beforeEach(() => {
      adapter = createBus();
      bus = adapter.connect();
    });
    afterEach(() => adapter.close());

    async function newTopic(partitionCount = 1): Promise<string> {
      const topic = `partitions.${randomUUID()}`;
      await bus.ensureTopics([{ topic, partitionCount }]);
      return topic;
    }

    it('gives a topic the partitions it lacks, however many ask, and never takes one', async () => {
      const topic = await newTopic(2);
      const other = adapter.connect();
      await Promise.all([
        bus.ensureTopics([{ topic, partitionCount: 4 }]),
        other.ensureTopics([{ topic, partitionCount: 5 }]),
      ]);
      expect(await bus.partitionCount(topic)).toBe(5);
      await bus.ensureTopics([{ topic, partitionCount: 1 }]);
      expect(await other.partitionCount(topic)).toBe(5);
      expect(await bus.offsets({ topic, partition: 4 })).toEqual({ earliest: 0, next: 0 });
      expect(await bus.committed(randomUUID(), { topic, partition: 4 })).toBeNull();
    });

    it('never says that it has written to a partition it has not written to', async () => {
      const topic = await newTopic(1);
      await bus.produce([outgoing(topic, { value: text('0') })]);
      await adapter.connect().ensureTopics([{ topic, partitionCount: 3 }]);
      await bus.produce(
        numbers(0, 3).map((partition) => outgoing(topic, { partition, value: text('1') })),
      );
      for (const partition of numbers(0, 3)) {
        const { next } = await bus.offsets({ topic, partition });
        expect(next).toBe(partition === 0 ? 2 : 1);
      }
    });

    it('refuses to write to a partition that does not exist', async () => {
      const topic = await newTopic(1);
      await expect(bus.produce([outgoing(topic, { partition: 1 })])).rejects.toMatchObject({
        code: 'dependency.bus',
        message: expect.stringContaining(topic),
      });
      await bus.produce([outgoing(topic, {})]);
      expect((await bus.offsets({ topic, partition: 0 })).next).toBe(1);
    });

    it('hands added partitions to the group that reads the topic, and repeats or loses nothing', async () => {
      const topic = await newTopic(1);
      const positions = new Map<number, number>();
      const group = randomUUID();
      const readers = await Promise.all(
        [bus, adapter.connect()].map((connection) =>
          subscribe(connection, [topic], {
            group,
            onAssigned: async ({ partition }) => ({ offset: positions.get(partition) ?? 0 }),
          }),
        ),
      );
      const seen: string[] = [];
      const readUntil = (reached: () => boolean) =>
        until(async () => {
          for (const { subscription } of readers) {
            for (const { assignment, records } of await subscription.poll({
              recordsMax: 50,
              waitMs: 20,
            })) {
              if (!subscription.owns(assignment)) continue;
              positions.set(assignment.partition, records.at(-1)!.offset + 1);
              seen.push(...records.map((record) => asText(record.value!)));
            }
          }
          return reached();
        });

      await bus.produce(numbers(0, 100).map((n) => outgoing(topic, { value: text(`0:${n}`) })));
      await readUntil(() => seen.length === 100);
      await bus.ensureTopics([{ topic, partitionCount: 4 }]);
      const added = numbers(0, 4).flatMap((partition) =>
        numbers(200, 250).map((n) =>
          outgoing(topic, { partition, value: text(`${partition}:${n}`) }),
        ),
      );
      await bus.produce(added);
      await readUntil(() => seen.length >= 300);
      expect(new Set(seen).size).toBe(seen.length);
      const assigned = readers.map(({ subscription }) => subscription.assignments().length);
      expect(assigned.sort()).toEqual([2, 2]);
    });

    describe('where the log ends before the committed position', () => {
      /** Three records, of which the group has committed ten. */
      async function truncated() {
        const topic = await newTopic();
        await bus.produce(numbers(0, 3).map((n) => outgoing(topic, { value: text(String(n)) })));
        const group = randomUUID();
        const reader = await subscribe(bus, [topic], { group });
        await collect(reader, 3);
        await reader.subscription.commit(reader.assigned[0]!, 10);
        await reader.subscription.close();
        return { topic, group };
      }

      it('stops a reader that names things by offsets, and says where and what to do', async () => {
        const { topic, group } = await truncated();
        const { subscription } = await subscribe(adapter.connect(), [topic], {
          group,
          start: 'committed',
          onTruncated: 'stop',
        });
        const poll = () => subscription.poll({ recordsMax: 10, waitMs: PATIENCE_MS });
        await expect(poll()).rejects.toMatchObject({ code: 'bus.truncated' });
        await expect(poll()).rejects.toThrow(
          new RegExp(`topic ${topic}, partition 0: .*offset 10.*ends at 3.*restore.*new name`),
        );
      });

      it('takes any other reader back to the earliest', async () => {
        const { topic, group } = await truncated();
        const reader = await subscribe(bus, [topic], { group, start: 'committed' });
        expect((await collect(reader, 3)).map(valueNumber)).toEqual([0, 1, 2]);
      });

      it('lets a reader go on whose position is the end', async () => {
        const topic = await newTopic();
        const reader = await subscribe(bus, [topic], { start: 'earliest', onTruncated: 'stop' });
        await bus.produce([outgoing(topic, {}), outgoing(topic, {})]);
        await collect(reader, 2);
        const group = randomUUID();
        const next = await subscribe(bus, [topic], {
          group,
          start: { offset: 2 },
          onTruncated: 'stop',
        });
        await bus.produce([outgoing(topic, { value: text('7') })]);
        expect((await collect(next, 1)).map(valueNumber)).toEqual([7]);
      });
    });
  });
}
