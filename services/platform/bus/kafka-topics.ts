/**
 * What the Kafka adapter asks about topics and groups, over one admin connection that is made at the
 * first question. A topic that does not exist is an answer or a `dependency.bus` that names it.
 *
 * Questions go one after another: kafkajs's admin keeps one set of metadata, and a question about one
 * topic throws away what another question is using.
 */
import type { Admin } from 'kafkajs';
import { CodedError } from '../../core/errors.ts';
import { RETRY_BACKOFF_MS_MAX, RETRY_BACKOFF_MS_MIN } from '../../core/limits.ts';
import type { CommittedOffset, TopicPartition, TopicSpec } from './bus.ts';
import type { KafkaContext } from './kafka-client.ts';
import { errorTypes, hasGone } from './kafka-gone.ts';

export interface KafkaTopics {
  ensure(specs: readonly TopicSpec[]): Promise<void>;
  delete(topics: readonly string[]): Promise<void>;
  partitionCount(topic: string): Promise<number | null>;
  /** Waits, with backoff and a warning, for topics somebody else is about to make; then gives up. */
  waitFor(topics: readonly string[]): Promise<void>;
  /** `next` is the end of what a reader can get, which an open transaction holds back. */
  offsets(at: TopicPartition): Promise<{ readonly earliest: number; readonly next: number }>;
  offsetAt(at: TopicPartition, timestampMs: number): Promise<number>;
  /** `null` where the group never committed. */
  committed(group: string, at: TopicPartition): Promise<CommittedOffset | null>;
  /** Forgets a group nobody is in; a group that cannot be deleted expires by itself. */
  deleteGroup(group: string): Promise<void>;
  close(): Promise<void>;
}

export function createKafkaTopics(context: KafkaContext): KafkaTopics {
  let connection: Promise<Admin> | null = null;
  let lastQuestion: Promise<unknown> = Promise.resolve();
  /** Questions that wait for their turn; whoever asks the same meanwhile shares the answer. */
  const waiting = new Map<string, Promise<unknown>>();

  async function connect(): Promise<Admin> {
    const client = await context.createClient();
    const admin = client.admin();
    await admin.connect();
    return admin;
  }

  function ask<T>(what: string, question: (admin: Admin) => Promise<T>): Promise<T> {
    const shared = waiting.get(what) as Promise<T> | undefined;
    if (shared !== undefined) return shared;
    const answer = lastQuestion.then(async () => {
      waiting.delete(what);
      try {
        connection ??= connect();
        const admin = await connection.catch(forgetConnection);
        return await askPatiently(() => question(admin));
      } catch (error) {
        throw context.busError(what, error);
      }
    });
    waiting.set(what, answer);
    lastQuestion = answer.catch(() => undefined);
    return answer;
  }

  /** A broker that has just gone makes kafkajs's admin give up at once. */
  async function askPatiently<T>(question: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await question();
      } catch (error) {
        if (attempt > context.limits.retryAttemptsMax || !hasGone(error)) throw error;
        const { initialRetryTime, maxRetryTime } = context.retry;
        await context.clock.sleep(Math.min(initialRetryTime * 2 ** (attempt - 1), maxRetryTime));
      }
    }
  }

  function forgetConnection(error: unknown): never {
    connection = null;
    throw error;
  }

  /** Partitions with a leader, by topic; topics that do not exist are left out. */
  function partitionCounts(topics: readonly string[]): Promise<Map<string, number>> {
    return ask(`asking for topics ${topics.join(', ')}`, async (admin) => {
      const counts = new Map<string, number>();
      for (const topic of topics) {
        const count = await countPartitions(admin, topic);
        if (count !== null) counts.set(topic, count);
      }
      return counts;
    });
  }

  /** Until every topic has, with leaders, as many partitions as it says or more. */
  async function waitForPartitions(wanted: ReadonlyMap<string, number>): Promise<void> {
    const topics = [...wanted.keys()];
    for (let attempt = 1; ; attempt += 1) {
      const counts = await partitionCounts(topics);
      const missing = topics.filter((topic) => (counts.get(topic) ?? 0) < wanted.get(topic)!);
      if (missing.length === 0) return;
      const names = missing.join(', ');
      if (attempt > context.limits.retryAttemptsMax) {
        const absent = new Error('they, or some of their partitions, do not exist');
        throw context.busError(`waiting for topics ${names}`, absent);
      }
      const waitMs = Math.min(RETRY_BACKOFF_MS_MIN * 2 ** (attempt - 1), RETRY_BACKOFF_MS_MAX);
      context.logger.warn({ topics: missing, attempt, waitMs }, 'topics do not exist yet');
      await context.clock.sleep(waitMs);
    }
  }

  async function create(missing: readonly TopicSpec[]): Promise<void> {
    const names = missing.map(({ topic }) => topic).join(', ');
    await ask(`creating topics ${names}`, (admin) =>
      admin.createTopics({
        // It takes a broker that has not heard of the topic yet for an error.
        waitForLeaders: false,
        topics: missing.map((spec) => ({
          topic: spec.topic,
          numPartitions: spec.partitionCount,
          replicationFactor: -1,
          configEntries: Object.entries(spec.settings ?? {}).map(([name, value]) => ({
            name,
            value,
          })),
        })),
      }),
    );
  }

  async function grow({ topic, partitionCount }: TopicSpec): Promise<void> {
    try {
      await ask(`adding partitions to ${topic}`, (admin) =>
        admin.createPartitions({ topicPartitions: [{ topic, count: partitionCount }] }),
      );
    } catch (error) {
      // Another instance was quicker; whether it added enough is seen by whoever waits for them.
      if (!errorTypes(error).includes('INVALID_PARTITIONS')) throw error;
    }
  }

  /** The entry of one partition in an answer about its whole topic. */
  function entryOf<T extends { partition: number }>(entries: T[], at: TopicPartition): T {
    const entry = entries.find(({ partition }) => partition === at.partition);
    if (entry !== undefined) return entry;
    throw new CodedError('dependency.bus', `topic ${at.topic} has no partition ${at.partition}`);
  }

  async function assertExists({ topic }: TopicPartition): Promise<void> {
    const counts = await partitionCounts([topic]);
    if (!counts.has(topic)) throw new CodedError('dependency.bus', `topic ${topic} does not exist`);
  }

  return {
    async ensure(specs) {
      const counts = await partitionCounts(specs.map(({ topic }) => topic));
      const missing = specs.filter(({ topic }) => !counts.has(topic));
      const narrow = specs.filter(
        ({ topic, partitionCount }) => (counts.get(topic) ?? partitionCount) < partitionCount,
      );
      if (missing.length > 0) await create(missing);
      for (const spec of narrow) await grow(spec);
      const changed = [...missing, ...narrow];
      if (changed.length === 0) return;
      await waitForPartitions(
        new Map(changed.map(({ topic, partitionCount }) => [topic, partitionCount])),
      );
    },
    async delete(names) {
      const existing = [...(await partitionCounts(names)).keys()];
      if (existing.length === 0) return;
      await ask(`deleting topics ${existing.join(', ')}`, (admin) =>
        admin.deleteTopics({ topics: existing }),
      );
    },
    partitionCount: async (topic) => (await partitionCounts([topic])).get(topic) ?? null,
    waitFor: (topics) => waitForPartitions(new Map(topics.map((topic) => [topic, 1]))),
    async offsets(at) {
      await assertExists(at);
      const entries = await ask(`asking for the offsets of ${at.topic}`, (admin) =>
        admin.fetchTopicOffsets(at.topic),
      );
      const { low, high } = entryOf(entries, at);
      return { earliest: Number(low), next: Number(high) };
    },
    async offsetAt(at, timestampMs) {
      await assertExists(at);
      const fromMs = Math.max(0, Math.ceil(timestampMs));
      const entries = await ask(`asking for the offsets of ${at.topic} at ${fromMs}`, (admin) =>
        admin.fetchTopicOffsetsByTimestamp(at.topic, fromMs),
      );
      return Number(entryOf(entries, at).offset);
    },
    async committed(group, at) {
      const answers = await ask(`asking what group ${group} committed on ${at.topic}`, (admin) =>
        admin.fetchOffsets({ groupId: group, topics: [at.topic] }),
      );
      const entries = answers.find(({ topic }) => topic === at.topic)?.partitions ?? [];
      const { offset, metadata } = entryOf(entries, at);
      return Number(offset) < 0 ? null : { offset: Number(offset), note: metadata ?? '' };
    },
    async deleteGroup(group) {
      try {
        await ask(`deleting group ${group}`, (admin) => admin.deleteGroups([group]));
      } catch (error) {
        context.logger.debug({ group, error: String(error) }, 'a group was left to expire');
      }
    },
    async close() {
      const admin = await connection?.catch(() => null);
      connection = null;
      await admin?.disconnect();
    },
  };
}

/** `null` where the topic does not exist or a partition of it has no leader yet. */
async function countPartitions(admin: Admin, topic: string): Promise<number | null> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    const partitions = topics[0]?.partitions ?? [];
    return partitions.length === 0 || partitions.some(({ leader }) => leader < 0)
      ? null
      : partitions.length;
  } catch (error) {
    if (errorTypes(error).includes('UNKNOWN_TOPIC_OR_PARTITION')) return null;
    if (errorTypes(error).includes('LEADER_NOT_AVAILABLE')) return null;
    throw error;
  }
}
