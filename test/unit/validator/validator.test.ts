/** The validator's shell on a memory bus, where the event topic is not what it was. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { LIVE_RUN, runTopics } from '../../../services/core/message/topics.ts';
import type { Bus } from '../../../services/platform/bus/bus.ts';
import type { Component } from '../../../services/platform/lifecycle/component.ts';
import { groupName } from '../../../services/platform/lifecycle/stateful-service.ts';
import { createValidator } from '../../../services/validator/validator.ts';
import { EVENT_SCHEMA, memoryPorts, stationMonitor } from '../../support/embedded-run.ts';

const monitor = stationMonitor();
const topics = runTopics(monitor, LIVE_RUN);

describe('the validator', () => {
  const ports = memoryPorts();
  const { bus } = ports;
  let validator: Component | null = null;
  afterEach(async () => {
    await validator?.stop(1_000);
    await bus.close();
  });

  it('widens the topics that follow the event topic, and stops where that was truncated', async () => {
    await bus.ensureTopics([{ topic: topics.events, partitionCount: 1 }]);
    validator = await start();
    await produce(bus, 0, 3);
    await vi.waitFor(async () => expect(await validCount(0)).toBe(3));

    await bus.ensureTopics([{ topic: topics.events, partitionCount: 3 }]);
    await produce(bus, 2, 4);
    await vi.waitFor(async () => expect(await bus.partitionCount(topics.valid)).toBe(3));
    await vi.waitFor(async () => expect(await validCount(2)).toBe(4));
    for (const topic of [topics.quarantine, topics.predictions]) {
      expect(await bus.partitionCount(topic)).toBe(3);
    }
    expect(await validCount(0)).toBe(3);
    await validator.stop(1_000);

    await commitBeyondTheEnd();
    validator = await start();
    await expect(validator.finished).rejects.toMatchObject({ code: 'bus.truncated' });
    expect(validator.health()).toMatchObject({
      status: 'failed',
      reason: expect.stringContaining(`topic ${topics.events}, partition 2`),
    });
  });

  async function start(): Promise<Component> {
    const scope = {
      ...{ monitor, run: LIVE_RUN, eventSchema: EVENT_SCHEMA },
      ...{ writerSchemas: [], reference: null },
    };
    const started = createValidator(ports, scope);
    await started.start();
    return started;
  }

  const validCount = async (partition: number) =>
    (await bus.offsets({ topic: topics.valid, partition })).next;

  async function commitBeyondTheEnd(): Promise<void> {
    const subscription = await bus.subscribe({
      group: groupName(monitor.name, 'validator', LIVE_RUN),
      topics: [topics.events],
      onAssigned: async () => 'latest',
      onRevoked: () => undefined,
    });
    const assignment = subscription.assignments().find(({ partition }) => partition === 2)!;
    await subscription.commit(assignment, 100);
    await subscription.close();
  }
});

async function produce(bus: Bus, partition: number, count: number): Promise<void> {
  await bus.produce(
    Array.from({ length: count }, (_, n) => ({
      ...{ topic: topics.events, partition, key: null, headers: {}, timestampMs: null },
      value: Buffer.from(JSON.stringify({ id: `${n}`, at: n, level: 1, station: 'Brest' })),
    })),
  );
}
