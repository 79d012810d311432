/**
 * Compressed record batches on a real Kafka: what another client wrote, what the broker compressed by
 * itself, what we write, and what is refused. Neither kcat nor the broker shares a codec with us.
 */
import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, describe, expect, it } from 'vitest';
import { RECORD_BATCH_BYTES_MAX } from '../../services/core/limits.ts';
import type { Bus } from '../../services/platform/bus/bus.ts';
import {
  createKafkaBus,
  KAFKA_COMPRESSIONS,
  type KafkaCompression,
} from '../../services/platform/bus/kafka-bus.ts';
import { compressionType } from '../../services/platform/bus/kafka-compression.ts';
import { createSystemClock } from '../../services/platform/clock/system-clock.ts';
import { collect, outgoing, PATIENCE_MS, subscribe, text } from '../contract/bus-reader.ts';
import { createCapturedTelemetry } from '../support/captured-telemetry.ts';
import { consumeAll, describeWithKcat, produceLines } from '../support/kcat.ts';
import { describeWithKafka } from '../support/require-real.ts';

const CODECS = KAFKA_COMPRESSIONS.filter((compression) => compression !== 'none');
const VALUES = Array.from({ length: 2_000 }, (_, n) => `value ${n} ${'tide '.repeat(9)}`);
/** Less than the values take as they are, more than any codec makes of them. */
const BATCH_BYTES_MAX = 50_000;

describeWithKafka('Kafka bus, compressed', (brokers) => {
  const buses: Bus[] = [];
  afterAll(async () => void (await Promise.all(buses.map((bus) => bus.close()))));

  function createBus(compression: KafkaCompression = 'none'): Bus {
    const bus = createKafkaBus({
      brokers: brokers.split(','),
      clientId: `test-${randomUUID()}`,
      compression,
      clock: createSystemClock(),
      logger: createCapturedTelemetry({}).telemetry.logger('kafka'),
      limits: { heartbeatIntervalMs: 100 },
    });
    buses.push(bus);
    return bus;
  }
  const bus = createBus();

  async function newTopic(settings: Readonly<Record<string, string>> = {}): Promise<string> {
    const topic = `compression.${randomUUID()}`;
    await bus.ensureTopics([{ topic, partitionCount: 1, settings }]);
    return topic;
  }

  async function valuesOf(topic: string): Promise<string[]> {
    const reader = await subscribe(bus, [topic]);
    const records = await collect(reader, VALUES.length);
    await reader.subscription.close();
    return records.map(({ value }) => Buffer.from(value!).toString());
  }

  const produceValues = (to: Bus, topic: string) =>
    to.produce(VALUES.map((value) => outgoing(topic, { value: text(value) })));

  describeWithKcat('and kcat', () => {
    it.each(CODECS)('reads what another client compressed with %s', async (codec) => {
      const topic = await newTopic({ 'max.message.bytes': String(BATCH_BYTES_MAX) });
      const lines = VALUES.map((value, n) => `key-${n}\t${value}`);
      await produceLines(brokers, topic, lines, ['-z', codec, '-X', 'linger.ms=500']);
      expect(await valuesOf(topic)).toEqual(VALUES);
    });

    it.each(CODECS)('writes %s that another client reads', async (codec) => {
      const topic = await newTopic({ 'max.message.bytes': String(BATCH_BYTES_MAX) });
      await produceValues(createBus(codec), topic);
      const read = await consumeAll(brokers, topic);
      expect(read.map(({ value }) => value.toString())).toEqual(VALUES);
      expect(await valuesOf(topic)).toEqual(VALUES);
    });
  });

  it.each(CODECS)('reads what the broker compressed with %s', async (codec) => {
    const topic = await newTopic({ 'compression.type': codec });
    await produceValues(bus, topic);
    expect(await valuesOf(topic)).toEqual(VALUES);
  });

  it('would not pass the broker uncompressed', async () => {
    const topic = await newTopic({ 'max.message.bytes': String(BATCH_BYTES_MAX) });
    await expect(produceValues(bus, topic)).rejects.toMatchObject({ code: 'dependency.bus' });
  });

  describe('a batch that expands beyond the limit', () => {
    it('ends its reader at once, saying why and where, and can be passed by', async () => {
      const topic = await newTopic();
      await bus.produce([outgoing(topic, { value: text('before') })]);
      const client = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING });
      const foreign = client.producer();
      await foreign.connect();
      await foreign.send({
        topic,
        compression: compressionType('gzip'),
        messages: [{ value: Buffer.alloc(RECORD_BATCH_BYTES_MAX + 1) }],
      });
      await foreign.disconnect();
      await bus.produce([outgoing(topic, { value: text('after') })]);

      const stopped = await subscribe(bus, [topic], { start: { offset: 1 } });
      const poll = stopped.subscription.poll({ recordsMax: 10, waitMs: PATIENCE_MS });
      await expect(poll).rejects.toMatchObject({
        code: 'bus.codec',
        message: expect.stringMatching(
          new RegExp(`${topic}/0 offset 1.*gzip cannot be read.*${RECORD_BATCH_BYTES_MAX} bytes`),
        ),
      });
      await stopped.subscription.close();

      const passed = await subscribe(bus, [topic], { start: { offset: 2 } });
      const [record] = await collect(passed, 1);
      expect(Buffer.from(record!.value!).toString()).toBe('after');
    }, 30_000);
  });
});
