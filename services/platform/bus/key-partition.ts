/**
 * Which partition a record without one goes to: by murmur2 of its key, bit for bit as Kafka's Java
 * client does, so that records of one key meet whoever produces them; in turn without a key.
 */
import type { OutgoingRecord } from './bus.ts';

const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;

/** Austin Appleby's MurmurHash2, 32 bits, little-endian, with Kafka's seed; a signed integer. */
export function murmur2(data: Uint8Array): number {
  const tail = data.length & ~3;
  let hash = SEED ^ data.length;
  for (let i = 0; i < tail; i += 4) {
    let word = data[i]! | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24);
    word = Math.imul(word, MULTIPLIER);
    word = Math.imul(word ^ (word >>> 24), MULTIPLIER);
    hash = Math.imul(hash, MULTIPLIER) ^ word;
  }
  if (data.length > tail) {
    for (let i = data.length - 1; i >= tail; i -= 1) hash ^= data[i]! << (8 * (i - tail));
    hash = Math.imul(hash, MULTIPLIER);
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER);
  return hash ^ (hash >>> 15);
}

export type Partitioner = (
  record: Pick<OutgoingRecord, 'topic' | 'partition' | 'key'>,
  partitionCount: number,
) => number;

export function createPartitioner(): Partitioner {
  const turns = new Map<string, number>();
  return (record, partitionCount) => {
    if (record.partition !== null) return record.partition;
    if (record.key !== null) return (murmur2(record.key) & 0x7fffffff) % partitionCount;
    const turn = turns.get(record.topic) ?? 0;
    turns.set(record.topic, turn + 1);
    return turn % partitionCount;
  };
}
