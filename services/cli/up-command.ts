/**
 * `tidegauge up` and `tidegauge run <service>`: the services of a live monitor, all in this process
 * or one alone, until interrupted; or a part of a replay run, until that is over.
 */
import { Argument, type Command } from 'commander';
import { CodedError } from '../core/errors.ts';
import { INFERENCE_BODY_BYTES_MAX, STOP_DEADLINE_MS } from '../core/limits.ts';
import { LIVE_RUN } from '../core/message/topics.ts';
import { createPipeline, SERVICES, type ServiceName } from '../embedded/pipeline.ts';
import type { InferenceWorker } from '../inference-worker/inference-worker.ts';
import { createHealthServer } from '../platform/http/health-server.ts';
import { createInferenceServer } from '../platform/http/inference-server.ts';
import type { ListeningComponent } from '../platform/http/listening-component.ts';
import type { Component } from '../platform/lifecycle/component.ts';
import type { ServiceScope } from '../platform/lifecycle/service-scope.ts';
import { startAll, stopAll } from '../platform/lifecycle/supervise.ts';
import { type Connections, connect, inferenceToken } from './connect.ts';
import { interruptSignal } from './interrupt.ts';
import { type JoinedRun, joinRun } from './join-run.ts';
import { openBundle, scopeOf } from './open-bundle.ts';
import { type Listen, parseListen, parseRunName } from './option.ts';
import { VERSION } from './version.ts';

interface LiveOptions {
  readonly bundle: string;
  readonly brokers?: string;
  readonly redis?: string;
  readonly run: string;
  readonly schemaRegistry?: string;
  readonly http: Listen;
  readonly infer?: Listen;
  readonly json?: true;
}

const DEFAULT_LISTEN = '127.0.0.1:9464';

export function addUpCommand(program: Command): void {
  addLiveOptions(
    program
      .command('up')
      .description('run all services of a monitor in this process, on Kafka and Redis'),
  ).action((options: LiveOptions) => runLive(null, options));
}

export function addRunCommand(program: Command): void {
  const service = new Argument('<service>', 'the service to run').choices(Object.keys(SERVICES));
  addLiveOptions(
    program
      .command('run')
      .description('run one service of a monitor, on Kafka and Redis')
      .addArgument(service),
  ).action((name: ServiceName, options: LiveOptions) => runLive(name, options));
}

function addLiveOptions(command: Command): Command {
  return command
    .requiredOption('--bundle <folder>', 'the folder that describes the monitor')
    .option('--brokers <host:port,…>', 'Kafka brokers (default: KAFKA_BROKERS)')
    .option('--redis <url>', 'Redis (default: REDIS_URL)')
    .option('--run <name>', 'take part in a replay of this name', parseRunName, LIVE_RUN)
    .option(
      '--schema-registry <url>',
      'schema registry for Confluent ids (default: SCHEMA_REGISTRY_URL)',
    )
    .option(
      '--http <host:port>',
      'where /livez, /readyz and /metrics listen',
      parseListen,
      parseListen(DEFAULT_LISTEN),
    )
    .option(
      '--infer <host:port>',
      'where the model answers by the Open Inference Protocol (default: nowhere)',
      parseListen,
    )
    .option('--json', 'print one JSON object when ready, and one on the last line when stopped');
}

async function runLive(name: ServiceName | null, options: LiveOptions): Promise<void> {
  const { env } = process;
  const bundle = await openBundle(options.bundle);
  const ports = connect({
    environment: env,
    logLevel: 'info',
    serviceName: name === null ? 'tidegauge' : `tidegauge-${name}`,
    brokers: required(options.brokers ?? env.KAFKA_BROKERS, '--brokers or KAFKA_BROKERS', 'Kafka'),
    redisUrl: required(options.redis ?? env.REDIS_URL, '--redis or REDIS_URL', 'Redis'),
    schemaRegistryUrl: options.schemaRegistry ?? env.SCHEMA_REGISTRY_URL ?? null,
    bundle,
  });
  try {
    const { run } = options;
    if (run === LIVE_RUN) {
      await runUntilStopped(name, options, ports, scopeOf(bundle, LIVE_RUN), forEver);
    } else {
      await runJoined(name, options, ports, await joinRun(ports, bundle, run, interruptSignal()));
    }
  } finally {
    await ports.close();
  }
}

/** A live run has no end. */
const forEver = () => new Promise<void>(() => undefined);

/** A service that finds its topics deleted because the run is over has not failed. */
async function runJoined(
  name: ServiceName | null,
  options: LiveOptions,
  ports: Connections,
  run: JoinedRun,
): Promise<void> {
  try {
    await runUntilStopped(name, options, ports, run.scope, run.over);
  } catch (error) {
    if (!(await run.isOver())) throw error;
  }
}

async function runUntilStopped(
  name: ServiceName | null,
  options: LiveOptions,
  ports: Connections,
  scope: ServiceScope,
  over: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const logger = ports.telemetry.logger('tidegauge');
  const services: readonly Component[] =
    name === null ? createPipeline(ports, scope) : [SERVICES[name](ports, scope)];
  const health = createHealthServer({
    ...options.http,
    components: services,
    telemetry: ports.telemetry,
    logger,
  });
  const signal = interruptSignal();
  const inference =
    options.infer === undefined ? null : inferenceServer(options.infer, services, ports);
  const all = [health, ...(inference === null ? [] : [inference]), ...services];
  try {
    await startAll(all);
    const addresses = {
      http: health.address,
      ...(inference === null ? {} : { inference: inference.address }),
    };
    logger.info({ ...addresses, services: services.map((service) => service.name) }, 'ready');
    if (options.json) print({ state: 'ready', ...addresses });
    const ends = [interrupted(signal), over(signal)];
    await Promise.race([...ends, ...services.map((service) => service.finished)]);
  } finally {
    await stopAll(all, STOP_DEADLINE_MS);
    if (options.json) {
      print({
        state: 'stopped',
        services: services.map((service) => ({ name: service.name, ...service.health() })),
      });
    }
  }
}

/** Beside the worker, on the same models. */
function inferenceServer(
  listen: Listen,
  services: readonly Component[],
  { telemetry }: Connections,
): ListeningComponent {
  const worker = services.find((service) => service.name === 'inference-worker');
  if (worker === undefined) {
    throw new CodedError('configuration.invalid', '--infer needs the inference-worker here');
  }
  return createInferenceServer({
    ...listen,
    backend: (worker as InferenceWorker).backend,
    token: inferenceToken(process.env),
    logger: telemetry.logger('inference-server'),
    bodyBytesMax: INFERENCE_BODY_BYTES_MAX,
    version: VERSION,
  });
}

function interrupted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) =>
    signal.addEventListener('abort', () => resolve(), { once: true }),
  );
}

function required(value: string | undefined, where: string, what: string): string {
  if (value === undefined || value === '') {
    throw new CodedError('configuration.invalid', `${what} is needed: give ${where}`);
  }
  return value;
}

function print(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
