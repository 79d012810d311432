/**
 * What a replay publishes: records of a source, each with its place in it, so that a run that was
 * interrupted goes on where it stopped and a record that is published twice is known for what it is.
 */
import type { OutgoingRecord } from '../core/message/record.ts';

/** One record on its way into the run; the topic is the run's. */
export type ReplayRecord = Omit<OutgoingRecord, 'topic' | 'partition'> & {
  readonly partition: number;
};

export interface SourceRecord extends ReplayRecord {
  /** Its place in its partition of the source; grows from record to record. */
  readonly offset: number;
  /** The time a paced replay goes by; `null` where nobody knows. */
  readonly timeMs: number | null;
}

/** Where a partition of the source begins, and where it ends if that is known before it is read. */
export interface SourceSpan {
  readonly from: number;
  /** Exclusive. */
  readonly to: number | null;
}

export interface ReplaySource {
  /** One for each partition. */
  readonly spans: readonly SourceSpan[];
  /** The topic the places are offsets of; `null`: they are counted, and stand for the run's own. */
  readonly topic: string | null;
  /**
   * Everything at and after `from`, an offset per partition; per partition in order. Ends early when
   * `signal` aborts.
   */
  records(from: readonly number[], signal: AbortSignal): AsyncIterable<SourceRecord>;
}

/** A source whose records come in one order and are counted per partition, from 0. */
export function countedSource(options: {
  readonly partitionCount: number;
  records(): AsyncIterable<ReplayRecord>;
}): ReplaySource {
  return {
    spans: Array.from({ length: options.partitionCount }, () => ({ from: 0, to: null })),
    topic: null,
    async *records(from, signal) {
      const counts = from.map(() => 0);
      for await (const record of options.records()) {
        if (signal.aborted) return;
        const offset = counts[record.partition]!;
        counts[record.partition] = offset + 1;
        if (offset < from[record.partition]!) continue;
        yield { ...record, offset, timeMs: record.timestampMs };
      }
    },
  };
}
