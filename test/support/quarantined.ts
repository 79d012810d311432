/** Events and their refusals on the memory adapters, and a redrive over them in virtual time. */
import type { ErrorCode } from '../../services/core/errors.ts';
import { HEADER, headerText } from '../../services/core/message/header.ts';
import { type QuarantineStage, quarantine } from '../../services/core/message/quarantine.ts';
import type { BusRecord, Headers, OutgoingRecord } from '../../services/core/message/record.ts';
import { derivedTopicSpecs, LIVE_RUN } from '../../services/core/message/topics.ts';
import type { Bus } from '../../services/platform/bus/bus.ts';
import { createMemoryBus } from '../../services/platform/bus/memory-bus.ts';
import type { Clock } from '../../services/platform/clock/clock.ts';
import {
  createVirtualClock,
  type VirtualClock,
} from '../../services/platform/clock/virtual-clock.ts';
import type { ServiceScope } from '../../services/platform/lifecycle/service-scope.ts';
import { createMemoryStateStore } from '../../services/platform/store/memory-state-store.ts';
import type { StateStore } from '../../services/platform/store/state-store.ts';
import { createMemoryTelemetry } from '../../services/platform/telemetry/memory-telemetry.ts';
import type { RedriveOptions } from '../../services/redrive/redrive.ts';
import { EVENT_SCHEMA, stationMonitor } from './embedded-run.ts';
import { readAll } from './read-all.ts';

export const MONITOR = stationMonitor({ futureSkewMs: 60_000 });
export const TOPICS = MONITOR.topics;
export const SCOPE: ServiceScope = {
  monitor: MONITOR,
  run: LIVE_RUN,
  eventSchema: EVENT_SCHEMA,
  writerSchemas: [],
  reference: null,
};

export interface World {
  readonly clock: VirtualClock;
  readonly bus: Bus;
  readonly store: StateStore;
  readonly telemetry: ReturnType<typeof createMemoryTelemetry>;
}

export async function createWorld(
  partitionCount = 1,
  clock = createVirtualClock(1_000_000),
): Promise<World> {
  const bus = createMemoryBus({ clock });
  await bus.ensureTopics([
    { topic: TOPICS.events, partitionCount },
    ...derivedTopicSpecs(TOPICS, partitionCount),
  ]);
  const telemetry = createMemoryTelemetry({ tracing: false });
  return { clock, bus, store: createMemoryStateStore(), telemetry };
}

export interface RefusedEvent {
  readonly id: string;
  readonly partition?: number;
  readonly rule?: ErrorCode;
  readonly stage?: QuarantineStage;
  readonly headers?: Headers;
  readonly value?: Uint8Array | null;
}

/** Puts events on the event topic and what refused them into quarantine, in order. */
export async function refuse(
  world: Pick<World, 'bus'> & { readonly clock: Clock },
  refused: readonly RefusedEvent[],
  topics = TOPICS,
): Promise<void> {
  for (const event of refused) {
    const partition = event.partition ?? 0;
    const value = event.value === undefined ? jsonValue(event.id) : event.value;
    const at = { topic: topics.events, partition };
    const sent = { ...at, key: Buffer.from(event.id), value, headers: event.headers ?? {} };
    const { next } = await world.bus.offsets(at);
    await world.bus.produce([{ ...sent, timestampMs: null }]);
    const record = { ...sent, offset: next, timestampMs: world.clock.nowMs() };
    await refuseAgain(world, record, event, topics);
  }
}

export async function refuseAgain(
  { bus }: Pick<World, 'bus'>,
  record: BusRecord,
  { rule = 'invariant.range', stage = 'validator' }: Pick<RefusedEvent, 'rule' | 'stage'> = {},
  { quarantine: topic } = TOPICS,
): Promise<void> {
  const rejection = { code: rule, message: 'column level is 900, expected at most 500' };
  await bus.produce([quarantine(record, { stage, topic, rejection, origin: record })]);
}

export function jsonValue(id: string): Uint8Array {
  return Buffer.from(JSON.stringify({ id, at: 999_000, level: 900, station: 'Brest' }));
}

export function redriveOptions(changes: Partial<RedriveOptions> = {}): RedriveOptions {
  return {
    criteria: { classes: null, rules: null, stage: null, attemptsMax: 3 },
    since: 'earliest',
    until: 'next',
    ratePerSecond: 1_000,
    tryEvents: null,
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...changes,
  };
}

export function isRedriven({ headers }: Pick<OutgoingRecord, 'headers'>): boolean {
  return headerText(headers, HEADER.redrive) !== null;
}

/** Ids of the events that were sent back, in order. */
export async function redrivenIds(bus: Bus, partition = 0): Promise<string[]> {
  const records = await readAll(bus, TOPICS.events, partition);
  return records.filter(isRedriven).map(({ key }) => String(Buffer.from(key!)));
}

/** Lets virtual time pass until the work is done. */
export async function inVirtualTime<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = work.finally(() => {
    isSettled = true;
  });
  settled.catch(() => undefined);
  while (!isSettled) await clock.advance(50);
  return settled;
}
