/**
 * One tenure of one partition: from a join of the group to the next. It holds the position, so that
 * what kafkajs hands over is accepted only where it continues exactly what was accepted before.
 *
 * kafkajs may hand over a batch fetched before a seek, or jump to the beginning of the log by itself
 * when the position is out of range. Both show in the offset the fetch asked for: anything else than
 * `next` is refused, and the caller seeks again. Gaps within what was asked for (compaction,
 * transaction markers) are the log's own.
 */
import type { Batch } from 'kafkajs';
import type { Assignment } from './bus.ts';
import type { PartitionQueue } from './kafka-partition-queue.ts';
import { createPartitionQueue } from './kafka-partition-queue.ts';
import { decodeMessage } from './kafka-record.ts';
import type { PollSource } from './poller.ts';

export interface Tenure extends PollSource {
  readonly assignment: Assignment;
  readonly queue: PartitionQueue;
  /** Offset to be fetched next; `null` until the start position is known. */
  next: number | null;
  /** Fetching is stopped because the queue is full. */
  paused: boolean;
  /** A seek is being worked out; what arrives meanwhile is refused. */
  seeking: boolean;
}

export function createTenure(
  assignment: Assignment,
  { prefetchBytesMax, onDrained }: { prefetchBytesMax: number; onDrained(tenure: Tenure): void },
): Tenure {
  const queue = createPartitionQueue(prefetchBytesMax);
  const tenure: Tenure = {
    assignment,
    queue,
    next: null,
    paused: false,
    seeking: false,
    available: () => queue.length,
    take(count) {
      const records = queue.take(count);
      if (tenure.paused && queue.isHalfEmpty()) onDrained(tenure);
      return records;
    },
  };
  return tenure;
}

/** `accepted` moved the position; `misplaced` was fetched from elsewhere; `early` comes again. */
export type Acceptance = 'accepted' | 'misplaced' | 'early';

/** The offset the fetch asked for; kafkajs sets it and leaves it out of its typings. */
type FetchedBatch = Batch & { readonly fetchedOffset: string };

export function acceptBatch(tenure: Tenure, batch: Batch): Acceptance {
  if (tenure.next === null || tenure.seeking) return 'early';
  if (Number((batch as FetchedBatch).fetchedOffset) !== tenure.next) return 'misplaced';
  for (const message of batch.messages)
    tenure.queue.push(decodeMessage(tenure.assignment, message));
  tenure.next = Number(batch.lastOffset()) + 1;
  return 'accepted';
}

/** kafkajs passes by itself over a batch of nothing but markers or compacted records. */
export function passOver(tenure: Tenure, lastOffset: number): void {
  if (tenure.next !== null && !tenure.seeking) tenure.next = lastOffset + 1;
}
