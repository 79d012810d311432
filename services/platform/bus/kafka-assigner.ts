/** Range assignment in kafkajs's terms; the leader of the group runs it for every member. */
import { AssignerProtocol, type PartitionAssigner } from 'kafkajs';
import { assignRanges } from './range-assignment.ts';

const VERSION = 0;

/**
 * kafkajs refuses an assignment that differs from what metadata says, so partitions come from there.
 * Its typings leave `findTopicPartitionMetadata` out.
 */
interface PartitionDirectory {
  findTopicPartitionMetadata(topic: string): { readonly partitionId: number }[];
}

export const rangeAssigner: PartitionAssigner = ({ cluster }) => ({
  name: 'TidegaugeRangeAssigner',
  version: VERSION,
  async assign({ members, topics }) {
    const directory = cluster as unknown as PartitionDirectory;
    const memberIds = members.map(({ memberId }) => memberId).sort();
    const lists = assignRanges(
      topics.map((topic) => ({
        topic,
        partitionCount: directory.findTopicPartitionMetadata(topic).length,
      })),
      memberIds.length,
    );
    return memberIds.map((memberId, member) => {
      const assignment: Record<string, number[]> = {};
      for (const { topic, partition } of lists[member]!) {
        assignment[topic] = [...(assignment[topic] ?? []), partition];
      }
      return {
        memberId,
        memberAssignment: AssignerProtocol.MemberAssignment.encode({
          version: VERSION,
          assignment,
          userData: Buffer.alloc(0),
        }),
      };
    });
  },
  protocol({ topics }) {
    return {
      name: 'TidegaugeRangeAssigner',
      metadata: AssignerProtocol.MemberMetadata.encode({
        version: VERSION,
        topics,
        userData: Buffer.alloc(0),
      }),
    };
  },
});
