/** The error for a position that lies beyond the end of its log, the same for every adapter. */
import { CodedError } from '../../core/errors.ts';
import type { TopicPartition } from './bus.ts';

export function truncatedLog(
  { topic, partition }: TopicPartition,
  { position, next }: { readonly position: number; readonly next: number },
): CodedError {
  return new CodedError(
    'bus.truncated',
    `topic ${topic}, partition ${partition}: read up to offset ${position}, but the log ends at ${next}: ` +
      'records were lost, or the topic was made anew, and new records would be taken for repeats; ' +
      'restore the topic, or give the monitor a new name',
  );
}
