/**
 * The bus inside one process: for `npm start`, replays of files and tests. Partitions, groups,
 * rebalances and commits behave as on Kafka; nothing survives the process, nothing expires, and
 * records are passed by reference. Subscribing to a topic that does not exist fails at once, as
 * nobody else can be about to create it.
 */
import { CodedError } from '../../core/errors.ts';
import type { Clock } from '../clock/clock.ts';
import type { Bus, BusRecord, TopicPartition } from './bus.ts';
import { createPartitioner } from './key-partition.ts';
import { createMemoryGroups, type MemorySubscription } from './memory-group.ts';
import { createMemoryTopics } from './memory-log.ts';

export function createMemoryBus({ clock }: { readonly clock: Clock }): Bus {
  const topics = createMemoryTopics();
  const groups = createMemoryGroups(topics, clock);
  const subscriptions = new Set<MemorySubscription>();
  const partitionOf = createPartitioner();
  let closed = false;

  function assertOpen(): void {
    if (closed) throw new CodedError('dependency.bus', 'the memory bus is closed');
  }

  return {
    async ensureTopics(specs) {
      assertOpen();
      for (const { topic, partitionCount } of specs) topics.create(topic, partitionCount);
    },

    async partitionCount(topic) {
      assertOpen();
      return topics.partitionCount(topic);
    },

    async offsets(at) {
      assertOpen();
      return { earliest: 0, next: topics.log(at).length };
    },

    async produce(records) {
      assertOpen();
      const nowMs = clock.nowMs();
      const placed = records.map((record) => {
        const partition = partitionOf(record, topics.partitionCount(record.topic) ?? 1);
        topics.log({ topic: record.topic, partition });
        return { ...record, partition, timestampMs: record.timestampMs ?? nowMs };
      });
      for (const record of placed) topics.append(record);
      for (const subscription of subscriptions) subscription.announce();
    },

    async subscribe(options) {
      assertOpen();
      const subscription = groups.subscribe(options);
      subscriptions.add(subscription);
      return {
        poll: subscription.poll,
        owns: subscription.owns,
        commit: subscription.commit,
        assignments: subscription.assignments,
        async close() {
          subscriptions.delete(subscription);
          await subscription.close();
        },
      };
    },

    async *read(at: TopicPartition, from: number, to: number): AsyncIterable<BusRecord> {
      assertOpen();
      const log = topics.log(at);
      for (let offset = Math.max(0, from); offset < to && offset < log.length; offset += 1) {
        yield log[offset]!;
      }
    },

    async offsetAt(at, timestampMs) {
      assertOpen();
      const log = topics.log(at);
      const found = log.findIndex((record) => record.timestampMs >= timestampMs);
      return found === -1 ? log.length : found;
    },

    async close() {
      closed = true;
      for (const subscription of subscriptions) await subscription.close();
      subscriptions.clear();
    },
  };
}
