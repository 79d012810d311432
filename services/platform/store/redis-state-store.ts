/**
 * StateStore on Redis (6 or later), for services that run in several processes.
 *
 * A claim and a commit are one Lua script each, sent once. Where the answer to a commit is lost, it
 * throws `dependency.store-unknown`, and `readPosition` tells whether it was applied; an older copy
 * still under way then cannot do harm, because it fits neither the position nor the epoch any more.
 * A replay's shard is forgotten `STATE_LIFETIME_MS` after its last claim or
 * commit; a live one never is, because its consumers would take its sequences for repeats. Keys: redis-shard-key.ts.
 *
 * It does not make Redis durable: run it with `appendonly yes` and `maxmemory-policy noeviction`.
 */
import type { ConnectionOptions } from 'node:tls';
import { CodedError } from '../../core/errors.ts';
import { STATE_LIFETIME_MS } from '../../core/limits.ts';
import { LIVE_RUN } from '../../core/message/topics.ts';
import type { Logger } from '../telemetry/telemetry.ts';
import { openRedis, type RedisArgument, RedisRefusal } from './redis-connection.ts';
import { CLAIM_SCRIPT, COMMIT_SCRIPT, type Script } from './redis-scripts.ts';
import {
  EPOCH_FIELD,
  entryField,
  entryKey,
  POSITION_FIELD,
  runPattern,
  shardKey,
} from './redis-shard-key.ts';
import type { CommitOutcome, ShardClaim, ShardId, StateCommit, StateStore } from './state-store.ts';

export interface RedisStateStoreOptions {
  /** `redis://` or `rediss://` (TLS), `[user:password@]host[:port][/database]`. */
  readonly url: string;
  /** Certificates and names for TLS; also turns it on. */
  readonly tls?: ConnectionOptions;
  /** Wins over the one in the URL. */
  readonly username?: string;
  /** Wins over the one in the URL. */
  readonly password?: string;
  /** Put before every key, for a Redis shared with others; no braces. Default none. */
  readonly keyPrefix?: string;
  /** Bound on connecting and on each request; default `REQUEST_TIMEOUT_MS`. */
  readonly requestTimeoutMs?: number;
  readonly logger: Logger;
}

const SCAN_COUNT = '500';

export function createRedisStateStore(options: RedisStateStoreOptions): StateStore {
  const { keyPrefix = '', logger, ...connectionOptions } = options;
  if (/[{}]/.test(keyPrefix)) {
    // The first pair of braces in a key is its hash tag.
    throw new CodedError('configuration.invalid', 'the Redis key prefix must not hold braces');
  }
  let evictionChecked = false;
  const redis = openRedis({
    ...connectionOptions,
    onConnected() {
      if (evictionChecked) return;
      evictionChecked = true;
      void warnOfEviction();
    },
  });

  async function warnOfEviction(): Promise<void> {
    try {
      const reply = await redis.request('CONFIG', 'GET', 'maxmemory-policy');
      const policy = String((reply as readonly Buffer[])[1]);
      if (policy === 'noeviction') return;
      logger.warn(
        { redis: redis.address, policy },
        'Redis may evict state under memory pressure: set maxmemory-policy to noeviction',
      );
    } catch (error) {
      // Managed servers forbid CONFIG; the check is a courtesy.
      logger.debug({ redis: redis.address, reason: messageOf(error) }, 'eviction policy not known');
    }
  }

  async function evaluate(script: Script, key: string, args: readonly RedisArgument[]) {
    try {
      return await redis.request('EVALSHA', script.sha1, '1', key, ...args);
    } catch (error) {
      if (!(error instanceof RedisRefusal && error.reply === 'NOSCRIPT')) throw error;
      return await redis.request('EVAL', script.source, '1', key, ...args);
    }
  }

  return {
    async claim(shard): Promise<ShardClaim> {
      const key = shardKey(keyPrefix, shard);
      const reply = await knownOutcome(evaluate(CLAIM_SCRIPT, key, [lifetimeOf(shard)]));
      return decodeClaim(key, reply as readonly Buffer[]);
    },

    async commit(shard, commit): Promise<CommitOutcome> {
      const reply = await evaluate(
        COMMIT_SCRIPT,
        shardKey(keyPrefix, shard),
        commitArgs(shard, commit),
      );
      return decodeOutcome(reply as readonly [Buffer, Buffer | null]);
    },

    async readPosition(shard) {
      const key = shardKey(keyPrefix, shard);
      const reply = await knownOutcome(redis.request('HGET', key, POSITION_FIELD));
      return reply === null ? null : String(reply);
    },

    async forgetRun(run) {
      const pattern = runPattern(keyPrefix, run);
      let cursor = '0';
      do {
        const reply = await knownOutcome(
          redis.request('SCAN', cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT),
        );
        const [next, keys] = reply as readonly [Buffer, readonly Buffer[]];
        // One key each: in a cluster the keys of two shards need not be on the same node.
        await knownOutcome(Promise.all(keys.map((key) => redis.request('UNLINK', key))));
        cursor = String(next);
      } while (cursor !== '0');
    },

    async ping() {
      await knownOutcome(redis.request('PING'));
    },

    async close() {
      redis.close();
    },
  };
}

/** For requests that may be repeated freely: only a commit's outcome can be unknown. */
async function knownOutcome<T>(request: Promise<T>): Promise<T> {
  try {
    return await request;
  } catch (error) {
    if (error instanceof CodedError && error.code === 'dependency.store-unknown') {
      throw new CodedError('dependency.store', error.message);
    }
    throw error;
  }
}

/** Milliseconds; 0: for ever. */
function lifetimeOf({ run }: ShardId): string {
  return run === LIVE_RUN ? '0' : String(STATE_LIFETIME_MS);
}

function commitArgs(shard: ShardId, commit: StateCommit): RedisArgument[] {
  const args: RedisArgument[] = [
    String(commit.epoch),
    commit.expectedPosition === null ? '0' : '1',
    commit.expectedPosition ?? '',
    commit.position,
    lifetimeOf(shard),
    String(commit.deletes.length),
  ];
  for (const key of commit.deletes) args.push(entryField(key));
  for (const [key, value] of commit.puts) {
    args.push(entryField(key), Buffer.from(value.buffer, value.byteOffset, value.byteLength));
  }
  return args;
}

function decodeOutcome([kind, stored]: readonly [Buffer, Buffer | null]): CommitOutcome {
  switch (String(kind)) {
    case 'committed':
      return { kind: 'committed' };
    case 'fenced':
      return { kind: 'fenced', storedEpoch: Number(stored) };
    default:
      return {
        kind: 'position-mismatch',
        storedPosition: stored === null ? null : String(stored),
      };
  }
}

function decodeClaim(shard: string, fields: readonly Buffer[]): ShardClaim {
  let epoch = 0;
  let position: string | null = null;
  const entries = new Map<string, Uint8Array>();
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const field = String(fields[index]);
    const value = fields[index + 1]!;
    const key = entryKey(field);
    // Copied: the reply's buffers share the memory of whole socket reads.
    if (key !== null) entries.set(key, new Uint8Array(value));
    else if (field === EPOCH_FIELD) epoch = Number(String(value));
    else if (field === POSITION_FIELD) position = String(value);
  }
  if (!Number.isSafeInteger(epoch) || epoch < 1) {
    throw new CodedError('state.corrupt', `${shard}: the epoch is not a whole number`);
  }
  return { epoch, position, entries };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
