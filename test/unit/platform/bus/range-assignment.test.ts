/** Laws of the range assignment. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { assignRanges } from '../../../../services/platform/bus/range-assignment.ts';

const topicCounts = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 4 });

it('gives every partition to exactly one member, in contiguous ranges of about equal size', () => {
  fc.assert(
    fc.property(topicCounts, fc.integer({ min: 1, max: 9 }), (counts, memberCount) => {
      const topics = counts.map((partitionCount, i) => ({ topic: `t${i}`, partitionCount }));
      const lists = assignRanges(topics, memberCount);
      expect(lists.length).toBe(memberCount);
      for (const { topic, partitionCount } of topics) {
        const shares = lists.map((list) => list.filter((at) => at.topic === topic));
        expect(shares.flat().map(({ partition }) => partition)).toEqual(
          Array.from({ length: partitionCount }, (_, partition) => partition),
        );
        const sizes = shares.map((share) => share.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }
    }),
  );
});

it('gives the same partition of equally split topics to the same member', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 40 }),
      fc.integer({ min: 1, max: 9 }),
      (count, members) => {
        const topics = ['a', 'b'].map((topic) => ({ topic, partitionCount: count }));
        for (const list of assignRanges(topics, members)) {
          const of = (topic: string) =>
            list.filter((at) => at.topic === topic).map((at) => at.partition);
          expect(of('a')).toEqual(of('b'));
        }
      },
    ),
  );
});
