/**
 * One connection to Redis, opened when it is needed and reopened by the next request after it broke.
 *
 * Nothing is queued while there is no connection and nothing is sent twice: a write repeated behind
 * the caller's back could be applied twice. A request fails in one of three ways: `RedisRefusal`
 * (the server answered with an error, nothing was changed), `dependency.store` (not sent) or
 * `dependency.store-unknown` (sent, no answer). Messages name host and port and never hold the URL,
 * a password or a command's arguments; ioredis puts the last two on its errors, so they are not kept
 * as causes.
 */
import type { ConnectionOptions } from 'node:tls';
import { Redis, ReplyError } from 'ioredis';
import { CodedError } from '../../core/errors.ts';
import { REQUEST_TIMEOUT_MS } from '../../core/limits.ts';

export interface RedisConnectionOptions {
  /** `redis://` or `rediss://` (TLS), `[user:password@]host[:port][/database]`. */
  readonly url: string;
  /** Certificates and names for TLS; also turns it on. */
  readonly tls?: ConnectionOptions;
  /** Wins over the one in the URL. */
  readonly username?: string;
  /** Wins over the one in the URL. */
  readonly password?: string;
  /** Bound on connecting and on each request; default `REQUEST_TIMEOUT_MS`. */
  readonly requestTimeoutMs?: number;
  /** Called each time a connection is ready for requests. */
  readonly onConnected: () => void;
}

export type RedisArgument = string | Buffer;

export interface RedisConnection {
  /** `host:port`, safe to show. */
  readonly address: string;
  /** Strings of a reply come as buffers. */
  request(command: string, ...args: readonly RedisArgument[]): Promise<unknown>;
  /** Idempotent; requests under way fail. */
  close(): void;
}

/** The server's own answer to a request it did not carry out. */
export class RedisRefusal extends CodedError {
  /** The error's first word: `NOSCRIPT`, `OOM`, `WRONGTYPE`. */
  readonly reply: string;

  constructor(reply: string, message: string) {
    super('dependency.store', message);
    this.name = 'RedisRefusal';
    this.reply = reply;
  }
}

export function openRedis(options: RedisConnectionOptions): RedisConnection {
  const target = parseTarget(options);
  const requestTimeoutMs = options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS;
  const redis = new Redis({
    host: target.host,
    port: target.port,
    db: target.database,
    ...(target.username === null ? {} : { username: target.username }),
    ...(target.password === null ? {} : { password: target.password }),
    ...(target.tls === null ? {} : { tls: target.tls }),
    connectionName: 'tidegauge',
    disableClientInfo: true,
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    retryStrategy: null,
    connectTimeout: requestTimeoutMs,
    commandTimeout: requestTimeoutMs,
    // A peer that is gone without closing answers nothing for ever: drop the connection as well.
    socketTimeout: requestTimeoutMs,
  });
  let lastProblem = '';
  let opening: Promise<void> | null = null;
  let closed = false;
  redis.on('error', (error: Error) => {
    lastProblem = describe(error);
  });
  redis.on('ready', options.onConnected);

  function describe(error: unknown): string {
    const { message, code } = error as { message?: string; code?: string };
    const text = message === undefined || message === '' ? (code ?? 'unknown error') : message;
    return target.password === null ? text : text.replaceAll(target.password, '***');
  }

  function unavailable(problem: string): CodedError {
    return new CodedError('dependency.store', `Redis at ${target.address}: ${problem}`);
  }

  async function connect(): Promise<void> {
    if (closed) throw unavailable('the state store is closed');
    if (redis.status === 'ready') return;
    lastProblem = '';
    opening ??= redis.connect().finally(() => {
      opening = null;
    });
    try {
      await withinMs(opening, requestTimeoutMs);
    } catch (error) {
      throw unavailable(lastProblem === '' ? describe(error) : lastProblem);
    }
  }

  return {
    address: target.address,

    async request(command, ...args) {
      await connect();
      try {
        return await redis.callBuffer(command, ...args);
      } catch (error) {
        const problem = `Redis at ${target.address}: ${command}: ${describe(error)}`;
        if (error instanceof ReplyError) {
          throw new RedisRefusal((error as Error).message.split(' ', 1)[0]!, problem);
        }
        throw new CodedError('dependency.store-unknown', problem);
      }
    },

    close() {
      if (closed) return;
      closed = true;
      redis.disconnect();
    },
  };
}

interface Target {
  readonly host: string;
  readonly port: number;
  readonly address: string;
  readonly database: number;
  readonly username: string | null;
  readonly password: string | null;
  readonly tls: ConnectionOptions | null;
}

function parseTarget(options: RedisConnectionOptions): Target {
  const url = URL.canParse(options.url) ? new URL(options.url) : null;
  const database = url === null ? null : /^\/?(\d{0,5})$/.exec(url.pathname);
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === '' || !database) {
    throw new CodedError(
      'configuration.invalid',
      'the Redis URL must look like redis://host:6379 or rediss://host:6379/0 (not shown: it may hold a password)',
    );
  }
  const port = url.port === '' ? 6379 : Number(url.port);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port,
    address: `${url.hostname}:${port}`,
    database: Number(database[1]),
    username: options.username ?? decoded(url.username),
    password: options.password ?? decoded(url.password),
    tls: options.tls ?? (url.protocol === 'rediss:' ? {} : null),
  };
}

/** A password with a bare `%` is taken as it stands. */
function decoded(part: string): string | null {
  if (part === '') return null;
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

async function withinMs(promise: Promise<void>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
