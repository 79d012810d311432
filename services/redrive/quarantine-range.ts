/** The stretch of each partition of the quarantine topic that a redrive looks at, fixed at its start. */
import { CodedError } from '../core/errors.ts';
import type { Topics } from '../core/monitor/monitor.ts';
import type { Bus, TopicPartition } from '../platform/bus/bus.ts';

/** By record time: when the event was refused. */
export type QuarantineEdge =
  | 'earliest'
  | 'next'
  | { readonly offset: number }
  | { readonly timestampMs: number };

export interface QuarantineSpan extends TopicPartition {
  /** Inclusive. */
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  /** All that the partition held at the start. */
  readonly isWhole: boolean;
}

/** What is refused again meanwhile lies behind the range: a redrive cannot chase its own tail. */
export async function fixQuarantineRange(
  bus: Bus,
  topics: Pick<Topics, 'events' | 'quarantine'>,
  edges: { readonly since: QuarantineEdge; readonly until: QuarantineEdge },
): Promise<readonly QuarantineSpan[]> {
  const topic = topics.quarantine;
  // A refusal is in the partition of its event, so what another one holds is none of ours.
  const partitionCount = Math.min(
    await existingPartitions(bus, topic),
    await existingPartitions(bus, topics.events),
  );
  const spans: QuarantineSpan[] = [];
  for (let partition = 0; partition < partitionCount; partition += 1) {
    const at = { topic, partition };
    const { earliest, next } = await bus.offsets(at);
    const offsetOf = async (edge: QuarantineEdge): Promise<number> => {
      if (edge === 'earliest') return earliest;
      if (edge === 'next') return next;
      const offset = 'offset' in edge ? edge.offset : await bus.offsetAt(at, edge.timestampMs);
      return Math.min(Math.max(offset, earliest), next);
    };
    const from = await offsetOf(edges.since);
    const to = Math.max(from, await offsetOf(edges.until));
    spans.push({ ...at, from, to, isWhole: from === earliest && to === next });
  }
  return spans;
}

async function existingPartitions(bus: Bus, topic: string): Promise<number> {
  const count = await bus.partitionCount(topic);
  if (count !== null) return count;
  throw new CodedError(
    'configuration.invalid',
    `topic ${topic} does not exist; expected the topics of a monitor that has run`,
  );
}
