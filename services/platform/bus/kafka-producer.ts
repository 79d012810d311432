/**
 * Writes records, in order per partition, with one request in flight per topic.
 *
 * Not kafkajs's idempotent producer: after a request whose outcome is unknown it reuses the sequence
 * numbers for whatever is sent next, and a broker that had written the first takes the second for a
 * repeat and drops it: a loss. With `acks=-1` and one request at a time a failure can only repeat a
 * run of records, which readers recognise by `tg-origin`. A failed request fails everything waiting
 * behind it as well, so that nothing overtakes what was not written.
 *
 * Nor kafkajs's retries: a second attempt leaves out every broker that has answered the first, also
 * for partitions whose leader it has become since, and a partition that metadata does not show yet is
 * left out of any attempt; both as if it had been written. So every attempt here begins afresh, and
 * counts only if the answers cover every partition that was written to.
 */
import type { Message, Producer, RecordMetadata } from 'kafkajs';
import type { OutgoingRecord } from './bus.ts';
import type { KafkaContext } from './kafka-client.ts';
import { compressionType } from './kafka-compression.ts';
import { encodeMessage, recordBytes } from './kafka-record.ts';
import { createPartitioner } from './key-partition.ts';

export interface KafkaProducer {
  produce(records: readonly OutgoingRecord[]): Promise<void>;
  close(): Promise<void>;
}

/** One `produce` call's records of one topic. */
interface Job {
  readonly records: readonly OutgoingRecord[];
  sentCount: number;
  resolve(): void;
  reject(error: unknown): void;
}

interface Lane {
  readonly topic: string;
  jobs: Job[];
  sending: boolean;
}

export function createKafkaProducer(context: KafkaContext): KafkaProducer {
  const lanes = new Map<string, Lane>();
  /** Partitions written to by the attempt that is under way, by topic. */
  const written = new Map<string, Set<number>>();
  let connection: Promise<Producer> | null = null;

  async function connect(): Promise<Producer> {
    const partitionOf = createPartitioner();
    const client = await context.createClient();
    const producer = client.producer({
      idempotent: false,
      allowAutoTopicCreation: false,
      metadataMaxAge: context.limits.metadataAgeMsMax,
      retry: { ...context.retry, retries: 0 },
      createPartitioner:
        () =>
        ({ topic, partitionMetadata, message }) => {
          const partition = partitionOf(
            { topic, partition: message.partition ?? null, key: message.key as Buffer | null },
            partitionMetadata.length,
          );
          // Makes kafkajs ask for the metadata anew: the partition may have been added just now.
          if (!partitionMetadata.some(({ partitionId }) => partitionId === partition)) {
            throw metadataNotLoaded(`topic ${topic} has no partition ${partition}`);
          }
          written.get(topic)?.add(partition);
          return partition;
        },
    });
    await producer.connect();
    return producer;
  }

  async function send(topic: string, messages: Message[]): Promise<void> {
    connection ??= connect();
    const producer = await connection.catch((error: unknown) => {
      connection = null;
      throw error;
    });
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await sendOnce(producer, topic, messages);
      } catch (error) {
        if (attempt > context.limits.retryAttemptsMax || !isWorthRetrying(error)) throw error;
        const { initialRetryTime, maxRetryTime } = context.retry;
        await context.clock.sleep(Math.min(initialRetryTime * 2 ** (attempt - 1), maxRetryTime));
      }
    }
  }

  async function sendOnce(producer: Producer, topic: string, messages: Message[]): Promise<void> {
    const partitions = new Set<number>();
    written.set(topic, partitions);
    const compression = compressionType(context.compression);
    const answers = await producer.send({ topic, acks: -1, compression, messages });
    for (const { partition } of answers.filter(isAcknowledged)) partitions.delete(partition);
    if (partitions.size === 0) return;
    const left = [...partitions].join(', ');
    throw new UnansweredPartitions(`partitions ${left} of ${topic} were not written`);
  }

  async function drain(lane: Lane): Promise<void> {
    lane.sending = true;
    try {
      while (lane.jobs.length > 0) {
        await send(lane.topic, nextRequest(lane.jobs, context));
        while (lane.jobs.length > 0 && lane.jobs[0]!.sentCount === lane.jobs[0]!.records.length) {
          lane.jobs.shift()!.resolve();
        }
      }
    } catch (cause) {
      const failed = lane.jobs;
      lane.jobs = [];
      for (const job of failed) job.reject(context.busError(`producing to ${lane.topic}`, cause));
    } finally {
      lane.sending = false;
    }
  }

  function enqueue(topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    const lane = lanes.get(topic) ?? { topic, jobs: [], sending: false };
    lanes.set(topic, lane);
    return new Promise((resolve, reject) => {
      lane.jobs.push({ records, sentCount: 0, resolve, reject });
      if (!lane.sending) void drain(lane);
    });
  }

  return {
    async produce(records) {
      const outcomes = await Promise.allSettled(
        [...groupByTopic(records)].map(([topic, group]) => enqueue(topic, group)),
      );
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    },
    async close() {
      const producer = await connection?.catch(() => null);
      await producer?.disconnect();
    },
  };
}

/** kafkajs knows its error by this name. */
function metadataNotLoaded(message: string): Error {
  return Object.assign(new Error(message), { name: 'KafkaJSMetadataNotLoaded' });
}

/** kafkajs sent no request for a partition, or the broker did not answer for it. */
class UnansweredPartitions extends Error {}

function isAcknowledged({ errorCode }: RecordMetadata): boolean {
  return errorCode === 0;
}

/** kafkajs says by the first name that an error was worth a retry and that none was left. */
function isWorthRetrying(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === 'KafkaJSNumberOfRetriesExceeded' || error instanceof UnansweredPartitions;
}

/** Takes what fits one request off the front of the jobs; at least one record. */
function nextRequest(jobs: readonly Job[], { limits, clock }: KafkaContext): Message[] {
  const messages: Message[] = [];
  const nowMs = clock.nowMs();
  let bytes = 0;
  for (const job of jobs) {
    while (job.sentCount < job.records.length) {
      const record = job.records[job.sentCount]!;
      bytes += recordBytes(record);
      const full = bytes > limits.requestBytesMax || messages.length >= limits.requestRecordsMax;
      if (full && messages.length > 0) return messages;
      messages.push(encodeMessage(record, nowMs));
      job.sentCount += 1;
    }
  }
  return messages;
}

function groupByTopic(records: readonly OutgoingRecord[]): Map<string, readonly OutgoingRecord[]> {
  const groups = new Map<string, OutgoingRecord[]>();
  for (const record of records) {
    const group = groups.get(record.topic);
    if (group === undefined) groups.set(record.topic, [record]);
    else group.push(record);
  }
  return groups;
}
