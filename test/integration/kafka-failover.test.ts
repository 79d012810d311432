/**
 * The bus while brokers die and come back: a cluster of three that loses one at a time, a single
 * broker that is away for a while or for good, and an election that loses acknowledged records.
 */
import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bus } from '../../services/platform/bus/bus.ts';
import { createKafkaBus, type KafkaBusLimits } from '../../services/platform/bus/kafka-bus.ts';
import { createSystemClock } from '../../services/platform/clock/system-clock.ts';
import {
  numbers,
  outgoing,
  type Reader,
  subscribe,
  text,
  valueNumber,
} from '../contract/bus-reader.ts';
import { createCapturedTelemetry } from '../support/captured-telemetry.ts';
import { type KafkaCluster, startKafkaCluster } from '../support/kafka-cluster.ts';
import { hasKcat, produceLines } from '../support/kcat.ts';
import { describeWithOwnKafka } from '../support/require-real.ts';

const PARTITIONS = numbers(0, 3);
const PATIENCE_MS = 45_000;

function createBus(brokers: string, limits: Partial<KafkaBusLimits> = {}): Bus {
  return createKafkaBus({
    brokers: brokers.split(','),
    clientId: `test-${randomUUID()}`,
    clock: createSystemClock(),
    logger: createCapturedTelemetry({}).telemetry.logger('kafka'),
    limits: {
      sessionTimeoutMs: 6_000,
      heartbeatIntervalMs: 200,
      requestTimeoutMs: 3_000,
      metadataAgeMsMax: 500,
      ...limits,
    },
  });
}

/** Writes 0, 1, 2, … to every partition, each once the one before was acknowledged. */
function startWriter(bus: Bus, topic: string) {
  let acknowledged = 0;
  let stopping = false;
  const ended = (async () => {
    while (!stopping) {
      const value = text(String(acknowledged));
      await bus.produce(PARTITIONS.map((partition) => outgoing(topic, { partition, value })));
      acknowledged += 1;
    }
  })();
  return {
    acknowledged: () => acknowledged,
    async stop() {
      stopping = true;
      await ended;
    },
  };
}

/** Everything read, in order, by partition; it goes on at the position it has reached itself. */
async function startReader(bus: Bus, topic: string) {
  const seen = new Map<number, number[]>(PARTITIONS.map((partition) => [partition, []]));
  const positions = new Map<number, number>();
  let stopping = false;
  const { subscription } = await subscribe(bus, [topic], {
    onAssigned: async ({ partition }) => ({ offset: positions.get(partition) ?? 0 }),
  });
  const ended = (async () => {
    while (!stopping) {
      for (const { assignment, records } of await subscription.poll({
        recordsMax: 500,
        waitMs: 100,
      })) {
        if (!subscription.owns(assignment)) continue;
        seen.get(assignment.partition)!.push(...records.map(valueNumber));
        const next = records.at(-1)!.offset + 1;
        positions.set(assignment.partition, next);
        await subscription.commit(assignment, next).catch(() => undefined);
      }
    }
    await subscription.close();
  })();
  return {
    seen,
    last: (partition: number) => seen.get(partition)!.at(-1) ?? -1,
    async stop() {
      stopping = true;
      await ended;
    },
  };
}

/** From 0 on each value follows the one before; a run may be there again, never a gap. */
function expectWhole(values: readonly number[], acknowledged: number): void {
  let highest = -1;
  let repeats = 0;
  for (const [index, value] of values.entries()) {
    const previous = values[index - 1] ?? -1;
    if (value <= highest) repeats += 1;
    else expect(value).toBe(highest + 1);
    if (value !== previous + 1) expect(value).toBeLessThanOrEqual(highest);
    highest = Math.max(highest, value);
  }
  expect(highest).toBeGreaterThanOrEqual(acknowledged - 1);
  expect(repeats).toBeLessThan(values.length / 2);
}

async function until(what: string, reached: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + PATIENCE_MS;
  while (!(await reached())) {
    if (Date.now() > deadlineMs) throw new Error(`${what}: not within ${PATIENCE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describeWithOwnKafka('Kafka bus, three brokers', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await startKafkaCluster({ brokers: 3 });
  }, 90_000);
  afterAll(() => cluster.stop());

  it('loses nothing of what was acknowledged when one broker after another dies', async () => {
    const bus = createBus(cluster.brokers);
    const topic = `failover.${randomUUID()}`;
    await bus.ensureTopics([{ topic, partitionCount: PARTITIONS.length }]);
    const writer = startWriter(bus, topic);
    const reader = await startReader(createBus(cluster.brokers), topic);
    for (const node of cluster.nodes) {
      await node.kill();
      const killedAt = writer.acknowledged();
      const passed = (partition: number) => reader.last(partition) >= killedAt + 5;
      await until(`node ${node.id} dead: writing and reading on`, () => PARTITIONS.every(passed));
      await node.start();
    }
    await writer.stop();
    const total = writer.acknowledged();
    await until('reading to the end', () =>
      PARTITIONS.every((partition) => reader.last(partition) >= total - 1),
    );
    await reader.stop();
    for (const partition of PARTITIONS) expectWhole(reader.seen.get(partition)!, total);
    await bus.close();
  }, 150_000);

  it.skipIf(!hasKcat())(
    'stops a strict reader when an election has lost records it read',
    async () => {
      const [leader, follower] = cluster.nodes as [
        KafkaCluster['nodes'][0],
        KafkaCluster['nodes'][0],
      ];
      const topic = `unclean.${randomUUID()}`;
      const admin = new Kafka({
        brokers: cluster.brokers.split(','),
        logLevel: logLevel.NOTHING,
      }).admin();
      await admin.connect();
      await admin.createTopics({
        topics: [
          {
            topic,
            replicaAssignment: [{ partition: 0, replicas: [leader.id, follower.id] }],
            configEntries: [
              { name: 'unclean.leader.election.enable', value: 'true' },
              { name: 'min.insync.replicas', value: '1' },
            ],
          },
        ],
      });
      await admin.disconnect();

      const bus = createBus(cluster.brokers);
      const group = randomUUID();
      const values = (from: number, to: number) => numbers(from, to).map((n) => `k\t${n}`);
      await produceLines(cluster.brokers, topic, values(0, 10));
      await follower.kill();
      await produceLines(leader.address, topic, values(10, 15), [
        ...['-X', 'enable.idempotence=false', '-X', 'acks=1'],
      ]);
      const live = await subscribe(bus, [topic], {
        group,
        start: 'committed',
        onTruncated: 'stop',
      });
      await readTo(live, 15);
      await leader.kill();
      await follower.start();
      await until('a leader without the last five', async () => {
        const { next } = await bus.offsets({ topic, partition: 0 }).catch(() => ({ next: -1 }));
        return next === 10;
      });

      const truncated = {
        code: 'bus.truncated',
        message: expect.stringMatching(/offset 15.*at 10/),
      };
      const options = { recordsMax: 10, waitMs: PATIENCE_MS };
      await expect(live.subscription.poll(options)).rejects.toMatchObject(truncated);
      await live.subscription.close();
      const again = await subscribe(bus, [topic], {
        group,
        start: 'committed',
        onTruncated: 'stop',
      });
      await expect(again.subscription.poll(options)).rejects.toMatchObject(truncated);
      await bus.close();
      await leader.start();
    },
    150_000,
  );

  async function readTo({ subscription }: Reader, end: number): Promise<void> {
    await until(`reading to ${end}`, async () => {
      for (const { assignment, records } of await subscription.poll({
        recordsMax: 100,
        waitMs: 100,
      })) {
        const next = records.at(-1)!.offset + 1;
        await subscription.commit(assignment, next);
        if (next === end) return true;
      }
      return false;
    });
  }
});

describeWithOwnKafka('Kafka bus, one broker', () => {
  let cluster: KafkaCluster;
  beforeAll(async () => {
    cluster = await startKafkaCluster({ brokers: 1 });
  }, 90_000);
  afterAll(() => cluster.stop());

  it('goes on, whole, after the broker was away', async () => {
    const bus = createBus(cluster.brokers);
    const topic = `failover.${randomUUID()}`;
    await bus.ensureTopics([{ topic, partitionCount: PARTITIONS.length }]);
    const writer = startWriter(bus, topic);
    const reader = await startReader(createBus(cluster.brokers), topic);
    await until('reading', () => reader.last(0) > 50);
    await cluster.nodes[0]!.kill();
    await cluster.nodes[0]!.start();
    const startedAt = writer.acknowledged();
    await until('reading on', () => PARTITIONS.every((n) => reader.last(n) > startedAt + 50));
    await writer.stop();
    const total = writer.acknowledged();
    await until('reading to the end', () => PARTITIONS.every((n) => reader.last(n) >= total - 1));
    await reader.stop();
    for (const partition of PARTITIONS) expectWhole(reader.seen.get(partition)!, total);
    await bus.close();
  }, 90_000);

  it('ends a subscription, and closes, when the broker never comes back', async () => {
    const bus = createBus(cluster.brokers, {
      retryAttemptsMax: 1,
      restartPatienceMs: 1_000,
      requestTimeoutMs: 1_000,
    });
    const topic = `gone.${randomUUID()}`;
    await bus.ensureTopics([{ topic, partitionCount: 1 }]);
    const { subscription } = await subscribe(bus, [topic]);
    await cluster.nodes[0]!.kill();
    const poll = subscription.poll({ recordsMax: 1, waitMs: PATIENCE_MS });
    await expect(poll).rejects.toMatchObject({
      code: 'dependency.bus',
      message: expect.stringContaining(cluster.brokers),
    });
    await bus.close();
  }, 60_000);
});

describe('expectWhole, which judges above', () => {
  it.each([
    ['a gap', [0, 1, 3], 4],
    ['a gap behind a repeat', [0, 1, 2, 3, 2, 3, 5], 6],
    ['the end', [0, 1, 2], 5],
  ])('notices %s missing', (_, values, acknowledged) => {
    expect(() => expectWhole(values, acknowledged)).toThrow();
  });

  it('accepts a run that is there twice', () => {
    expectWhole([0, 1, 2, 3, 4, 3, 4, 5, 6], 7);
  });
});
