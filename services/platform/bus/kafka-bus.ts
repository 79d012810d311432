/**
 * The bus on Apache Kafka through kafkajs 2.2.4, which nobody maintains any more: everything it does
 * that could lose, repeat or stop is fenced in by the parts this file puts together.
 *
 * Subscribing to topics that do not exist waits for them with a warning and bounded backoff, then
 * fails. Connections are made at first use, so creating a bus cannot fail.
 */
import type { Bus, Subscription } from './bus.ts';
import { createKafkaContext, type KafkaBusOptions } from './kafka-client.ts';
import { createKafkaProducer } from './kafka-producer.ts';
import { readKafkaRange } from './kafka-range-reader.ts';
import { subscribeKafka } from './kafka-subscription.ts';
import { createKafkaTopics } from './kafka-topics.ts';

export type { KafkaBusLimits, KafkaBusOptions } from './kafka-client.ts';
export { KAFKA_COMPRESSIONS, type KafkaCompression } from './kafka-compression.ts';

export function createKafkaBus(options: KafkaBusOptions): Bus {
  const context = createKafkaContext(options);
  const topics = createKafkaTopics(context);
  const producer = createKafkaProducer(context);
  const subscriptions = new Set<Subscription>();
  let closing: Promise<void> | null = null;

  function assertOpen(what: string): void {
    if (closing !== null) throw context.busError(what, new Error('the bus is closed'));
  }

  async function close(): Promise<void> {
    await Promise.all([...subscriptions].map((subscription) => subscription.close()));
    await producer.close();
    await topics.close();
  }

  return {
    ensureTopics: (specs) => topics.ensure(specs),
    deleteTopics: (names) => topics.delete(names),
    partitionCount: (topic) => topics.partitionCount(topic),
    offsets: (at) => topics.offsets(at),
    offsetAt: (at, timestampMs) => topics.offsetAt(at, timestampMs),
    committed: (group, at) => topics.committed(group, at),
    async produce(records) {
      assertOpen('producing');
      await producer.produce(records);
    },
    async subscribe(subscribeOptions) {
      assertOpen('subscribing');
      const subscription = await subscribeKafka(context, topics, subscribeOptions);
      subscriptions.add(subscription);
      return {
        ...subscription,
        close: () => subscription.close().finally(() => subscriptions.delete(subscription)),
      };
    },
    read: (at, from, to) => readKafkaRange(context, topics, { at, from, to }),
    close() {
      closing ??= close();
      return closing;
    },
  };
}
