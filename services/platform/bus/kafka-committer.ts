/**
 * Commits offsets under the generation the work was done in.
 *
 * `consumer.commitOffsets` retries, and a retry after a rebalance carries the new generation: a stale
 * position would overwrite the new owner's. The function kafkajs passes to the handler tries once.
 */
import type { Consumer, EachBatchPayload } from 'kafkajs';
import type { Assignment } from './bus.ts';

export interface KafkaCommitter {
  /** Every batch brings the function; it is good for the epoch it came in. */
  use(payload: EachBatchPayload, joinEpoch: number): void;
  /** False where the assignment has ended. */
  commit(assignment: Assignment, offset: number, note: string): Promise<boolean>;
}

/** The group is rebalancing or has moved on: what was to be committed is no longer ours. */
const NO_LONGER_OURS = ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID'];

export function createKafkaCommitter(consumer: Consumer): KafkaCommitter {
  let commitOnce: EachBatchPayload['commitOffsetsIfNecessary'] | null = null;
  let epoch = 0;

  return {
    use(payload, joinEpoch) {
      commitOnce = payload.commitOffsetsIfNecessary;
      epoch = joinEpoch;
    },
    async commit({ topic, partition, joinEpoch }, offset, note) {
      const entry = { partition, offset: String(offset), metadata: note };
      try {
        if (commitOnce !== null && epoch === joinEpoch) {
          await commitOnce({ topics: [{ topic, partitions: [entry] }] });
        } else {
          await consumer.commitOffsets([{ topic, ...entry }]);
        }
        return true;
      } catch (error) {
        if (error instanceof Error && 'type' in error && NO_LONGER_OURS.includes(`${error.type}`))
          return false;
        throw error;
      }
    },
  };
}
