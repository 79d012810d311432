/**
 * One run of the real services on the memory adapters, in virtual time: events come, faults happen,
 * the faults are over, everything becomes quiet, the services stop in good order.
 */
import { SESSION_TIMEOUT_MS } from '../../services/core/limits.ts';
import { endOfRunHeaders } from '../../services/core/message/control.ts';
import { derivedTopicSpecs, LIVE_RUN, runTopics } from '../../services/core/message/topics.ts';
import type { Topics } from '../../services/core/monitor/monitor.ts';
import type { ServiceName } from '../../services/embedded/pipeline.ts';
import type { OutgoingRecord } from '../../services/platform/bus/bus.ts';
import { createMemoryBus } from '../../services/platform/bus/memory-bus.ts';
import { createDraw } from '../support/draw.ts';
import { Disruptor } from './disrupt.ts';
import { Fleet, SERVICE_NAMES } from './fleet.ts';
import { Journal } from './journal.ts';
import { countRecords, type RunLogs, readLogs } from './logs.ts';
import { createLosableStore } from './losable-store.ts';
import { issueEvents, scopeOf } from './oracle.ts';
import type { Plan } from './plan.ts';
import { createSimClock } from './sim-clock.ts';

export interface Outcome {
  readonly logs: RunLogs;
  /** Entries of all shards when everything is over, without the outbox. */
  readonly entriesLeft: readonly string[];
  /** How often each fault happened. */
  readonly faults: ReadonlyMap<string, number>;
  readonly journal: readonly string[];
}

/** The run did not come to its end. */
export class SimulationFailure extends Error {
  readonly journal: readonly string[];

  constructor(message: string, journal: readonly string[]) {
    super(message);
    this.journal = journal;
  }
}

const START_MS = 1_000_000;
const STEP_MS = 25;
const LOOK_MS = 1_000;
/** Faults that wait for a call that is not made are given up so long after the last event. */
const ARMED_MS = 2_000;
/** Longer than a fenced owner keeps hoping, and than any pause between retries. */
const QUIET_MS = 2 * SESSION_TIMEOUT_MS;
/** Where nothing is retried: longer than the pause between two commits. */
const CALM_QUIET_MS = 5_000;
/** Longer than all retries of all faults together. */
const STALLED_AFTER_MS = 1_800_000;

export async function simulate(plan: Plan): Promise<Outcome> {
  const scope = scopeOf(plan);
  const { monitor, run } = scope;
  const topics = runTopics(monitor, run);
  const clock = createSimClock(START_MS);
  const bus = createMemoryBus({ clock });
  const store = createLosableStore(run);
  const journal = new Journal(clock);
  const draw = createDraw(plan.seed);
  const faults = new Map<string, number>();
  const count = (fault: string) => faults.set(fault, (faults.get(fault) ?? 0) + 1);

  const fleet = new Fleet({
    ...{ clock, bus, store, journal, scope, draw, rates: plan.rates, onFault: count },
    onCall: (instance, side) => disruptor.onCall(instance, side),
  });
  const disruptor = new Disruptor(
    {
      ...{ clock, bus, store, fleet, journal, draw, run, monitor: monitor.name },
      inputsOf: inputsOf(topics),
      onDisruption: count,
    },
    plan.disruptions,
  );

  async function publish(): Promise<void> {
    let partitionCount = plan.partitionCount;
    const records = issueEvents(plan);
    for (let from = 0; from < records.length; from += plan.recordsPerStep) {
      const part = records.slice(from, from + plan.recordsPerStep);
      while (part.some(({ partition }) => partition >= partitionCount)) {
        partitionCount += 1;
        await bus.ensureTopics([{ topic: topics.events, partitionCount }]);
      }
      await bus.produce(part.map((record) => ({ ...record, topic: topics.events })));
      await clock.advance(STEP_MS);
    }
    if (run !== LIVE_RUN) await bus.produce(endOfRun(run, topics.events, partitionCount));
  }

  async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const startMs = clock.nowMs();
    while (!(await holds())) {
      if (fleet.bug !== null) throw failure(`a service died: ${String(fleet.bug)}`);
      if (clock.nowMs() - startMs > STALLED_AFTER_MS) {
        throw failure(`stalled, waiting for ${what}`);
      }
      await clock.advance(LOOK_MS);
    }
  }

  async function untilQuiet(): Promise<void> {
    let seen = 0;
    let sinceMs = clock.nowMs();
    await until('quiet', async () => {
      const now = await countRecords(bus, topics);
      if (now !== seen) sinceMs = clock.nowMs();
      seen = now;
      return clock.nowMs() - sinceMs >= (plan.isCalm ? CALM_QUIET_MS : QUIET_MS);
    });
  }

  function failure(what: string): SimulationFailure {
    return new SimulationFailure(`${what}: ${healthOf(fleet)}`, journal.lines);
  }

  function launchAll(): void {
    for (const service of SERVICE_NAMES) fleet.launch(service, { supervised: true });
  }

  async function stopAll(): Promise<void> {
    const working = fleet.working;
    if (working.length < SERVICE_NAMES.length) throw failure('not every service works in the end');
    let stopping = working.length;
    for (const instance of working) void fleet.stop(instance).then(() => (stopping -= 1));
    await until('the services to stop', () => stopping === 0);
    const unstopped = working.filter(({ component }) => component.health().status !== 'stopped');
    if (unstopped.length > 0) throw failure('not every service stopped');
    fleet.dismiss();
  }

  async function entriesLeft(): Promise<readonly string[]> {
    const left: string[] = [];
    for (const service of STATEFUL) {
      for (const topic of inputsOf(topics)[service]) {
        const partitionCount = (await bus.partitionCount(topic)) ?? 0;
        for (let partition = 0; partition < partitionCount; partition += 1) {
          const { entries } = await store.claim({
            ...{ run, monitor: monitor.name, service, topic, partition },
          });
          const keys = [...entries.keys()].filter((key) => !key.startsWith('out:'));
          left.push(...keys.map((key) => `${service} ${topic}:${partition} ${key}`));
        }
      }
    }
    return left.sort();
  }

  const { partitionCount } = plan;
  await bus.ensureTopics([
    { topic: topics.events, partitionCount },
    ...derivedTopicSpecs(topics, partitionCount),
  ]);
  launchAll();
  await publish();
  await clock.advance(ARMED_MS);
  disruptor.disarm();
  await until('the faults to pass', () => disruptor.isOver);
  fleet.heal();
  await untilQuiet();
  await stopAll();
  if (!plan.isCalm) {
    // What the store lost when nobody had anything left to commit is noticed by the next to start.
    launchAll();
    await untilQuiet();
    await stopAll();
  }
  return {
    logs: await readLogs(bus, topics),
    entriesLeft: await entriesLeft(),
    faults,
    journal: journal.lines,
  };
}

const STATEFUL = ['drift-aggregator', 'evaluator', 'alerting'] as const;

function inputsOf(topics: Topics): Readonly<Record<ServiceName, readonly string[]>> {
  return {
    validator: [topics.events],
    'inference-worker': [topics.valid],
    'drift-aggregator': [topics.valid, topics.predictions],
    evaluator: [topics.panes],
    alerting: [topics.reports],
  };
}

function healthOf(fleet: Fleet): string {
  return fleet.working
    .map(({ service, component }) => [service, ...Object.values(component.health())].join(' '))
    .join('; ');
}

function endOfRun(run: string, topic: string, partitionCount: number): OutgoingRecord[] {
  return Array.from({ length: partitionCount }, (_, partition) => ({
    ...{ topic, partition, key: null, value: null, timestampMs: null },
    headers: endOfRunHeaders(run),
  }));
}
