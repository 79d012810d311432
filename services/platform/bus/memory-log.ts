/**
 * The topics of the in-memory bus: an array of records per partition, where an offset is an index.
 * Nothing expires and no bytes are copied; what is produced must not be changed afterwards.
 */
import { CodedError } from '../../core/errors.ts';
import type { BusRecord, StartPosition, TopicPartition } from './bus.ts';

export type MemoryLog = readonly BusRecord[];

export interface MemoryTopics {
  create(topic: string, partitionCount: number): void;
  partitionCount(topic: string): number | null;
  /** Rejects an unknown topic or partition with `dependency.bus`. */
  log(at: TopicPartition): MemoryLog;
  append(record: Omit<BusRecord, 'offset'>): void;
}

export function createMemoryTopics(): MemoryTopics {
  const topics = new Map<string, BusRecord[][]>();

  function log({ topic, partition }: TopicPartition): BusRecord[] {
    const logs = topics.get(topic);
    if (logs === undefined) {
      throw new CodedError('dependency.bus', `topic ${topic} does not exist in the memory bus`);
    }
    const found = logs[partition];
    if (found === undefined) {
      throw new CodedError(
        'dependency.bus',
        `topic ${topic} of the memory bus has ${logs.length} partitions, no partition ${partition}`,
      );
    }
    return found;
  }

  return {
    create(topic, partitionCount) {
      if (topics.has(topic)) return;
      topics.set(
        topic,
        Array.from({ length: partitionCount }, () => []),
      );
    },
    partitionCount: (topic) => topics.get(topic)?.length ?? null,
    log,
    append(record) {
      const records = log(record);
      records.push({
        topic: record.topic,
        partition: record.partition,
        offset: records.length,
        key: record.key,
        value: record.value,
        headers: record.headers,
        timestampMs: record.timestampMs,
      });
    },
  };
}

/** Where reading starts; an offset outside the log starts at its beginning, as on Kafka. */
export function startOffset(
  start: StartPosition,
  { log, committed }: { readonly log: MemoryLog; readonly committed: number | null },
): number {
  if (start === 'earliest') return 0;
  if (start === 'latest') return log.length;
  const wanted = start === 'committed' ? (committed ?? 0) : start.offset;
  return wanted >= 0 && wanted <= log.length ? wanted : 0;
}
