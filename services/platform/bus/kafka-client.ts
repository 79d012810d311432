/**
 * How the Kafka adapter connects: options, limits, kafkajs's own logger routed to ours, and errors of
 * kafkajs turned into `dependency.bus` with the brokers named. Every part of the adapter gets the
 * same context.
 */
import type { ConnectionOptions } from 'node:tls';
import { Kafka, type KafkaConfig, type logCreator, logLevel } from 'kafkajs';
import { CodedError, type ErrorCode } from '../../core/errors.ts';
import {
  PREFETCH_BYTES_MAX,
  REQUEST_TIMEOUT_MS,
  RETRY_ATTEMPTS_MAX,
  RETRY_BACKOFF_MS_MIN,
  RETRY_PATIENCE_MS,
  SESSION_TIMEOUT_MS,
  TOPIC_METADATA_AGE_MS_MAX,
} from '../../core/limits.ts';
import type { Clock } from '../clock/clock.ts';
import type { Logger } from '../telemetry/telemetry.ts';
import { type KafkaCompression, prepareKafkaCompression } from './kafka-compression.ts';
import { mendKafkajs } from './kafka-internals.ts';
import { teachKafkajsToLeaveCommits } from './kafka-out-of-range.ts';
import { teachKafkajsToRejoin } from './kafka-rejoin.ts';
import { teachKafkajsToStop } from './kafka-stopped.ts';

export interface KafkaBusOptions {
  /** `host:port` of some brokers of the cluster. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly ssl?: boolean | ConnectionOptions;
  readonly sasl?: {
    readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
    readonly username: string;
    readonly password: string;
  };
  /** Of what is produced; what is read may be compressed in any way. Default `none`. */
  readonly compression?: KafkaCompression;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits?: Partial<KafkaBusLimits>;
}

export interface KafkaBusLimits {
  /** A partition with this much waiting is paused, and resumed at half of it. */
  readonly prefetchBytesMax: number;
  /** One produce request; below Kafka's default `max.message.bytes` of 1 MiB. */
  readonly requestBytesMax: number;
  /** kafkajs groups the records of a request in quadratic time, which shows beyond a few thousand. */
  readonly requestRecordsMax: number;
  /** One fetch response; decoding it holds the event loop. */
  readonly fetchBytesMax: number;
  /** How long the broker may hold a fetch back for data; also how long a paused consumer dozes. */
  readonly fetchWaitMsMax: number;
  readonly sessionTimeoutMs: number;
  /** Also the longest a member takes to notice a rebalance. */
  readonly heartbeatIntervalMs: number;
  /** How soon readers and writers notice that a topic has got more partitions. */
  readonly metadataAgeMsMax: number;
  readonly requestTimeoutMs: number;
  readonly retryAttemptsMax: number;
  /** Waits between attempts double up to this: short, as a new leader is there within seconds. */
  readonly retryBackoffMsMax: number;
  /** How long a consumer that crashes is started again before its subscription fails. */
  readonly restartPatienceMs: number;
}

const LIMITS: KafkaBusLimits = {
  prefetchBytesMax: PREFETCH_BYTES_MAX,
  requestBytesMax: 900_000,
  requestRecordsMax: 1_000,
  fetchBytesMax: 4 * 1_048_576,
  fetchWaitMsMax: 100,
  sessionTimeoutMs: SESSION_TIMEOUT_MS,
  heartbeatIntervalMs: 1_000,
  metadataAgeMsMax: TOPIC_METADATA_AGE_MS_MAX,
  requestTimeoutMs: REQUEST_TIMEOUT_MS,
  retryAttemptsMax: RETRY_ATTEMPTS_MAX,
  retryBackoffMsMax: 1_000,
  restartPatienceMs: RETRY_PATIENCE_MS,
};

export interface KafkaContext {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: KafkaBusLimits;
  readonly compression: KafkaCompression;
  readonly retry: Readonly<{ initialRetryTime: number; maxRetryTime: number; retries: number }>;
  /**
   * A new one per consumer: kafkajs keeps committed offsets per client, mixing up members of a group.
   * Rejects with `bus.codec` where a compression does not work.
   */
  createClient(): Promise<Kafka>;
  /** `what` says what was attempted and on which topic. A `CodedError` passes through. */
  busError(what: string, cause: unknown): CodedError;
}

export function createKafkaContext(options: KafkaBusOptions): KafkaContext {
  const limits = { ...LIMITS, ...options.limits };
  const retry = {
    initialRetryTime: RETRY_BACKOFF_MS_MIN,
    maxRetryTime: limits.retryBackoffMsMax,
    retries: limits.retryAttemptsMax,
  };
  const config: KafkaConfig = {
    brokers: [...options.brokers],
    clientId: options.clientId,
    connectionTimeout: limits.requestTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    retry,
    logLevel: logLevel.INFO,
    logCreator: routeLogs(options.logger),
    ...(options.ssl === undefined ? {} : { ssl: options.ssl }),
    ...(options.sasl === undefined
      ? {}
      : { sasl: options.sasl as NonNullable<KafkaConfig['sasl']> }),
  };
  mendKafkajs('network/requestQueue', stopNegativeTimeouts);
  teachKafkajsToRejoin();
  teachKafkajsToStop();
  teachKafkajsToLeaveCommits();
  return {
    clock: options.clock,
    logger: options.logger,
    limits,
    retry,
    compression: options.compression ?? 'none',
    async createClient() {
      await prepareKafkaCompression();
      return new Kafka(config);
    },
    busError(what, cause) {
      if (cause instanceof CodedError) return cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      const brokers = options.brokers.join(',');
      const code = codeWithin(cause) ?? 'dependency.bus';
      return new CodedError(code, `${what} failed on Kafka at ${brokers}: ${reason}`, { cause });
    },
  };
}

/**
 * kafkajs says `error` for what it retries by itself and `info` for every pause, so each goes one
 * level down. A consumer group's errors stay errors: they say that a position was lost.
 */
function routeLogs(logger: Logger): logCreator {
  return () =>
    ({ namespace, level, log }) => {
      const { message, timestamp: _, ...fields } = log;
      const line = { ...fields, namespace };
      if (namespace === 'Connection') logger.debug(line, message);
      else if (level === logLevel.ERROR && namespace === 'ConsumerGroup')
        logger.error(line, message);
      else if (level === logLevel.ERROR || level === logLevel.WARN) logger.warn(line, message);
      else logger.debug(line, message);
    };
}

/** kafkajs wraps what our codecs throw. */
function codeWithin(error: unknown): ErrorCode | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof CodedError) return cause.code;
  }
  return null;
}

interface RequestQueuePrototype {
  pending: unknown[];
  scheduleCheckPendingRequests?: () => void;
}

/**
 * kafkajs 2.2.4 sets a timer with a negative delay after every response, only to look at an empty
 * queue; newer Nodes print a TimeoutNegativeWarning for it. With nothing pending there is nothing to
 * schedule, so the call is left out.
 */
function stopNegativeTimeouts(prototype: RequestQueuePrototype): void {
  const schedule = prototype.scheduleCheckPendingRequests;
  if (schedule === undefined) return;
  prototype.scheduleCheckPendingRequests = function (this: RequestQueuePrototype) {
    if (this.pending.length > 0) schedule.call(this);
  };
}
