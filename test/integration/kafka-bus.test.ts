/**
 * The bus contract on a real Kafka, and what only a real one can show: messages at the size limit,
 * records deleted under a reader, transaction markers, a broker that is not there.
 */
import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Bus, OutgoingRecord } from '../../services/platform/bus/bus.ts';
import { createKafkaBus, type KafkaBusLimits } from '../../services/platform/bus/kafka-bus.ts';
import { createSystemClock } from '../../services/platform/clock/system-clock.ts';
import type { Logger } from '../../services/platform/telemetry/telemetry.ts';
import { describeBusContract } from '../contract/bus.contract.ts';
import { describeBusPartitionsContract } from '../contract/bus-partitions.contract.ts';
import { subscribe, until } from '../contract/bus-reader.ts';
import { describeWithKafka } from '../support/require-real.ts';

interface Line {
  readonly level: string;
  readonly message: string;
}

function createLog(): Logger & { readonly lines: Line[] } {
  const lines: Line[] = [];
  const at = (level: string) => (_: unknown, message: string) =>
    void lines.push({ level, message });
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

function createBus(
  brokers: string,
  limits: Partial<KafkaBusLimits> = {},
  logger: Logger = createLog(),
): Bus {
  return createKafkaBus({
    brokers: brokers.split(','),
    clientId: `test-${randomUUID()}`,
    clock: createSystemClock(),
    logger,
    limits: {
      heartbeatIntervalMs: 100,
      retryAttemptsMax: 5,
      metadataAgeMsMax: 500,
      prefetchBytesMax: 100_000,
      ...limits,
    },
  });
}

describeWithKafka('Kafka bus', (brokers) => {
  const underTest = () => {
    const buses: Bus[] = [];
    return {
      connect() {
        const bus = createBus(brokers);
        buses.push(bus);
        return bus;
      },
      close: async () => void (await Promise.all(buses.map((bus) => bus.close()))),
    };
  };
  describeBusContract('Kafka', underTest);
  describeBusPartitionsContract('Kafka', underTest);

  describe('what only a real one shows', { timeout: 30_000 }, () => {
    const bus = createBus(brokers);
    const admin = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).admin();
    beforeAll(() => admin.connect());
    afterAll(async () => {
      await bus.close();
      await admin.disconnect();
    });

    async function newTopic(): Promise<string> {
      const topic = `kafka-bus.${randomUUID()}`;
      await bus.ensureTopics([{ topic, partitionCount: 1 }]);
      return topic;
    }

    async function deleteRecordsBefore(topic: string, offset: number): Promise<void> {
      // kafkajs only knows the leaders of topics it has been asked about.
      await admin.fetchTopicOffsets(topic);
      const partitions = [{ partition: 0, offset: String(offset) }];
      await admin.deleteTopicRecords({ topic, partitions });
    }

    async function readOffsets(topic: string, from: number, to: number): Promise<number[]> {
      const offsets: number[] = [];
      for await (const { offset } of bus.read({ topic, partition: 0 }, from, to))
        offsets.push(offset);
      return offsets;
    }

    it('splits what is larger than a request and keeps its order', async () => {
      const topic = await newTopic();
      const sizes = [600_000, 600_000, 10, 899_000, 200_000, 1, 1_000_000, 5];
      await bus.produce(sizes.map((size) => outgoing(topic, new Uint8Array(size))));
      const read: number[] = [];
      for await (const record of bus.read({ topic, partition: 0 }, 0, sizes.length)) {
        read.push(record.value!.byteLength);
      }
      expect(read).toEqual(sizes);
    });

    it('reports a record the broker refuses, and goes on', async () => {
      const topic = await newTopic();
      await expect(bus.produce([outgoing(topic, new Uint8Array(2_000_000))])).rejects.toMatchObject(
        {
          code: 'dependency.bus',
          message: expect.stringContaining(topic),
        },
      );
      await bus.produce([outgoing(topic, new Uint8Array(1))]);
      expect(await readOffsets(topic, 0, 1)).toEqual([0]);
    });

    it('goes to the earliest, loudly, when retention has passed the position', async () => {
      const topic = await newTopic();
      await bus.produce(Array.from({ length: 10 }, () => outgoing(topic, new Uint8Array(1))));
      await deleteRecordsBefore(topic, 6);
      expect(await bus.offsets({ topic, partition: 0 })).toEqual({ earliest: 6, next: 10 });

      const log = createLog();
      const reader = createBus(brokers, {}, log);
      const subscription = await reader.subscribe({
        group: randomUUID(),
        topics: [topic],
        onAssigned: async () => ({ offset: 2 }),
        onRevoked: () => undefined,
      });
      const batches = await subscription.poll({ recordsMax: 100, waitMs: 10_000 });
      expect(batches[0]!.records.map((record) => record.offset)).toEqual([6, 7, 8, 9]);
      expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(1);
      expect(await readOffsets(topic, 0, 10)).toEqual([6, 7, 8, 9]);
      expect(await readOffsets(topic, 0, 6)).toEqual([]);
      await reader.close();
    });

    it('notices records deleted under a slow reader, says so, and commits nothing for it', async () => {
      const topic = await newTopic();
      const value = new Uint8Array(1_000);
      const log = createLog();
      const reader = createBus(brokers, { prefetchBytesMax: 10_000, fetchBytesMax: 10_000 }, log);
      await bus.produce(Array.from({ length: 3_000 }, () => outgoing(topic, value)));
      const group = randomUUID();
      const subscription = await reader.subscribe({
        group,
        topics: [topic],
        onAssigned: async () => 'earliest',
        onRevoked: () => undefined,
      });
      const seen: number[] = [];
      const read = async (count: number) => {
        const target = seen.length + count;
        while (seen.length < target && seen.at(-1) !== 2_999) {
          for (const { records } of await subscription.poll({ recordsMax: 5, waitMs: 1_000 })) {
            seen.push(...records.map((record) => record.offset));
          }
        }
      };
      await read(5);
      await subscription.commit(subscription.assignments()[0]!, 5);
      await deleteRecordsBefore(topic, 2_900);
      await read(3_000);
      const jump = seen.findIndex((offset, index) => index > 0 && offset !== seen[index - 1]! + 1);
      expect(seen[jump]).toBe(2_900);
      expect(seen.slice(jump)).toEqual(Array.from({ length: 100 }, (_, index) => 2_900 + index));
      expect(log.lines.some(({ level }) => level === 'error')).toBe(true);
      const [committed] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
      expect(committed?.partitions).toMatchObject([{ partition: 0, offset: '5' }]);
      await reader.close();
    });

    it('ends a range of which the rest is deleted while it is read', async () => {
      const topic = await newTopic();
      const value = new Uint8Array(1_000);
      const reader = createBus(brokers, { prefetchBytesMax: 10_000, fetchBytesMax: 10_000 });
      await bus.produce(Array.from({ length: 3_000 }, () => outgoing(topic, value)));
      const seen: number[] = [];
      for await (const record of reader.read({ topic, partition: 0 }, 0, 3_000)) {
        if (seen.length === 0) await deleteRecordsBefore(topic, 3_000);
        seen.push(record.offset);
      }
      expect(seen).toEqual(seen.map((_, index) => index));
      expect(seen.length).toBeLessThan(3_000);
      await reader.close();
    });

    it('reads over transaction markers, and ends a range that ends in one', async () => {
      const topic = await newTopic();
      const foreign = new Kafka({
        brokers: brokers.split(','),
        logLevel: logLevel.NOTHING,
      }).producer({
        transactionalId: randomUUID(),
        idempotent: true,
        maxInFlightRequests: 1,
      });
      await foreign.connect();
      for (const commits of [true, false, true]) {
        const transaction = await foreign.transaction();
        await transaction.send({ topic, messages: [{ value: 'a' }, { value: 'b' }] });
        await (commits ? transaction.commit() : transaction.abort());
      }
      const last = await foreign.transaction();
      await last.send({ topic, messages: [{ value: 'never' }] });
      await last.abort();
      await foreign.disconnect();

      // 0 1 committed, 2 marker, 3 4 aborted, 5 marker, 6 7 committed, 8 marker, 9 aborted, 10 marker.
      // The broker writes a marker some time after it has acknowledged the end of the transaction.
      await vi.waitFor(
        async () =>
          expect(await bus.offsets({ topic, partition: 0 })).toEqual({ earliest: 0, next: 11 }),
        10_000,
      );
      expect(await readOffsets(topic, 0, 11)).toEqual([0, 1, 6, 7]);
      expect(await readOffsets(topic, 3, 6)).toEqual([]);
      expect(await readOffsets(topic, 9, 11)).toEqual([]);

      const subscription = await bus.subscribe({
        group: randomUUID(),
        topics: [topic],
        onAssigned: async () => ({ offset: 2 }),
        onRevoked: () => undefined,
      });
      await subscription.poll({ recordsMax: 2, waitMs: 10_000 });
      await bus.produce([outgoing(topic, new Uint8Array(1))]);
      const batches = await subscription.poll({ recordsMax: 10, waitMs: 10_000 });
      expect(batches[0]!.records.map((record) => record.offset)).toEqual([11]);
      await subscription.close();
    });

    it('leaves no group behind after reading a range', async () => {
      const topic = await newTopic();
      await bus.produce([outgoing(topic, new Uint8Array(1))]);
      expect(await readOffsets(topic, 0, 1)).toEqual([0]);
      const { groups } = await admin.listGroups();
      expect(groups.filter(({ groupId }) => groupId.startsWith('tidegauge-read-'))).toEqual([]);
    });

    it('answers many questions at once', async () => {
      const topics = await Promise.all(Array.from({ length: 6 }, newTopic));
      await bus.produce(topics.map((topic) => outgoing(topic, new Uint8Array(1))));
      const questions = topics.flatMap((topic) => {
        const at = { topic, partition: 0 };
        return [bus.offsets(at), bus.offsets(at), bus.offsetAt(at, 0), bus.partitionCount(topic)];
      });
      const answers = await Promise.all(questions);
      const range = { earliest: 0, next: 1 };
      expect(answers).toEqual(topics.flatMap(() => [range, range, 0, 1]));
    });

    it('hears of a rebalance although the wall clock was set back', async () => {
      const topic = await newTopic();
      const group = randomUUID();
      const first = await subscribe(bus, [topic], { group });
      await until(async () => first.assigned.length === 1);
      const now = Date.now;
      const clock = vi.spyOn(Date, 'now').mockImplementation(() => now() - 600_000);
      const other = createBus(brokers);
      try {
        const second = await subscribe(other, [topic], { group });
        await until(async () => first.revoked.length === 1);
        await second.subscription.close();
        await first.subscription.close();
      } finally {
        clock.mockRestore();
        await other.close();
      }
    });

    it('closes while a member is still being assigned, and the group is free at once', async () => {
      const topic = await newTopic();
      const group = randomUUID();
      const subscribe = (onAssigned: () => Promise<'earliest'>) =>
        bus.subscribe({ group, topics: [topic], onAssigned, onRevoked: () => undefined });
      const stuck = await subscribe(() => new Promise(() => undefined));
      await stuck.close();
      await bus.produce([outgoing(topic, new Uint8Array(1))]);
      const startMs = Date.now();
      const next = await subscribe(async () => 'earliest');
      expect(await next.poll({ recordsMax: 1, waitMs: 10_000 })).toHaveLength(1);
      expect(Date.now() - startMs).toBeLessThan(5_000);
      await next.close();
    });
  });
});

describe('Kafka bus without a broker', () => {
  it('fails with dependency.bus, naming the brokers, and closes', { timeout: 20_000 }, async () => {
    const bus = createKafkaBus({
      brokers: ['127.0.0.1:1'],
      clientId: 'nobody',
      clock: createSystemClock(),
      logger: createLog(),
      limits: { retryAttemptsMax: 1 },
    });
    const unreachable = { code: 'dependency.bus', message: expect.stringContaining('127.0.0.1:1') };
    await expect(bus.partitionCount('any')).rejects.toMatchObject(unreachable);
    await expect(bus.produce([outgoing('any', new Uint8Array(1))])).rejects.toMatchObject(
      unreachable,
    );
    const subscribing = bus.subscribe({
      group: 'any',
      topics: ['any'],
      onAssigned: async () => 'earliest',
      onRevoked: () => undefined,
    });
    await expect(subscribing).rejects.toMatchObject(unreachable);
    await bus.close();
  });
});

function outgoing(topic: string, value: Uint8Array): OutgoingRecord {
  return { topic, partition: 0, key: null, value, headers: {}, timestampMs: null };
}
