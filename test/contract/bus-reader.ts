/** A reader of a bus as the contract suites use it: subscribes, remembers its assignments, collects. */
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import type {
  Assignment,
  Bus,
  BusRecord,
  OutgoingRecord,
  StartPosition,
  SubscribeOptions,
  Subscription,
} from '../../services/platform/bus/bus.ts';

export interface BusUnderTest {
  /** A bus of its own, as another process would have. */
  connect(): Bus;
  /** Ends what `connect` made. */
  close(): Promise<void>;
}

export const PATIENCE_MS = 15_000;

export interface Reader {
  readonly subscription: Subscription;
  readonly assigned: Assignment[];
  readonly revoked: Assignment[];
}

export async function subscribe(
  bus: Bus,
  topics: readonly string[],
  options: {
    readonly group?: string;
    readonly start?: StartPosition;
    readonly onAssigned?: SubscribeOptions['onAssigned'];
    readonly onTruncated?: 'earliest' | 'stop';
  } = {},
): Promise<Reader> {
  const assigned: Assignment[] = [];
  const revoked: Assignment[] = [];
  const subscription = await bus.subscribe({
    group: options.group ?? randomUUID(),
    topics,
    onTruncated: options.onTruncated ?? 'earliest',
    onAssigned: async (assignment) => {
      assigned.push(assignment);
      return (await options.onAssigned?.(assignment)) ?? options.start ?? 'earliest';
    },
    onRevoked: (assignment) => {
      revoked.push(assignment);
    },
  });
  return { subscription, assigned, revoked };
}

export async function collect({ subscription }: Reader, count: number): Promise<BusRecord[]> {
  const records: BusRecord[] = [];
  await until(async () => {
    const batches = await subscription.poll({ recordsMax: count - records.length, waitMs: 500 });
    for (const batch of batches) {
      expect(subscription.owns(batch.assignment)).toBe(true);
      records.push(...batch.records);
    }
    return records.length >= count;
  });
  return records;
}

export async function until(reached: () => Promise<boolean>): Promise<void> {
  const deadlineMs = Date.now() + PATIENCE_MS;
  while (!(await reached())) {
    if (Date.now() > deadlineMs) throw new Error(`not reached within ${PATIENCE_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

export function outgoing(topic: string, record: Partial<OutgoingRecord>): OutgoingRecord {
  return {
    topic,
    partition: 0,
    key: null,
    value: text('v'),
    headers: {},
    timestampMs: null,
    ...record,
  };
}

export function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

export function asText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

export function valueNumber(record: BusRecord): number {
  return Number(asText(record.value!));
}
