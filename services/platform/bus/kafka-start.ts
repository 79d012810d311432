/** Turns a start position into an offset the broker will serve. */
import type { Assignment, StartPosition } from './bus.ts';
import type { KafkaContext } from './kafka-client.ts';
import type { KafkaTopics } from './kafka-topics.ts';

export async function resolveStart(
  { logger }: KafkaContext,
  topics: KafkaTopics,
  request: {
    readonly group: string;
    readonly assignment: Assignment;
    readonly start: StartPosition;
  },
): Promise<number> {
  const { group, assignment, start } = request;
  const wanted = start === 'committed' ? await topics.committed(group, assignment) : start;
  // Asked for after the position is known: an older answer could call a good position out of range.
  const { earliest, next } = await topics.offsets(assignment);
  if (wanted === null || wanted === 'earliest') return earliest;
  if (wanted === 'latest') return next;
  const offset = typeof wanted === 'number' ? wanted : wanted.offset;
  if (offset >= earliest && offset <= next) return offset;
  const { topic, partition } = assignment;
  logger.error(
    { group, topic, partition, offset, earliest, next },
    'the position is not in the log: records were deleted before they were read, or the topic was made anew; reading from the earliest',
  );
  return earliest;
}
