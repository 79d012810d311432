/** A range of an event topic as the source of a run: same partitions, order, bytes and timestamps. */
import { CodedError } from '../core/errors.ts';
import type { BusRecord, TopicPartition } from '../core/message/record.ts';
import type { Bus } from '../platform/bus/bus.ts';
import type { ReplaySource, SourceRecord, SourceSpan } from './source.ts';

export type RangeEdge =
  | 'earliest'
  | 'next'
  | { readonly offset: number }
  | { readonly timestampMs: number };

export interface TopicRange {
  readonly topic: string;
  /** Inclusive. */
  readonly from: RangeEdge;
  /** Exclusive. */
  readonly to: RangeEdge;
}

export interface TopicSpan extends SourceSpan {
  readonly to: number;
}

/** Fixes the range now, per partition: what arrives later is not part of it. */
export async function resolveTopicRange(
  bus: Bus,
  range: TopicRange,
): Promise<readonly TopicSpan[]> {
  const partitionCount = await bus.partitionCount(range.topic);
  if (partitionCount === null) {
    throw new CodedError('configuration.invalid', `topic ${range.topic} does not exist`);
  }
  const spans: TopicSpan[] = [];
  for (let partition = 0; partition < partitionCount; partition += 1) {
    const from = await resolveEdge(bus, { topic: range.topic, partition }, range.from);
    const to = await resolveEdge(bus, { topic: range.topic, partition }, range.to);
    spans.push({ from, to: Math.max(from, to) });
  }
  return spans;
}

/** Records of the spans; fewer where the log holds fewer. */
export function spannedCount(spans: readonly TopicSpan[]): number {
  return spans.reduce((sum, { from, to }) => sum + to - from, 0);
}

interface Reader {
  readonly records: AsyncIterator<BusRecord>;
  head: BusRecord;
}

export function createTopicSource(
  bus: Bus,
  topic: string,
  spans: readonly TopicSpan[],
): ReplaySource {
  return {
    spans,
    topic,
    async *records(from, signal): AsyncIterable<SourceRecord> {
      const iterators = spans.map(({ to }, partition) =>
        bus.read({ topic, partition }, from[partition]!, to)[Symbol.asyncIterator](),
      );
      try {
        let readers = (await Promise.all(iterators.map(openReader))).flat();
        while (readers.length > 0 && !signal.aborted) {
          const reader = earliest(readers);
          yield toSourceRecord(reader.head);
          const { done, value } = await reader.records.next();
          // To the end of the queue, for the sake of those with the same timestamp.
          readers = readers.filter((each) => each !== reader);
          if (!done) {
            reader.head = value;
            readers.push(reader);
          }
        }
      } finally {
        // Also where the reading of one fails or nobody wants the rest: each holds a connection.
        for (const iterator of iterators) await iterator.return?.();
      }
    },
  };
}

async function openReader(records: AsyncIterator<BusRecord>): Promise<readonly Reader[]> {
  const { done, value } = await records.next();
  return done ? [] : [{ records, head: value }];
}

/** By timestamp, so that the windows of all partitions close together and panes do not pile up. */
function earliest(readers: readonly Reader[]): Reader {
  let found = readers[0]!;
  for (const reader of readers) {
    if (reader.head.timestampMs < found.head.timestampMs) found = reader;
  }
  return found;
}

function toSourceRecord(record: BusRecord): SourceRecord {
  const { partition, offset, key, value, headers, timestampMs } = record;
  return { partition, offset, key, value, headers, timestampMs, timeMs: timestampMs };
}

async function resolveEdge(bus: Bus, at: TopicPartition, edge: RangeEdge): Promise<number> {
  const { earliest: first, next } = await bus.offsets(at);
  if (edge === 'earliest') return first;
  if (edge === 'next') return next;
  const offset = 'offset' in edge ? edge.offset : await bus.offsetAt(at, edge.timestampMs);
  return Math.min(Math.max(offset, first), next);
}
