/**
 * The real things that a run of chaos or a soak takes place in: Kafka, Redis, a bundle of its own,
 * the services as processes, and the oracle. `close` ends every process it started.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Topics } from '../../services/core/monitor/monitor.ts';
import type { Bus } from '../../services/platform/bus/bus.ts';
import { createKafkaBus } from '../../services/platform/bus/kafka-bus.ts';
import { createSystemClock } from '../../services/platform/clock/system-clock.ts';
import { type Bundle, loadBundle } from '../../services/platform/config/load-bundle.ts';
import { createMemoryTelemetry } from '../../services/platform/telemetry/memory-telemetry.ts';
import { type OwnBundle, ownCreditBundle } from '../support/credit-stream.ts';
import { type KafkaCluster, startKafkaCluster } from '../support/kafka-cluster.ts';
import { ROOT } from '../support/source-tree.ts';
import { createEventStream } from './event-stream.ts';
import { Fleet, SERVICES } from './fleet.ts';
import { createOracle, type Oracle } from './oracle.ts';
import { type DurableRedis, startDurableRedis } from './redis.ts';

/** The built command. */
export const MAIN = join(ROOT, 'dist/cli/main.js');
export const PARTITION_COUNT = 3;
/** The least that a broker lets a member ask for by default. */
export const SESSION_TIMEOUT_MS = 6_000;

export interface World {
  readonly kafka: KafkaCluster;
  readonly redis: DurableRedis;
  readonly bundle: Bundle;
  readonly bundleFolder: string;
  readonly topics: Topics;
  readonly fleet: Fleet;
  readonly oracle: Oracle;
  /** For looking and for reading what came out; nothing is produced with it. */
  readonly bus: Bus;
  readonly environment: Readonly<Record<string, string>>;
  /** Logs of the services, one per process. */
  readonly logFolder: string;
  close(options: { readonly keepLogs: boolean }): Promise<void>;
}

export interface WorldOptions {
  readonly seed: number;
  readonly brokers: 1 | 3;
  /** Of each service. */
  readonly instances: number;
  /** How many events there are to be at most; default: no end. */
  readonly eventsMax?: number;
  /** A module of this folder that is preloaded into every service, and further options of Node. */
  readonly preload: string;
  readonly nodeOptions?: readonly string[];
}

/** Resolves when every service is ready; nothing is issued yet. */
export async function createWorld(options: WorldOptions): Promise<World> {
  // So that whoever started a process hears of the end and ends it.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => process.exit(130));
  const closers: (() => Promise<unknown>)[] = [];
  const closeAll = async () => {
    for (const close of closers.reverse()) await close();
  };
  try {
    const logFolder = await mkdtemp(join(tmpdir(), 'tidegauge-chaos-logs-'));
    const kafka = await startKafkaCluster({ brokers: options.brokers });
    closers.push(() => kafka.stop());
    const redis = await startDurableRedis();
    closers.push(() => redis.stop());
    const own = await ownCreditBundle();
    closers.push(() => own.remove());
    const bundle = await widenBundle(own);
    const { topics } = bundle.monitor;
    const bus = openBus(kafka.brokers);
    closers.push(() => bus.close());
    await bus.ensureTopics([
      // The events' own timestamps are old: retention by time would take them.
      {
        topic: topics.events,
        partitionCount: PARTITION_COUNT,
        settings: { 'retention.ms': '-1' },
      },
    ]);
    const environment = {
      KAFKA_SESSION_TIMEOUT_MS: String(SESSION_TIMEOUT_MS),
      LOG_LEVEL: 'info',
    };
    const fleet = new Fleet({
      main: MAIN,
      args: [
        ...['--bundle', own.directory, '--brokers', kafka.brokers, '--redis', redis.url],
        ...['--http', '127.0.0.1:0'],
      ],
      environment,
      nodeOptions: [
        ...(options.nodeOptions ?? []),
        `--import=${new URL(options.preload, import.meta.url).href}`,
      ],
      folder: logFolder,
    });
    closers.push(() => fleet.stop());
    // The first of a service makes what is missing; then its company joins.
    for (const service of SERVICES) await fleet.add(service, '0');
    for (let index = 1; index < options.instances; index += 1) {
      await Promise.all(SERVICES.map((service) => fleet.add(service, String(index))));
    }
    const oracle = createOracle({
      brokers: kafka.brokers,
      topic: topics.events,
      partitionCount: PARTITION_COUNT,
      stream: createEventStream(options.seed),
      eventsMax: options.eventsMax ?? Number.POSITIVE_INFINITY,
    });
    const bundleFolder = own.directory;
    return {
      ...{ kafka, redis, bundle, bundleFolder, topics, fleet, oracle, bus, environment },
      logFolder,
      close: async ({ keepLogs }) => {
        await closeAll();
        if (!keepLogs) await rm(logFolder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** Gives up soon, so that whoever asks can ask again while a broker is away. */
function openBus(brokers: string): Bus {
  return createKafkaBus({
    brokers: brokers.split(','),
    clientId: 'chaos-judge',
    clock: createSystemClock(),
    logger: createMemoryTelemetry().logger('chaos'),
    limits: { requestTimeoutMs: 5_000, retryAttemptsMax: 5 },
  });
}

/**
 * Sliding windows, revisions by late events and a baseline of the stream's own past, so that all the
 * state there is is at stake.
 */
async function widenBundle({ directory }: OwnBundle): Promise<Bundle> {
  const file = join(directory, 'monitor.yaml');
  const text = await readFile(file, 'utf8');
  const widened = text
    .replace('  idleTimeout: 30s', '  idleTimeout: 30s\n  revise: 20m')
    .replace('windows: [5m]', 'windows: [5m, { length: 10m, slide: 5m }]')
    .replace('drift:\n', 'drift:\n  baselines: [reference, { trailing: 3 }]\n');
  await writeFile(file, widened);
  const loaded = await loadBundle(directory);
  if (loaded.ok) return loaded.bundle;
  throw new Error(`the bundle cannot be used: ${JSON.stringify(loaded.problems)}`);
}
