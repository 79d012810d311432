/**
 * The real services on the memory adapters, among faults: calls get lost, processes die, are taken
 * for dead, and come and go, and a supervisor starts new ones. All in virtual time, from one seed.
 */
import { isTransient } from '../../services/core/errors.ts';
import { SESSION_TIMEOUT_MS } from '../../services/core/limits.ts';
import { endOfRunHeaders } from '../../services/core/message/control.ts';
import { derivedTopicSpecs, LIVE_RUN, runTopics } from '../../services/core/message/topics.ts';
import type { Topics } from '../../services/core/monitor/monitor.ts';
import { SERVICES, type ServiceName } from '../../services/embedded/pipeline.ts';
import type { Bus, BusRecord, OutgoingRecord } from '../../services/platform/bus/bus.ts';
import { createMemoryBus } from '../../services/platform/bus/memory-bus.ts';
import { createVirtualClock } from '../../services/platform/clock/virtual-clock.ts';
import type { Component } from '../../services/platform/lifecycle/component.ts';
import type { ServiceScope } from '../../services/platform/lifecycle/service-scope.ts';
import { createMemoryStateStore } from '../../services/platform/store/memory-state-store.ts';
import { createMemoryTelemetry } from '../../services/platform/telemetry/memory-telemetry.ts';
import type { ReplayRecord } from '../../services/replay/replay.ts';
import { createFakeModel, createFakeModelRuntime } from './fake-model.ts';
import { createFaultyBus, type FaultyBus } from './faulty-bus.ts';
import {
  createDraw,
  createFaultyProcess,
  type FaultRates,
  type FaultyProcess,
} from './faulty-process.ts';
import { createFaultyStore } from './faulty-store.ts';

/**
 * `kill`: the process stops at whatever it waits for; the group takes its partitions away
 * `lastingMs` later. `ghost`: its partitions are taken away and it learns of it `lastingMs` later.
 * `join`: a second instance works beside it for `lastingMs`, then stops in good order.
 */
export interface Disruption {
  readonly kind: 'kill' | 'ghost' | 'join';
  readonly service: ServiceName;
  readonly atMs: number;
  readonly lastingMs: number;
}

export interface FaultyRunOptions {
  readonly scope: ServiceScope;
  readonly seed: number;
  readonly rates: FaultRates;
  readonly disruptions: readonly Disruption[];
  readonly records: readonly ReplayRecord[];
  readonly partitionCount: number;
}

export interface FaultyRunResult {
  readonly logs: RunLogs;
  /** Entries of all shards when everything is over, without the outbox. */
  readonly entriesLeft: readonly string[];
}

/** Everything on every derived topic, by topic and partition, repeats included. */
export type RunLogs = Readonly<Record<keyof Omit<Topics, 'events'>, readonly BusRecord[][]>>;

const STEP_MS = 25;
const RECORDS_PER_STEP = 8;
const RESTART_MS = 50;
/** Longer than a fenced owner keeps hoping, and than any pause between retries. */
const QUIET_MS = 2 * SESSION_TIMEOUT_MS;
/** Longer than all retries of all faults together. */
const STALLED_AFTER_MS = 600_000;

interface Instance {
  readonly component: Component;
  readonly faults: FaultyProcess;
  readonly bus: FaultyBus;
  /** The supervisor no longer cares for it. */
  given: boolean;
}

export async function runAmongFaults(options: FaultyRunOptions): Promise<FaultyRunResult> {
  const { scope, partitionCount } = options;
  const clock = createVirtualClock(1_000_000);
  const bus = createMemoryBus({ clock });
  const store = createMemoryStateStore();
  const telemetry = createMemoryTelemetry({ tracing: false });
  const draw = createDraw(options.seed);
  const topics = runTopics(scope.monitor, scope.run);
  const instances = new Map<ServiceName, Instance[]>();
  let fatal: unknown = null;
  let healed = false;
  let pending = options.disruptions.length;

  function launch(service: ServiceName): Instance {
    const rates = options.rates;
    const processDraw = createDraw(draw(0, 0x7fffffff));
    const faults = createFaultyProcess({ clock, draw: processDraw, rates });
    if (healed) faults.heal();
    const faultyBus = createFaultyBus(bus, clock, faults);
    const ports = {
      clock,
      telemetry,
      bus: faultyBus,
      store: createFaultyStore(store, faults),
      modelRuntime: createFakeModelRuntime(
        createFakeModel({ rowsPerRunMax: 10, wait: () => faults.latency() }),
      ),
      schemaSource: null,
    };
    const component = SERVICES[service](ports, scope);
    const instance: Instance = { component, faults, bus: faultyBus, given: false };
    instances.set(service, [...(instances.get(service) ?? []), instance]);
    component.finished.catch((error: unknown) => restart(service, instance, error));
    component.start().catch(() => undefined);
    return instance;
  }

  /**
   * A service that died of a dependency that stayed away, or because a claim of a dead one arrived
   * late, is started again; anything else is a bug.
   */
  function restart(service: ServiceName, instance: Instance, error: unknown): void {
    if (instance.faults.dead) return;
    if (!isTransient(error) && !/was claimed elsewhere/.test(String(error))) fatal ??= error;
    if (!instance.given) void clock.sleep(RESTART_MS).then(() => launch(service));
    instance.given = true;
  }

  async function disrupt({ kind, service, atMs, lastingMs }: Disruption): Promise<void> {
    await clock.sleep(atMs);
    const victim = instances.get(service)!.find((instance) => !instance.given);
    if (kind === 'join' || victim === undefined) {
      const guest = launch(service);
      guest.given = true;
      await clock.sleep(lastingMs);
      await guest.component.stop(10_000);
    } else if (kind === 'kill') {
      victim.given = true;
      victim.faults.kill();
      await clock.sleep(lastingMs);
      await victim.bus.evict();
      launch(service);
    } else {
      victim.given = true;
      await victim.bus.evict();
      launch(service);
      await clock.sleep(lastingMs);
      victim.bus.notice();
      await clock.sleep(lastingMs);
      victim.faults.kill();
    }
    pending -= 1;
  }

  async function untilTrue(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
    const startMs = clock.nowMs();
    while (!(await holds())) {
      if (fatal !== null) throw fatal;
      if (clock.nowMs() - startMs > STALLED_AFTER_MS) throw new Error(await stallReport(what));
      await clock.advance(STEP_MS);
    }
  }

  async function stallReport(what: string): Promise<string> {
    const logs = await readLogs(bus, topics, partitionCount);
    const lengths = Object.entries(logs).map(
      ([name, partitions]) => `${name} ${partitions.map((log) => log.length).join('+')}`,
    );
    const health = [...instances].map(([service, list]) => {
      const states = list
        .filter(({ faults }) => !faults.dead)
        .map(({ component }) => Object.values(component.health()).join(' '));
      return `${service}: ${states.join(', ')}`;
    });
    const said = telemetry.logs
      .filter(({ level }) => level !== 'info')
      .map(({ service, message, fields }) => `${service}: ${message} ${JSON.stringify(fields)}`);
    return `stalled waiting for ${what}; ${[...lengths, ...health, ...said.slice(-20)].join('\n')}`;
  }

  await bus.ensureTopics([
    { topic: topics.events, partitionCount },
    ...derivedTopicSpecs(topics, partitionCount),
  ]);
  for (const service of Object.keys(SERVICES) as ServiceName[]) launch(service);
  for (const disruption of options.disruptions) void disrupt(disruption);
  for (let from = 0; from < options.records.length; from += RECORDS_PER_STEP) {
    const part = options.records.slice(from, from + RECORDS_PER_STEP);
    await bus.produce(part.map((record) => ({ ...record, topic: topics.events })));
    await clock.advance(STEP_MS);
  }
  if (scope.run !== LIVE_RUN) await bus.produce(endOfRun(scope.run, topics.events, partitionCount));

  await untilTrue('the disruptions to pass', () => pending === 0);
  healed = true;
  for (const { faults } of [...instances.values()].flat()) faults.heal();
  let before = -1;
  await untilTrue('quiet', async () => {
    const logs = await readLogs(bus, topics, partitionCount);
    const length = Object.values(logs).flat(2).length;
    if (length === before) return true;
    before = length;
    for (let passedMs = 0; passedMs < QUIET_MS; passedMs += 1_000) await clock.advance(1_000);
    return false;
  });
  const living = [...instances.values()]
    .flat()
    .filter(({ faults, given }) => !faults.dead && !given);
  let stopping = living.length;
  for (const { component } of living) void component.stop(10_000).then(() => (stopping -= 1));
  await untilTrue('the services to stop', () => stopping === 0);
  const unstopped = living.map(({ component }) => component.health());
  if (unstopped.some(({ status }) => status !== 'stopped')) {
    throw new Error(`not every service stopped: ${JSON.stringify(unstopped)}`);
  }
  const entriesLeft: string[] = [];
  for (const [topic, service] of shardTopics(topics)) {
    for (let partition = 0; partition < ((await bus.partitionCount(topic)) ?? 0); partition += 1) {
      const shard = { run: scope.run, monitor: scope.monitor.name, service, topic, partition };
      const { entries } = await store.claim(shard);
      const keys = [...entries.keys()].filter((key) => !key.startsWith('out:'));
      entriesLeft.push(...keys.map((key) => `${service} ${key}`));
    }
  }
  return { logs: await readLogs(bus, topics, partitionCount), entriesLeft: entriesLeft.sort() };
}

function shardTopics(topics: Topics): readonly (readonly [string, ServiceName])[] {
  return [
    [topics.valid, 'drift-aggregator'],
    [topics.predictions, 'drift-aggregator'],
    [topics.panes, 'evaluator'],
    [topics.reports, 'alerting'],
  ];
}

function endOfRun(run: string, topic: string, partitionCount: number): OutgoingRecord[] {
  return Array.from({ length: partitionCount }, (_, partition) => ({
    topic,
    partition,
    key: null,
    value: null,
    headers: endOfRunHeaders(run),
    timestampMs: null,
  }));
}

async function readLogs(bus: Bus, topics: Topics, partitionCount: number): Promise<RunLogs> {
  const logs: Record<string, BusRecord[][]> = {};
  for (const [name, topic] of Object.entries(topics)) {
    if (name === 'events') continue;
    const count = (await bus.partitionCount(topic)) ?? partitionCount;
    logs[name] = [];
    for (let partition = 0; partition < count; partition += 1) {
      const { next } = await bus.offsets({ topic, partition });
      const log: BusRecord[] = [];
      for await (const record of bus.read({ topic, partition }, 0, next)) log.push(record);
      logs[name].push(log);
    }
  }
  return logs as unknown as RunLogs;
}
