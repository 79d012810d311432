/** The bus contract on the in-memory adapter, where every client of a test shares one bus. */
import { describe, expect, it } from 'vitest';
import { createMemoryBus } from '../../services/platform/bus/memory-bus.ts';
import { createSystemClock } from '../../services/platform/clock/system-clock.ts';
import { describeBusContract } from './bus.contract.ts';
import { describeBusPartitionsContract } from './bus-partitions.contract.ts';

describeBusContract('memory', () => {
  const bus = createMemoryBus({ clock: createSystemClock() });
  return { connect: () => bus, close: () => bus.close() };
});

describeBusContract('memory, bounded', () => {
  const bus = createMemoryBus({ clock: createSystemClock(), backlogRecordsMax: 1_000_000 });
  return { connect: () => bus, close: () => bus.close() };
});

describeBusPartitionsContract('memory', () => {
  const bus = createMemoryBus({ clock: createSystemClock() });
  return { connect: () => bus, close: () => bus.close() };
});

describe('a bounded memory bus', () => {
  const records = (count: number) =>
    Array.from({ length: count }, () => ({
      topic: 't',
      partition: 0,
      key: null,
      value: null,
      headers: {},
      timestampMs: 0,
    }));

  it('lets a producer wait for the slowest group, and forgets what all have committed', async () => {
    const bus = createMemoryBus({ clock: createSystemClock(), backlogRecordsMax: 10_000 });
    await bus.ensureTopics([{ topic: 't', partitionCount: 1 }]);
    const [fast, slow] = await Promise.all(
      ['fast', 'slow'].map((group) =>
        bus.subscribe({
          group,
          topics: ['t'],
          onAssigned: async () => 'earliest',
          onRevoked: () => undefined,
        }),
      ),
    );
    await bus.produce(records(10_001));
    let produced = false;
    const waiting = bus.produce(records(1)).then(() => {
      produced = true;
    });
    await fast!.commit(fast!.assignments()[0]!, 10_001);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(produced).toBe(false);
    expect((await bus.offsets({ topic: 't', partition: 0 })).earliest).toBe(0);

    await slow!.commit(slow!.assignments()[0]!, 6_000);
    await waiting;
    expect(await bus.offsets({ topic: 't', partition: 0 })).toEqual({
      earliest: 6_000,
      next: 10_002,
    });
    const [batch] = await slow!.poll({ recordsMax: 1, waitMs: 0 });
    expect(batch).toBeDefined();
    await bus.close();
  });

  it('ends a waiting producer when it is closed', async () => {
    const bus = createMemoryBus({ clock: createSystemClock(), backlogRecordsMax: 1 });
    await bus.ensureTopics([{ topic: 't', partitionCount: 1 }]);
    await bus.subscribe({
      group: 'g',
      topics: ['t'],
      onAssigned: async () => 'earliest',
      onRevoked: () => undefined,
    });
    await bus.produce(records(2));
    const waiting = bus.produce(records(1));
    await bus.close();
    await expect(waiting).rejects.toMatchObject({ code: 'dependency.bus' });
  });
});
