/**
 * Writes records, in order per partition, with one request in flight per topic.
 *
 * Not kafkajs's idempotent producer: after a request whose outcome is unknown it reuses the sequence
 * numbers for whatever is sent next, and a broker that had written the first takes the second for a
 * repeat and drops it: a loss. With `acks=-1` and one request at a time a failure can only repeat a
 * run of records, which readers recognise by `tg-origin`. A failed request fails everything waiting
 * behind it as well, so that nothing overtakes what was not written.
 */
import type { Message, Producer } from 'kafkajs';
import type { OutgoingRecord } from './bus.ts';
import type { KafkaContext } from './kafka-client.ts';
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
  let connection: Promise<Producer> | null = null;

  async function connect(): Promise<Producer> {
    const partitionOf = createPartitioner();
    const producer = context.createClient().producer({
      idempotent: false,
      allowAutoTopicCreation: false,
      retry: context.retry,
      createPartitioner:
        () =>
        ({ topic, partitionMetadata, message }) =>
          partitionOf(
            { topic, partition: message.partition ?? null, key: message.key as Buffer | null },
            partitionMetadata.length,
          ),
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
    await producer.send({ topic, acks: -1, messages });
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
