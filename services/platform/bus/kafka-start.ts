/** Turns a start position into an offset the broker will serve. */
import type { Assignment, StartPosition } from './bus.ts';
import type { KafkaContext } from './kafka-client.ts';
import type { KafkaTopics } from './kafka-topics.ts';
import { truncatedLog } from './truncated-log.ts';

export interface StartRequest {
  readonly group: string;
  readonly assignment: Assignment;
  readonly start: StartPosition;
  /** How far this partition was read before, by an earlier tenure too; 0 where it was not. */
  readonly reached: number;
  readonly onTruncated: 'earliest' | 'stop';
}

/** A leader that has just been elected may take a moment to know how far the log was acknowledged. */
const END_CHECKS_MAX = 4;
const END_CHECK_INTERVAL_MS = 500;

/** Rejects with `bus.truncated` where the log ends before the position and that is to stop the reader. */
export async function resolveStart(
  { logger, clock }: KafkaContext,
  topics: KafkaTopics,
  request: StartRequest,
): Promise<number> {
  const { group, assignment, start, onTruncated } = request;
  const wanted = start === 'committed' ? await topics.committed(group, assignment) : start;
  const position = wanted === null || typeof wanted === 'string' ? null : wanted.offset;
  const read = onTruncated === 'stop' ? Math.max(position ?? 0, request.reached) : (position ?? 0);
  // Asked for after the position is known: an older answer could call a good position out of range.
  let { earliest, next } = await topics.offsets(assignment);
  for (let check = 1; next < read && check < END_CHECKS_MAX; check += 1) {
    await clock.sleep(END_CHECK_INTERVAL_MS);
    ({ earliest, next } = await topics.offsets(assignment));
  }
  if (next < read && onTruncated === 'stop') {
    throw truncatedLog(assignment, { position: read, next });
  }
  if (wanted === 'latest') return next;
  if (position === null) return earliest;
  if (position >= earliest && position <= next) return position;
  const { topic, partition } = assignment;
  logger.error(
    { group, topic, partition, offset: position, earliest, next },
    'the position is not in the log: records were deleted before they were read, or the topic was made anew; reading from the earliest',
  );
  return earliest;
}
