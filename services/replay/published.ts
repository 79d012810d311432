/**
 * What an earlier attempt at a run has published: the last record of each partition of the run's event
 * topic says where the source goes on, or that the partition has ended.
 */
import { CodedError } from '../core/errors.ts';
import { isEndOfRun } from '../core/message/control.ts';
import { originOf } from '../core/message/origin.ts';
import type { Bus, BusRecord, TopicPartition } from '../platform/bus/bus.ts';

export interface PublishedPartition {
  /** The first place of the source that is not published; 0 where nothing is. */
  readonly nextOffset: number;
  readonly ended: boolean;
}

export function readPublished(
  bus: Bus,
  { topic, run, count }: { readonly topic: string; readonly run: string; readonly count: number },
): Promise<readonly PublishedPartition[]> {
  const partitions = Array.from({ length: count }, (_, partition) => ({ topic, partition }));
  return Promise.all(partitions.map((at) => readPartition(bus, at, run)));
}

async function readPartition(
  bus: Bus,
  at: TopicPartition,
  run: string,
): Promise<PublishedPartition> {
  const { earliest, next } = await bus.offsets(at);
  if (next === 0) return { nextOffset: 0, ended: false };
  if (earliest > 0) {
    throw new CodedError(
      'configuration.invalid',
      `the beginning of ${at.topic}:${at.partition} is gone: the run is too old to go on; begin it anew with --restart`,
    );
  }
  let last: BusRecord | null = null;
  for await (const record of bus.read(at, next - 1, next)) last = record;
  if (last === null) {
    throw new CodedError('state.corrupt', `${at.topic}:${at.partition} has no record ${next - 1}`);
  }
  const { offset } = originOf(last);
  // The end stands one beyond the last record of its partition.
  const ended = isEndOfRun(last.headers, run);
  return { nextOffset: ended ? offset : offset + 1, ended };
}
