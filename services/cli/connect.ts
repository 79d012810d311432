/**
 * The composition root's adapters: what the command line and the environment name, connected.
 *
 * Secrets come from the environment or from files it names (`…_FILE`), never from options, and are
 * never printed. See deploy/README.md for the whole table.
 */
import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import { CodedError } from '../core/errors.ts';
import {
  EMBEDDED_BACKLOG_RECORDS_MAX,
  REQUEST_TIMEOUT_MS,
  SESSION_TIMEOUT_MS,
  SESSION_TIMEOUT_MS_MAX,
  SESSION_TIMEOUT_MS_MIN,
} from '../core/limits.ts';
import type { Bus } from '../platform/bus/bus.ts';
import {
  createKafkaBus,
  KAFKA_COMPRESSIONS,
  type KafkaBusLimits,
  type KafkaBusOptions,
  type KafkaCompression,
} from '../platform/bus/kafka-bus.ts';
import { createMemoryBus } from '../platform/bus/memory-bus.ts';
import { createSystemClock } from '../platform/clock/system-clock.ts';
import type { Bundle } from '../platform/config/load-bundle.ts';
import type { ServicePorts } from '../platform/lifecycle/service-scope.ts';
import { createEnsembleRuntime } from '../platform/model/ensemble-runtime.ts';
import { createFileModelFolder } from '../platform/model/file-model-folder.ts';
import { createOnnxModelRuntime } from '../platform/model/onnx-model-runtime.ts';
import { createFileSchemaSource } from '../platform/registry/file-schema-source.ts';
import { createHttpSchemaSource } from '../platform/registry/http-schema-source.ts';
import type { SchemaSource } from '../platform/registry/schema-source.ts';
import { createMemoryStateStore } from '../platform/store/memory-state-store.ts';
import { createRedisStateStore } from '../platform/store/redis-state-store.ts';
import type { StateStore } from '../platform/store/state-store.ts';
import { createOpenTelemetry } from '../platform/telemetry/opentelemetry-telemetry.ts';
import type { Telemetry } from '../platform/telemetry/telemetry.ts';
import { VERSION } from './version.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface Connections extends ServicePorts {
  /** Closes the bus and the store, flushes telemetry. */
  close(): Promise<void>;
}

export interface ConnectOptions {
  readonly environment: Environment;
  /** Log level where LOG_LEVEL is not set. */
  readonly logLevel: string;
  readonly serviceName: string;
  /** Kafka's `host:port` list; `null`: an embedded bus. */
  readonly brokers: string | null;
  /** Redis' URL; `null`: an embedded store. */
  readonly redisUrl: string | null;
  /** A schema registry's URL; `null`: the bundle's own schemas folder, if any. */
  readonly schemaRegistryUrl: string | null;
  readonly bundle: Bundle;
}

export function connect(options: ConnectOptions): Connections {
  const { environment } = options;
  const clock = createSystemClock();
  const telemetry = createOpenTelemetry({
    serviceName: options.serviceName,
    serviceVersion: VERSION,
    environment,
    logLevel: environment.LOG_LEVEL ?? options.logLevel,
  });
  const ports: ServicePorts = {
    clock,
    telemetry,
    bus:
      options.brokers === null
        ? createMemoryBus({ clock, backlogRecordsMax: EMBEDDED_BACKLOG_RECORDS_MAX })
        : openKafka(options.brokers, { environment, clock, telemetry }),
    store:
      options.redisUrl === null
        ? createMemoryStateStore()
        : openRedisStore(options.redisUrl, environment, telemetry),
    modelRuntime: createEnsembleRuntime(createOnnxModelRuntime()),
    openModelFolder: createFileModelFolder,
    schemaSource: openSchemaSource(options),
  };
  return {
    ...ports,
    close: async () => {
      await Promise.allSettled([ports.bus.close(), ports.store.close()]);
      await telemetry.shutdown();
    },
  };
}

/** What callers of the inference server must send; `null`: nothing. */
export function inferenceToken(environment: Environment): string | null {
  return secret('INFERENCE_TOKEN', environment);
}

/** A bus alone, for reading a topic range. */
export function openKafka(
  brokers: string,
  parts: {
    readonly environment: Environment;
    readonly clock: ServicePorts['clock'];
    readonly telemetry: Telemetry;
    readonly limits?: Partial<KafkaBusLimits>;
  },
): Bus {
  const { environment, clock, telemetry, limits } = parts;
  const ssl = tlsOptions('KAFKA', environment);
  const sasl = saslOptions(environment);
  return createKafkaBus({
    brokers: parseBrokers(brokers),
    clientId: 'tidegauge',
    compression: compressionOption(environment),
    clock,
    logger: telemetry.logger('kafka'),
    limits: { ...sessionLimits(environment), ...limits },
    ...(ssl === null ? {} : { ssl }),
    ...(sasl === null ? {} : { sasl }),
  });
}

function openRedisStore(url: string, environment: Environment, telemetry: Telemetry): StateStore {
  const tls = tlsOptions('REDIS', environment);
  const username = environment.REDIS_USERNAME;
  const password = secret('REDIS_PASSWORD', environment);
  return createRedisStateStore({
    url,
    logger: telemetry.logger('redis'),
    ...(tls === null ? {} : { tls }),
    ...(username === undefined ? {} : { username }),
    ...(password === null ? {} : { password }),
  });
}

function openSchemaSource(options: ConnectOptions): SchemaSource | null {
  const { schemaRegistryUrl, bundle, environment } = options;
  if (schemaRegistryUrl !== null) {
    const username = environment.SCHEMA_REGISTRY_USERNAME;
    const password = secret('SCHEMA_REGISTRY_PASSWORD', environment);
    return createHttpSchemaSource({
      url: schemaRegistryUrl,
      ...(username === undefined ? {} : { username }),
      ...(password === null ? {} : { password }),
    });
  }
  if (bundle.schemaDirectory !== null) return createFileSchemaSource(bundle.schemaDirectory);
  return null;
}

function parseBrokers(text: string): string[] {
  const brokers = text.split(',').map((broker) => broker.trim());
  for (const broker of brokers) {
    if (!/^[^\s:]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/.test(broker)) {
      throw new CodedError('configuration.invalid', `--brokers: "${broker}" is not HOST:PORT`);
    }
  }
  return brokers;
}

/** `<PREFIX>_TLS=true`, and files for a private authority or a client certificate. */
function tlsOptions(prefix: 'KAFKA' | 'REDIS', environment: Environment): ConnectionOptions | null {
  const file = (name: string) => {
    const path = environment[`${prefix}_TLS_${name}_FILE`];
    return path === undefined ? undefined : readSecretFile(`${prefix}_TLS_${name}_FILE`, path);
  };
  const ca = file('CA');
  const cert = file('CERT');
  const key = file('KEY');
  if (environment[`${prefix}_TLS`] !== 'true' && ca === undefined && cert === undefined)
    return null;
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

function saslOptions(environment: Environment): NonNullable<KafkaBusOptions['sasl']> | null {
  const mechanism = environment.KAFKA_SASL_MECHANISM?.toLowerCase();
  if (mechanism === undefined) return null;
  const username = environment.KAFKA_SASL_USERNAME;
  const password = secret('KAFKA_SASL_PASSWORD', environment);
  if (mechanism !== 'plain' && mechanism !== 'scram-sha-256' && mechanism !== 'scram-sha-512') {
    throw new CodedError(
      'configuration.invalid',
      `KAFKA_SASL_MECHANISM is ${mechanism}, expected plain, scram-sha-256 or scram-sha-512`,
    );
  }
  if (username === undefined || password === null) {
    throw new CodedError(
      'configuration.invalid',
      'KAFKA_SASL_MECHANISM needs KAFKA_SASL_USERNAME, and KAFKA_SASL_PASSWORD or KAFKA_SASL_PASSWORD_FILE',
    );
  }
  return { mechanism, username, password };
}

function compressionOption(environment: Environment): KafkaCompression {
  const wanted = environment.KAFKA_COMPRESSION ?? 'none';
  const known = KAFKA_COMPRESSIONS.find((compression) => compression === wanted);
  if (known !== undefined) return known;
  throw new CodedError(
    'configuration.invalid',
    `KAFKA_COMPRESSION is ${wanted}, expected one of ${KAFKA_COMPRESSIONS.join(', ')}`,
  );
}

const HEARTBEAT_INTERVAL_MS_MAX = 1_000;

/** A member can miss two heartbeats, and wait for one request in vain, within its session. */
function sessionLimits(environment: Environment): Partial<KafkaBusLimits> {
  const text = environment.KAFKA_SESSION_TIMEOUT_MS ?? String(SESSION_TIMEOUT_MS);
  const sessionTimeoutMs = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(sessionTimeoutMs >= SESSION_TIMEOUT_MS_MIN && sessionTimeoutMs <= SESSION_TIMEOUT_MS_MAX)) {
    throw new CodedError(
      'configuration.invalid',
      `KAFKA_SESSION_TIMEOUT_MS is ${text}, expected a whole number from ${SESSION_TIMEOUT_MS_MIN} to ${SESSION_TIMEOUT_MS_MAX}`,
    );
  }
  return {
    sessionTimeoutMs,
    heartbeatIntervalMs: Math.min(HEARTBEAT_INTERVAL_MS_MAX, Math.floor(sessionTimeoutMs / 3)),
    requestTimeoutMs: Math.min(REQUEST_TIMEOUT_MS, Math.floor(sessionTimeoutMs / 2)),
  };
}

function secret(name: string, environment: Environment): string | null {
  const file = environment[`${name}_FILE`];
  if (file !== undefined) return readSecretFile(`${name}_FILE`, file).trim();
  return environment[name] ?? null;
}

function readSecretFile(variable: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new CodedError('configuration.invalid', `${variable}: ${path} cannot be read`, { cause });
  }
}
