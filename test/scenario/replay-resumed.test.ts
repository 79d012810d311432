/** A run on a bus and a store that outlive the process: stopped anywhere and started again. */
import { expect, it } from 'vitest';
import { LIVE_RUN } from '../../services/core/message/topics.ts';
import { executeRun } from '../../services/embedded/execute-run.ts';
import type { ServicePorts } from '../../services/platform/lifecycle/service-scope.ts';
import type { RunSummary } from '../../services/replay/run-observer.ts';
import { countedSource } from '../../services/replay/source.ts';
import {
  EVENT_SCHEMA,
  jsonRecord,
  memoryPorts,
  referenceOf,
  type StationEvent,
  stationMonitor,
} from '../support/embedded-run.ts';

const EVENT_COUNT = 2_400;
const monitor = stationMonitor({ slices: ['station'] });
const events = Array.from(
  { length: EVENT_COUNT },
  (_, index): StationEvent => ({
    id: String(index),
    at: index * 50,
    level: ((index * 37) % 100) + (index > 1_200 && index < 1_800 ? 60 : 0),
    station: index % 3 === 0 ? 'Brest' : 'Newlyn',
  }),
);
const scope = {
  ...{ monitor, run: 'resumed', eventSchema: EVENT_SCHEMA, writerSchemas: [] },
  reference: referenceOf(monitor, events.slice(0, 600)),
};

/** Slow enough to be stopped in the middle: a stop takes as long as a poll. */
const pace = { kind: 'rate', recordsPerSecond: 1_500 } as const;

/** One attempt, aborted when so many records are published; `null` where it was. */
async function attempt(ports: ServicePorts, abortAfter: number): Promise<RunSummary | null> {
  const abort = new AbortController();
  const source = countedSource({
    partitionCount: 2,
    async *records() {
      yield* events.map((event, index) => jsonRecord(event, index % 2));
      yield jsonRecord({ id: 'broken' });
    },
  });
  const onProgress = (published: number) => {
    if (published >= abortAfter) abort.abort(new Error('stopped here'));
  };
  try {
    return await executeRun(ports, scope, { source, pace, signal: abort.signal, onProgress });
  } catch (error) {
    expect((error as Error).message).toBe('stopped here');
    return null;
  }
}

it('goes on where it stopped and ends with the same summary, asked once or again', async () => {
  const whole = await attempt(memoryPorts(), Number.POSITIVE_INFINITY);
  expect(whole).toMatchObject({ published: 2_401, valid: 2_400, quarantined: 1 });
  expect(whole!.alerts.length).toBeGreaterThan(0);

  const ports = memoryPorts();
  for (const abortAfter of [1, 700, 1_400, 2_000]) {
    expect(await attempt(ports, abortAfter)).toBeNull();
  }
  expect(await attempt(ports, Number.POSITIVE_INFINITY)).toEqual(whole);
  expect(await attempt(ports, Number.POSITIVE_INFINITY)).toEqual(whole);
});

it('is not the live run', async () => {
  const source = countedSource({ partitionCount: 1, async *records() {} });
  const { signal } = new AbortController();
  await expect(
    executeRun(
      memoryPorts(),
      { ...scope, run: LIVE_RUN },
      { source, signal, onProgress: () => undefined },
    ),
  ).rejects.toThrow(/run of its own/);
});
