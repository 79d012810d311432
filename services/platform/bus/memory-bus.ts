/**
 * The bus inside one process: for `npm start`, replays of files and tests. Partitions, groups,
 * rebalances and commits behave as on Kafka; nothing survives the process, and records are passed by
 * reference. Either everything is kept, or memory stays bounded: a record is forgotten once every
 * group reading its topic has committed past it, and `produce` waits while one is far behind.
 * Subscribing to a topic that does not exist fails at once, as
 * nobody else can be about to create it.
 */
import { CodedError } from '../../core/errors.ts';
import type { Clock } from '../clock/clock.ts';
import type { Bus, BusRecord, TopicPartition } from './bus.ts';
import { createPartitioner } from './key-partition.ts';
import { createMemoryGroups, type MemorySubscription } from './memory-group.ts';
import { createMemoryTopics } from './memory-log.ts';

export interface MemoryBusOptions {
  readonly clock: Clock;
  /**
   * Records a group may lag behind on a partition before `produce` waits for it; what all groups have
   * committed is forgotten. Absent: everything is kept and nobody waits. Must exceed what a service
   * takes before it commits.
   */
  readonly backlogRecordsMax?: number;
}

export function createMemoryBus({ clock, backlogRecordsMax }: MemoryBusOptions): Bus {
  const topics = createMemoryTopics();
  const groups = createMemoryGroups(topics, clock, onCommitted);
  const waiters = new Set<() => void>();
  const subscriptions = new Set<MemorySubscription>();
  const partitionOf = createPartitioner();
  let closed = false;

  function assertOpen(): void {
    if (closed) throw new CodedError('dependency.bus', 'the memory bus is closed');
  }

  function onCommitted(at: TopicPartition): void {
    if (backlogRecordsMax === undefined) return;
    topics.log(at).trim(groups.committedByAll(at) ?? 0);
    for (const wake of waiters) wake();
    waiters.clear();
  }

  function isBacklogged(at: TopicPartition): boolean {
    if (backlogRecordsMax === undefined) return false;
    const committed = groups.committedByAll(at);
    return committed !== null && topics.log(at).next - committed > backlogRecordsMax;
  }

  async function roomFor(records: readonly TopicPartition[]): Promise<void> {
    if (backlogRecordsMax === undefined) return;
    const partitions = new Map(records.map((at) => [`${at.topic}:${at.partition}`, at]));
    while (!closed && [...partitions.values()].some(isBacklogged)) {
      await new Promise<void>((resolve) => waiters.add(resolve));
    }
    assertOpen();
  }

  return {
    async ensureTopics(specs) {
      assertOpen();
      for (const { topic, partitionCount } of specs) {
        if (topics.create(topic, partitionCount) === 'grown') groups.rebalanceReaders(topic);
      }
    },

    async deleteTopics(names) {
      assertOpen();
      for (const topic of names) topics.delete(topic);
    },

    async partitionCount(topic) {
      assertOpen();
      return topics.partitionCount(topic);
    },

    async offsets(at) {
      assertOpen();
      const { earliest, next } = topics.log(at);
      return { earliest, next };
    },

    async committed(group, at) {
      assertOpen();
      return groups.committed(group, at);
    },

    async produce(records) {
      assertOpen();
      const nowMs = clock.nowMs();
      const placed = records.map((record) => {
        const partition = partitionOf(record, topics.partitionCount(record.topic) ?? 1);
        topics.log({ topic: record.topic, partition });
        return { ...record, partition, timestampMs: record.timestampMs ?? nowMs };
      });
      await roomFor(placed);
      for (const record of placed) topics.log(record).append(record);
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
      yield* topics.log(at).slice(from, to);
    },

    async offsetAt(at, timestampMs) {
      assertOpen();
      const { earliest, next } = topics.log(at);
      const held = topics.log(at).slice(earliest, next);
      return held.find((record) => record.timestampMs >= timestampMs)?.offset ?? next;
    },

    async close() {
      closed = true;
      for (const wake of waiters) wake();
      for (const subscription of subscriptions) await subscription.close();
      subscriptions.clear();
    },
  };
}
