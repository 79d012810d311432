/**
 * Port: a partitioned log with consumer groups.
 *
 * Guarantees an adapter gives (held by test/contract/bus.contract.ts):
 * - within a partition, records are delivered in offset order, without gaps, from the start position
 *   that `onAssigned` returned;
 * - `produce` resolves when every record is acknowledged, keeps the order of the records per
 *   partition, and may repeat a contiguous run after a failure but never skips one;
 * - partitions added to a topic are read by the groups that read it, after a rebalance;
 * - a batch polled under an assignment that has since been revoked answers `false` from `owns`, and
 *   `commit` does nothing for it.
 *
 * It is not a transaction: exactly-once comes from positions kept in the state store and from
 * `tg-origin`, see services/DECISIONS.md.
 */

import type { BusRecord, OutgoingRecord, TopicPartition } from '../../core/message/record.ts';

export type {
  BusRecord,
  Headers,
  OutgoingRecord,
  TopicPartition,
} from '../../core/message/record.ts';

export interface TopicSpec {
  readonly topic: string;
  readonly partitionCount: number;
  /** Topic settings in Kafka's own names, e.g. `max.message.bytes`; applied on creation only. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** `committed` falls back to `earliest` where the group never committed. */
export type StartPosition = 'earliest' | 'latest' | 'committed' | { readonly offset: number };

/** One tenure of one partition by this subscription; a rebalance ends it. */
export interface Assignment extends TopicPartition {
  /** Grows with every join of the group. */
  readonly joinEpoch: number;
}

export interface RecordBatch {
  readonly assignment: Assignment;
  /** At least one record, ascending offsets. */
  readonly records: readonly BusRecord[];
}

export interface CommittedOffset {
  readonly offset: number;
  /** Empty where the committer wrote none. */
  readonly note: string;
}

export interface SubscribeOptions {
  readonly group: string;
  readonly topics: readonly string[];
  /**
   * Called once per assignment, before any of its records are delivered; a stateful service claims
   * and loads its shard here. A rejection fails the subscription (`poll` rejects with it).
   */
  onAssigned(assignment: Assignment): Promise<StartPosition>;
  /** Called once when an assignment ends, by rebalance or `close`; no record of it is delivered afterwards. */
  onRevoked(assignment: Assignment): void;
  /**
   * What a position beyond the end of the log means. `earliest`, the default: said loudly in the log,
   * reading goes on from the earliest record. `stop`, for a service that names what it writes by the
   * offsets it read: the subscription fails with `bus.truncated`, as offsets now come a second time.
   */
  readonly onTruncated?: 'earliest' | 'stop';
}

export interface PollOptions {
  /** Records over all batches together. */
  readonly recordsMax: number;
  /** Resolves with `[]` when nothing arrived for this long; 0 returns what is there. */
  readonly waitMs: number;
}

export interface Subscription {
  /**
   * Hands over records of every assigned partition in turn (none is starved). One poll at a time.
   * Rejects when the consumer is dead for good; the service must then stop.
   */
  poll(options: PollOptions): Promise<readonly RecordBatch[]>;
  owns(assignment: Assignment): boolean;
  /**
   * Stores `offset` as the next one to read for the group, with a note beside it; false, and nothing
   * stored, where the assignment has ended.
   */
  commit(assignment: Assignment, offset: number, note?: string): Promise<boolean>;
  assignments(): readonly Assignment[];
  /** Leaves the group; revokes everything; a pending poll resolves with `[]`. Idempotent. */
  close(): Promise<void>;
}

export interface Bus {
  /**
   * Creates what is missing and gives a topic with too few partitions those it lacks; its settings are
   * left as they are. Idempotent.
   */
  ensureTopics(specs: readonly TopicSpec[]): Promise<void>;
  /** With everything in them; a topic that does not exist is no mistake. For runs that are over. */
  deleteTopics(topics: readonly string[]): Promise<void>;
  /** `null` where the topic does not exist. */
  partitionCount(topic: string): Promise<number | null>;
  /** First offset still held and the offset the next record will get. */
  offsets(at: TopicPartition): Promise<{ readonly earliest: number; readonly next: number }>;
  /** What the group committed last, `null` where it never did. */
  committed(group: string, at: TopicPartition): Promise<CommittedOffset | null>;
  produce(records: readonly OutgoingRecord[]): Promise<void>;
  /** Resolves when the group was joined and the first assignment is known. */
  subscribe(options: SubscribeOptions): Promise<Subscription>;
  /**
   * Reads a range outside any group, ascending, `[from, to)`; for replays and tools. The iterator
   * ends at `to`, which must not lie beyond `next`.
   */
  read(at: TopicPartition, from: number, to: number): AsyncIterable<BusRecord>;
  /** The first offset whose record timestamp is at or after `timestampMs`; `next` where there is none. */
  offsetAt(at: TopicPartition, timestampMs: number): Promise<number>;
  close(): Promise<void>;
}
