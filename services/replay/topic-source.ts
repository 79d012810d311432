/** A range of an event topic as the source of a run: same partitions, order, bytes and timestamps. */
import { CodedError } from '../core/errors.ts';
import type { Bus } from '../platform/bus/bus.ts';
import type { ReplayRecord, ReplaySource } from './replay.ts';

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

export interface TopicSource extends ReplaySource {
  readonly recordCountMax: number;
}

/** Fixes the range now: what arrives later is not part of it. */
export async function openTopicSource(bus: Bus, range: TopicRange): Promise<TopicSource> {
  const partitionCount = await bus.partitionCount(range.topic);
  if (partitionCount === null) {
    throw new CodedError('configuration.invalid', `topic ${range.topic} does not exist`);
  }
  const spans: { partition: number; from: number; to: number }[] = [];
  for (let partition = 0; partition < partitionCount; partition += 1) {
    const from = await resolveEdge(bus, { topic: range.topic, partition }, range.from);
    const to = await resolveEdge(bus, { topic: range.topic, partition }, range.to);
    spans.push({ partition, from, to: Math.max(from, to) });
  }
  return {
    partitionCount,
    recordCountMax: spans.reduce((sum, span) => sum + span.to - span.from, 0),
    async *records(signal): AsyncIterable<ReplayRecord> {
      const readers = spans.map(({ partition, from, to }) =>
        bus.read({ topic: range.topic, partition }, from, to)[Symbol.asyncIterator](),
      );
      try {
        // In turn, so that windows of all partitions close together and panes do not pile up.
        while (readers.length > 0 && !signal.aborted) {
          for (const reader of [...readers]) {
            const { done, value } = await reader.next();
            if (done) {
              readers.splice(readers.indexOf(reader), 1);
            } else {
              const { partition, key, value: bytes, headers, timestampMs } = value;
              yield { partition, key, value: bytes, headers, timestampMs };
            }
          }
        }
      } finally {
        // Also where the reading of one fails or nobody wants the rest: each holds a connection.
        for (const reader of readers) await reader.return?.();
      }
    },
  };
}

async function resolveEdge(
  bus: Bus,
  at: { topic: string; partition: number },
  edge: RangeEdge,
): Promise<number> {
  const { earliest, next } = await bus.offsets(at);
  if (edge === 'earliest') return earliest;
  if (edge === 'next') return next;
  const offset = 'offset' in edge ? edge.offset : await bus.offsetAt(at, edge.timestampMs);
  return Math.min(Math.max(offset, earliest), next);
}
