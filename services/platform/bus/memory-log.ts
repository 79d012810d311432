/**
 * The topics of the in-memory bus: a growing list of records per partition.
 *
 * No bytes are copied; what is produced must not be changed afterwards. `trim` forgets the oldest
 * records of a partition, as retention does on Kafka; offsets stay what they were.
 */
import { CodedError } from '../../core/errors.ts';
import type { BusRecord, StartPosition, TopicPartition } from './bus.ts';

/** Forgetting moves what is left, so it is done for this many records at a time. */
const TRIM_RECORDS_MIN = 4_096;

export class MemoryLog {
  #earliest = 0;
  #records: BusRecord[] = [];

  get earliest(): number {
    return this.#earliest;
  }

  get next(): number {
    return this.#earliest + this.#records.length;
  }

  append(record: Omit<BusRecord, 'offset'>): void {
    const { topic, partition, key, value, headers, timestampMs } = record;
    this.#records.push({ topic, partition, offset: this.next, key, value, headers, timestampMs });
  }

  /** Records of `[from, to)` that are still held. */
  slice(from: number, to: number): BusRecord[] {
    const first = Math.max(0, from - this.#earliest);
    return this.#records.slice(first, Math.max(first, to - this.#earliest));
  }

  /** Where reading starts; an offset outside the log starts at its beginning, as on Kafka. */
  startOffset(start: StartPosition, committed: number | null): number {
    if (start === 'earliest') return this.#earliest;
    if (start === 'latest') return this.next;
    const wanted = start === 'committed' ? (committed ?? this.#earliest) : start.offset;
    return wanted >= this.#earliest && wanted <= this.next ? wanted : this.#earliest;
  }

  trim(before: number): void {
    const count = Math.min(before, this.next) - this.#earliest;
    if (count < TRIM_RECORDS_MIN) return;
    this.#records = this.#records.slice(count);
    this.#earliest += count;
  }
}

export interface MemoryTopics {
  create(topic: string, partitionCount: number): void;
  partitionCount(topic: string): number | null;
  /** Rejects an unknown topic or partition with `dependency.bus`. */
  log(at: TopicPartition): MemoryLog;
}

export function createMemoryTopics(): MemoryTopics {
  const topics = new Map<string, MemoryLog[]>();
  return {
    create(topic, partitionCount) {
      if (topics.has(topic)) return;
      topics.set(
        topic,
        Array.from({ length: partitionCount }, () => new MemoryLog()),
      );
    },
    partitionCount: (topic) => topics.get(topic)?.length ?? null,
    log({ topic, partition }) {
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
    },
  };
}
