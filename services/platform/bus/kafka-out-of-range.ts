/**
 * What a group has committed is moved by its reader alone.
 *
 * kafkajs 2.2.4 answers a position that the broker does not serve by committing "the beginning" in the
 * reader's name. A reader that stops at a truncated log, and is started again, would find that nothing
 * was ever committed and read new records under the offsets of old ones. So the consumer goes to the
 * earliest record without a commit; the subscription sees that this was not asked for, and judges it.
 */
import type { TopicPartition } from './bus.ts';
import { mendKafkajs } from './kafka-internals.ts';

interface TopicOffsets {
  readonly topic: string;
  readonly partitions: readonly { readonly partition: number; readonly offset: string }[];
}

interface OffsetManagerPrototype {
  readonly cluster: {
    fetchTopicsOffset(
      topics: readonly {
        readonly topic: string;
        readonly partitions: readonly { readonly partition: number }[];
        readonly fromBeginning: boolean;
      }[],
    ): Promise<readonly TopicOffsets[]>;
  };
  seek(to: TopicPartition & { readonly offset: string }): Promise<void>;
  setDefaultOffset(at: TopicPartition): Promise<void>;
}

/** It holds for consumers that do not commit by themselves. */
export function teachKafkajsToLeaveCommits(): void {
  mendKafkajs('consumer/offsetManager', leaveCommits);
}

function leaveCommits(prototype: OffsetManagerPrototype): void {
  prototype.setDefaultOffset = async function ({ topic, partition }) {
    const [found] = await this.cluster.fetchTopicsOffset([
      { topic, partitions: [{ partition }], fromBeginning: true },
    ]);
    const offset = found!.partitions[0]!.offset;
    await this.seek({ topic, partition, offset });
  };
}
