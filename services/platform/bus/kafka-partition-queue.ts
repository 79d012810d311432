/**
 * What was fetched of one partition and not yet polled, in a first-in first-out queue that knows its
 * bytes. It says when to stop fetching (full) and when to go on (half empty); it never drops.
 */
import type { BusRecord } from './bus.ts';
import { recordBytes } from './kafka-record.ts';

export interface PartitionQueue {
  readonly length: number;
  push(record: BusRecord): void;
  take(count: number): BusRecord[];
  /** Offset of the next record to take, `null` when empty. */
  firstOffset(): number | null;
  isFull(): boolean;
  isHalfEmpty(): boolean;
  clear(): void;
}

export function createPartitionQueue(bytesMax: number): PartitionQueue {
  let records: BusRecord[] = [];
  let head = 0;
  let bytes = 0;

  return {
    get length() {
      return records.length - head;
    },
    push(record) {
      records.push(record);
      bytes += recordBytes(record);
    },
    take(count) {
      const taken = records.slice(head, head + count);
      head += taken.length;
      for (const record of taken) bytes -= recordBytes(record);
      if (head * 2 >= records.length) {
        records = records.slice(head);
        head = 0;
      }
      return taken;
    },
    firstOffset: () => records[head]?.offset ?? null,
    isFull: () => bytes >= bytesMax,
    isHalfEmpty: () => bytes * 2 <= bytesMax,
    clear() {
      records = [];
      head = 0;
      bytes = 0;
    },
  };
}
