/**
 * Topics that come, go and come again under a reader on a real Kafka, and readers whose own code
 * fails: a subscription either goes on or ends through `poll`, and never hangs.
 */
import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Bus } from '../../services/platform/bus/bus.ts';
import { createKafkaBus, type KafkaBusLimits } from '../../services/platform/bus/kafka-bus.ts';
import { createSystemClock } from '../../services/platform/clock/system-clock.ts';
import { collect, numbers, outgoing, PATIENCE_MS, subscribe } from '../contract/bus-reader.ts';
import { createCapturedTelemetry } from '../support/captured-telemetry.ts';
import { describeWithKafka } from '../support/require-real.ts';

const UNACCEPTABLE = 'unacceptable';

vi.mock('../../services/platform/bus/kafka-tenure.ts', async (importOriginal) => {
  const actual =
    await importOriginal<typeof import('../../services/platform/bus/kafka-tenure.ts')>();
  return {
    ...actual,
    acceptBatch: (...of: Parameters<typeof actual.acceptBatch>) => {
      if (of[1].topic.startsWith(UNACCEPTABLE)) throw new RangeError('Invalid array length');
      return actual.acceptBatch(...of);
    },
  };
});

describeWithKafka('Kafka topics that change', (brokers) => {
  const buses: Bus[] = [];
  const admin = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).admin();
  const { telemetry, lines } = createCapturedTelemetry({});
  beforeAll(() => admin.connect());
  afterAll(async () => {
    await Promise.all(buses.map((bus) => bus.close()));
    await admin.disconnect();
  });

  function createBus(limits: Partial<KafkaBusLimits> = {}): Bus {
    const bus = createKafkaBus({
      brokers: brokers.split(','),
      clientId: `test-${randomUUID()}`,
      clock: createSystemClock(),
      logger: telemetry.logger('kafka'),
      limits: { heartbeatIntervalMs: 100, metadataAgeMsMax: 300, ...limits },
    });
    buses.push(bus);
    return bus;
  }

  const newName = () => `topics.${randomUUID()}`;
  const records = (topic: string, count: number) =>
    numbers(0, count).map(() => outgoing(topic, {}));

  it('stops a strict reader when the topic is made anew with fewer records', async () => {
    const topic = newName();
    const bus = createBus();
    await bus.ensureTopics([{ topic, partitionCount: 1 }]);
    await bus.produce(records(topic, 10));
    const reader = await subscribe(bus, [topic], { start: 'committed', onTruncated: 'stop' });
    await collect(reader, 10);
    await reader.subscription.commit(reader.assigned[0]!, 10);

    await admin.deleteTopics({ topics: [topic] });
    const other = createBus();
    await vi.waitFor(async () => expect(await other.partitionCount(topic)).toBeNull(), PATIENCE_MS);
    await other.ensureTopics([{ topic, partitionCount: 1 }]);
    await other.produce(records(topic, 3));
    await expect(
      reader.subscription.poll({ recordsMax: 10, waitMs: PATIENCE_MS }),
    ).rejects.toMatchObject({
      code: 'bus.truncated',
      message: expect.stringMatching(/offset 10, but the log ends at [0-3]:/),
    });
  }, 40_000);

  it('waits, with a warning, for a topic that somebody makes', async () => {
    const topic = newName();
    const subscribing = subscribe(createBus(), [topic]);
    const warned = () =>
      lines.some(({ msg, topics }) => /do not exist/.test(String(msg)) && `${topics}` === topic);
    await vi.waitFor(() => expect(warned()).toBe(true), PATIENCE_MS);
    const bus = createBus();
    await bus.ensureTopics([{ topic, partitionCount: 1 }]);
    await bus.produce(records(topic, 2));
    expect(await collect(await subscribing, 2)).toHaveLength(2);
  }, 30_000);

  it('stops fetching at the byte limit, and goes on once half of it was taken', async () => {
    const topic = newName();
    const bus = createBus({ prefetchBytesMax: 100_000, fetchBytesMax: 10_000 });
    await bus.ensureTopics([{ topic, partitionCount: 1 }]);
    // A fetch brings whole batches, of which every request writes one.
    for (const _ of numbers(0, 25)) {
      const value = new Uint8Array(1_000);
      await bus.produce(numbers(0, 20).map(() => outgoing(topic, { value })));
    }
    const from = lines.length;
    /** 'P' and 'R' for every pause and resumption since, the first of each being the placing's. */
    const steps = () =>
      lines
        .slice(from)
        .map(({ msg }) => /^(Pausing|Resuming) fetching/.exec(String(msg))?.[1]?.[0] ?? '')
        .join('');
    const reader = await subscribe(bus, [topic]);
    await vi.waitFor(() => expect(steps()).toMatch(/^P+RP$/), PATIENCE_MS);
    await collect(reader, 20);
    expect(steps()).toMatch(/^P+RP$/);
    await collect(reader, 480);
    expect(steps()).toMatch(/^P+R(PR)+P?$/);
  }, 30_000);

  it('gives up on a topic nobody makes, with its name', async () => {
    const topic = newName();
    const started = performance.now();
    await expect(subscribe(createBus({ retryAttemptsMax: 2 }), [topic])).rejects.toMatchObject({
      code: 'dependency.bus',
      message: expect.stringMatching(new RegExp(`waiting for topics ${topic}.*do not exist`)),
    });
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it.each([RangeError, TypeError, Error])(
    'ends through poll when onAssigned throws a %o',
    async (Thrown) => {
      const topic = newName();
      const bus = createBus();
      await bus.ensureTopics([{ topic, partitionCount: 1 }]);
      const { subscription } = await subscribe(bus, [topic], {
        onAssigned: () => {
          throw new Thrown('out of range');
        },
      });
      const poll = subscription.poll({ recordsMax: 1, waitMs: PATIENCE_MS });
      await expect(poll).rejects.toThrow('out of range');
      await subscription.close();
    },
  );

  it('ends through poll when onRevoked throws', async () => {
    const topic = newName();
    const bus = createBus();
    await bus.ensureTopics([{ topic, partitionCount: 2 }]);
    const group = randomUUID();
    const subscription = await bus.subscribe({
      group,
      topics: [topic],
      onAssigned: async () => 'earliest',
      onRevoked: () => {
        throw new RangeError('out of range');
      },
    });
    const poll = subscription.poll({ recordsMax: 1, waitMs: PATIENCE_MS });
    poll.catch(() => undefined);
    const joining = subscribe(createBus(), [topic], { group });
    await expect(poll).rejects.toThrow('out of range');
    await (await joining).subscription.close();
  }, 30_000);

  it('ends through poll when taking in a batch throws, which kafkajs would die of', async () => {
    const topic = `${UNACCEPTABLE}.${randomUUID()}`;
    const bus = createBus();
    await bus.ensureTopics([{ topic, partitionCount: 1 }]);
    const { subscription } = await subscribe(bus, [topic]);
    await bus.produce(records(topic, 1));
    const poll = subscription.poll({ recordsMax: 1, waitMs: PATIENCE_MS });
    await expect(poll).rejects.toMatchObject({
      code: 'dependency.bus',
      message: expect.stringContaining('Invalid array length'),
    });
    await subscription.close();
  }, 30_000);
});
