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

/** A start position after the group's committed one was looked up. */
export type KnownStart = Exclude<StartPosition, 'committed'>;

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
  startOffset(start: KnownStart): number {
    if (start === 'earliest') return this.#earliest;
    if (start === 'latest') return this.next;
    const { offset } = start;
    return offset >= this.#earliest && offset <= this.next ? offset : this.#earliest;
  }

  trim(before: number): void {
    const count = Math.min(before, this.next) - this.#earliest;
    if (count < TRIM_RECORDS_MIN) return;
    this.#records = this.#records.slice(count);
    this.#earliest += count;
  }
}

export interface MemoryTopics {
  /** Gives a topic that exists the partitions it lacks. */
  create(topic: string, partitionCount: number): 'created' | 'grown' | 'unchanged';
  delete(topic: string): void;
  partitionCount(topic: string): number | null;
  /** Rejects an unknown topic or partition with `dependency.bus`. */
  log(at: TopicPartition): MemoryLog;
}

export function createMemoryTopics(): MemoryTopics {
  const topics = new Map<string, MemoryLog[]>();
  return {
    create(topic, partitionCount) {
      const logs = topics.get(topic);
      if (logs === undefined) {
        topics.set(
          topic,
          Array.from({ length: partitionCount }, () => new MemoryLog()),
        );
        return 'created';
      }
      if (logs.length >= partitionCount) return 'unchanged';
      while (logs.length < partitionCount) logs.push(new MemoryLog());
      return 'grown';
    },
    delete: (topic) => void topics.delete(topic),
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
