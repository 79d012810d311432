/** The validator among records that make its own code fail: they go to quarantine, it goes on. */
import { afterEach, expect, it, vi } from 'vitest';
import { CodedError } from '../../../services/core/errors.ts';
import { HEADER, headerText } from '../../../services/core/message/header.ts';
import { derivedTopicSpecs } from '../../../services/core/message/topics.ts';
import { createMemoryBus } from '../../../services/platform/bus/memory-bus.ts';
import { createVirtualClock } from '../../../services/platform/clock/virtual-clock.ts';
import type { Component } from '../../../services/platform/lifecycle/component.ts';
import { createMemoryTelemetry } from '../../../services/platform/telemetry/memory-telemetry.ts';
import { createValidator } from '../../../services/validator/validator.ts';
import { EVENT_SCHEMA, memoryPorts, stationMonitor } from '../../support/embedded-run.ts';
import { readAll } from '../../support/read-all.ts';

/** Levels at which the check of an event throws. */
const POISON = new Map<number, Error>([
  [13, new RangeError('Invalid array length')],
  [14, new TypeError("Cannot read properties of undefined (reading 'x')")],
  [99, new CodedError('state.corrupt', 'what is ours does not read back')],
]);

vi.mock(import('../../../services/validator/validate.ts'), async (original) => {
  const { createValidate } = await original();
  return {
    createValidate: (monitor) => {
      const validate = createValidate(monitor);
      return (event, recordTimestampMs) => {
        const poison = POISON.get(event.cells[0] as number);
        if (poison !== undefined) throw poison;
        return validate(event, recordTimestampMs);
      };
    },
  };
});

const monitor = stationMonitor();
const { topics } = monitor;
const clock = createVirtualClock();
let running: Component | null = null;

afterEach(async () => {
  const stopped = running?.stop(1_000);
  await clock.advance(2_000);
  await stopped;
});

async function validate(levels: readonly number[]) {
  const bus = createMemoryBus({ clock });
  await bus.ensureTopics([
    { topic: topics.events, partitionCount: 1 },
    ...derivedTopicSpecs(topics, 1),
  ]);
  const telemetry = createMemoryTelemetry();
  running = createValidator(
    { ...memoryPorts(), bus, clock, telemetry },
    { monitor, run: 'live', eventSchema: EVENT_SCHEMA, writerSchemas: [], reference: null },
  );
  await running.start();
  await bus.produce(
    levels.map((level, index) => ({
      ...{ topic: topics.events, partition: 0, key: null, headers: {}, timestampMs: null },
      value: Buffer.from(JSON.stringify({ id: `e${index}`, at: index, level, station: 'Brest' })),
    })),
  );
  await clock.advance(1_000);
  const committed = await bus.committed('tidegauge.stations.live.validator', {
    topic: topics.events,
    partition: 0,
  });
  return {
    telemetry,
    committed: committed?.offset ?? null,
    health: running.health(),
    valid: await readAll(bus, topics.valid),
    quarantine: await readAll(bus, topics.quarantine),
  };
}

it('a record that nobody foresaw goes to quarantine, and the others of its batch are valid', async () => {
  const { valid, quarantine, committed, health } = await validate([1, 13, 2, 14, 3]);
  expect(health).toEqual({ status: 'ready', reason: '' });
  expect(valid.map(({ headers }) => headerText(headers, HEADER.origin))).toEqual(
    [0, 2, 4].map((offset) => `${topics.events}:0:${offset}`),
  );
  expect(
    quarantine.map(({ headers }) =>
      [HEADER.errorClass, HEADER.errorRule, HEADER.errorMessage, HEADER.errorOrigin].map((name) =>
        headerText(headers, name),
      ),
    ),
  ).toEqual([
    ['internal', 'internal.failure', 'RangeError: Invalid array length', `${topics.events}:0:1`],
    [
      'internal',
      'internal.failure',
      "TypeError: Cannot read properties of undefined (reading 'x')",
      `${topics.events}:0:3`,
    ],
  ]);
  expect(JSON.parse(String(quarantine[0]!.value))).toMatchObject({ id: 'e1', level: 13 });
  expect(committed).toBe(5);
});

it('is counted, and said once per batch', async () => {
  const { telemetry } = await validate([1, 13, 13, 13, 2]);
  const labels = { code: 'internal.failure' };
  expect(telemetry.count('tidegauge.validator.refusals', labels)).toBe(3);
  const said = telemetry.logs.filter(({ level }) => level === 'error');
  expect(said).toHaveLength(1);
  expect(said[0]).toMatchObject({
    message: 'events failed in a way nobody foresaw and went to quarantine',
    fields: { count: 3, error: 'RangeError: Invalid array length' },
  });
});

it('an error thrown on purpose still stops the service, and nothing of the batch is committed', async () => {
  const { health, valid, committed } = await validate([1, 99, 2]);
  expect(health).toEqual({ status: 'failed', reason: 'what is ours does not read back' });
  expect(valid).toEqual([]);
  expect(committed).toBeNull();
});
