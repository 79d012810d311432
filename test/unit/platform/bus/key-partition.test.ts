/** The key's partition: against the vectors of Kafka's own tests, and kafkajs's implementation. */
import fc from 'fast-check';
import { Partitioners } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { createPartitioner, murmur2 } from '../../../../services/platform/bus/key-partition.ts';

describe('key partition', () => {
  // org.apache.kafka.common.utils.UtilsTest#testMurmur2
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('hashes %s as the Java client does', (key, hash) => {
    expect(murmur2(new TextEncoder().encode(key))).toBe(hash);
  });

  it('agrees with kafkajs on any bytes and any number of partitions', () => {
    const theirs = Partitioners.DefaultPartitioner();
    const ours = createPartitioner();
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 40 }),
        fc.integer({ min: 1, max: 64 }),
        (key, count) => {
          const partitionMetadata = Array.from({ length: count }, (_, partitionId) => ({
            partitionId,
            leader: 1,
            replicas: [1],
            isr: [1],
            partitionErrorCode: 0,
          }));
          const message = { key: Buffer.from(key), value: null };
          expect(ours({ topic: 't', partition: null, key }, count)).toBe(
            theirs({ topic: 't', partitionMetadata, message }),
          );
        },
      ),
    );
  });

  it('keeps a partition that was named, and goes round per topic without a key', () => {
    const partitionOf = createPartitioner();
    const at = (topic: string, partition: number | null) =>
      partitionOf({ topic, partition, key: null }, 3);
    expect([at('a', 2), at('a', 0)]).toEqual([2, 0]);
    expect([at('a', null), at('b', null), at('a', null), at('a', null), at('a', null)]).toEqual([
      0, 0, 1, 2, 0,
    ]);
  });
});
