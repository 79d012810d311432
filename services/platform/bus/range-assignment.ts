/**
 * Who reads what: each topic's partitions in contiguous ranges over the members, the first members
 * taking one more where they do not divide evenly. The same partition number of several topics goes
 * to the same member when the topics have equally many partitions, which joins rely on.
 */
import type { TopicPartition } from './bus.ts';

export interface TopicPartitions {
  readonly topic: string;
  readonly partitionCount: number;
}

/** One list per member, in the order of the members. */
export function assignRanges(
  topics: readonly TopicPartitions[],
  memberCount: number,
): TopicPartition[][] {
  const lists: TopicPartition[][] = Array.from({ length: memberCount }, () => []);
  for (const { topic, partitionCount } of topics) {
    lists.forEach((list, member) => {
      const share = Math.floor(partitionCount / memberCount);
      const extra = partitionCount % memberCount;
      const first = member * share + Math.min(member, extra);
      const end = first + share + (member < extra ? 1 : 0);
      for (let partition = first; partition < end; partition += 1) list.push({ topic, partition });
    });
  }
  return lists;
}
