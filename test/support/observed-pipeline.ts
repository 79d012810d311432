/**
 * The credit-default example through every service, each on ports of its own that write down what it
 * reads, what it writes and what it keeps: what the READMEs say of a service is held against this.
 *
 * The stream has all that makes a service do something: bad records, a late event, slices, a drift,
 * and a record on the topic of valid events that no validator of ours wrote.
 */
import { generateEvents } from '../../deploy/examples/credit-default/generate.mjs';
import { derivedTopicSpecs, LIVE_RUN, runTopics } from '../../services/core/message/topics.ts';
import type { Topics } from '../../services/core/monitor/monitor.ts';
import { tumblingPlan } from '../../services/core/window/window-plan.ts';
import { SERVICES } from '../../services/embedded/pipeline.ts';
import type { Bus } from '../../services/platform/bus/bus.ts';
import { loadBundle } from '../../services/platform/config/load-bundle.ts';
import type {
  ServicePorts,
  ServiceScope,
} from '../../services/platform/lifecycle/service-scope.ts';
import { startAll, stopAll } from '../../services/platform/lifecycle/supervise.ts';
import { redrive } from '../../services/redrive/redrive.ts';
import { FULL_PACE } from '../../services/replay/pace.ts';
import { createReplay } from '../../services/replay/replay.ts';
import { RunObserver, type RunSummary } from '../../services/replay/run-observer.ts';
import { countedSource, type ReplaySource } from '../../services/replay/source.ts';
import { jsonRecord, memoryPorts } from './embedded-run.ts';
import { redriveOptions, refuse } from './quarantined.ts';
import { ROOT } from './source-tree.ts';

export type TopicName = keyof Topics;

export interface ObservedService {
  readonly consumes: ReadonlySet<TopicName>;
  readonly produces: ReadonlySet<TopicName>;
  /** Keys of its state up to the first colon; empty where it keeps none. */
  readonly keeps: ReadonlySet<string>;
}

export interface ObservedPipeline {
  /** By name, `replay` and `redrive` among them. */
  readonly services: ReadonlyMap<string, ObservedService>;
  readonly summary: RunSummary;
}

export const EXAMPLE = `${ROOT}deploy/examples/credit-default`;
const PARTITION_COUNT = 2;
const EVENT_COUNT = 1_600;
const EVENTS_PER_SECOND = 4;
const START_MS = Date.parse('2026-03-02T00:00:00Z');

export async function observePipeline(): Promise<ObservedPipeline> {
  const scope = await exampleScope();
  const topics = runTopics(scope.monitor, scope.run);
  const names = new Map(
    [topics, scope.monitor.topics].flatMap((each) =>
      Object.entries(each).map(([name, topic]) => [topic, name as TopicName]),
    ),
  );
  const ports = memoryPorts();
  const { bus } = ports;
  await bus.ensureTopics([{ topic: topics.events, partitionCount: PARTITION_COUNT }]);
  await bus.ensureTopics(derivedTopicSpecs(topics, PARTITION_COUNT));
  const foreign = { ...jsonRecord({}), topic: topics.valid, value: Buffer.from('foreign') };
  await bus.produce([foreign]);

  const services = new Map<string, ObservedService>();
  const observed = (name: string): ServicePorts => {
    const service = { consumes: new Set<TopicName>(), produces: new Set<TopicName>() };
    const keeps = new Set<string>();
    services.set(name, { ...service, keeps });
    return {
      ...ports,
      bus: {
        ...bus,
        subscribe(options) {
          for (const topic of options.topics) service.consumes.add(names.get(topic)!);
          return bus.subscribe(options);
        },
        read(at, from, to) {
          service.consumes.add(names.get(at.topic)!);
          return bus.read(at, from, to);
        },
        produce(records) {
          for (const { topic } of records) service.produces.add(names.get(topic)!);
          return bus.produce(records);
        },
      },
      store: {
        ...ports.store,
        commit(shard, commit) {
          for (const key of commit.puts.keys()) keeps.add(key.split(':', 1)[0]!);
          return ports.store.commit(shard, commit);
        },
      },
    };
  };
  const components = [
    ...Object.entries(SERVICES).map(([name, create]) => create(observed(name), scope)),
    createReplay(observed('replay'), scope, {
      source: source(),
      pace: FULL_PACE,
      onProgress: () => undefined,
    }),
  ];
  try {
    await observeRedrive(bus, observed('redrive'), { ...scope, run: LIVE_RUN });
    await startAll(components);
    const summary = new RunObserver(ports, scope).observe(AbortSignal.timeout(25_000));
    const deaths = components.map((component) => component.finished.then(() => summary));
    return { services, summary: await Promise.race([summary, ...deaths]) };
  } finally {
    await stopAll(components, 5_000);
    await bus.close();
  }
}

/** One event refused on the live stream, and its way back: a replay run has nothing to redrive. */
async function observeRedrive(bus: Bus, ports: ServicePorts, scope: ServiceScope): Promise<void> {
  const { topics } = scope.monitor;
  await bus.ensureTopics([
    { topic: topics.events, partitionCount: 1 },
    ...derivedTopicSpecs(topics, 1),
  ]);
  await refuse({ bus, clock: ports.clock }, [{ id: 'refused' }, { id: 'too' }], topics);
  await redrive({ ...ports, sender: ports.bus }, scope, redriveOptions());
}

async function exampleScope(): Promise<ServiceScope> {
  const loaded = await loadBundle(EXAMPLE);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  const { monitor, eventSchema, writerSchemas, reference } = loaded.bundle;
  const quick = {
    ...{ windows: [tumblingPlan(60_000)], allowedLatenessMs: 0, reviseMs: 3_600_000, countMin: 50 },
    baselines: [{ kind: 'reference' }, { kind: 'trailing', windows: 1 }],
  } as const;
  const run = 'observed';
  return { monitor: { ...monitor, ...quick }, run, eventSchema, writerSchemas, reference };
}

function source(): ReplaySource {
  return countedSource({
    partitionCount: PARTITION_COUNT,
    async *records() {
      let index = 0;
      let first: object | null = null;
      for (const record of generateEvents({
        seed: 1,
        count: EVENT_COUNT,
        startMs: START_MS,
        eventsPerSecond: EVENTS_PER_SECOND,
        badShare: 0.02,
        driftStartMs: START_MS + 180_000,
      })) {
        const partition = index % PARTITION_COUNT;
        index += 1;
        if (record.kind === 'good') {
          first ??= record.event;
          yield { ...jsonRecord(record.event, partition), timestampMs: record.timestampMs };
        } else {
          const bytes = (record as { readonly bytes: Uint8Array }).bytes;
          yield { ...jsonRecord({}, partition), value: bytes, timestampMs: record.timestampMs };
        }
        // Late, with a good part of the stream to come before the revision of its window is due.
        if (index === EVENT_COUNT / 2)
          yield { ...jsonRecord(first ?? {}, 0), timestampMs: START_MS };
      }
      if (first !== null) {
        const timestampMs = START_MS + (EVENT_COUNT / EVENTS_PER_SECOND) * 1_000;
        yield { ...jsonRecord(first, 0), timestampMs };
      }
    },
  });
}
