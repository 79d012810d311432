/** The Redis StateStore on a real Redis: the contract, and what only a network and a server can do to it. */
import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterEach, expect, test } from 'vitest';
import { STATE_LIFETIME_MS } from '../../services/core/limits.ts';
import { settleCommit } from '../../services/platform/lifecycle/settle-commit.ts';
import {
  createRedisStateStore,
  type RedisStateStoreOptions,
} from '../../services/platform/store/redis-state-store.ts';
import type { StateStore } from '../../services/platform/store/state-store.ts';
import type { Logger } from '../../services/platform/telemetry/telemetry.ts';
import { stateStoreContract } from '../contract/state-store.contract.ts';
import { isCommit, type RedisProxy, startRedisProxy } from '../support/redis-proxy.ts';
import {
  type RedisServer,
  type RedisServerOptions,
  startRedisServer,
} from '../support/redis-server.ts';
import { describeWithOwnRedis, describeWithRedis } from '../support/require-real.ts';

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

const closing: (() => Promise<unknown> | undefined)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

function open(url: string, options: Partial<RedisStateStoreOptions> = {}): StateStore {
  const store = createRedisStateStore({ url, logger: silent, ...options });
  closing.push(() => store.close());
  return store;
}

async function openServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const server = await startRedisServer(options);
  closing.push(() => server.stop());
  return server;
}

async function openProxy(url: string): Promise<RedisProxy> {
  const proxy = await startRedisProxy(url);
  closing.push(() => proxy.close());
  return proxy;
}

function newShard() {
  return {
    run: `run-${randomUUID()}`,
    monitor: 'm',
    service: 's',
    topic: 't',
    partition: 0,
  };
}

function commit(epoch: number, from: string | null, to: string) {
  const puts = new Map([['entry', Buffer.from(to)]]);
  return { epoch, expectedPosition: from, position: to, puts, deletes: [] };
}

describeWithRedis('Redis', (url) => {
  stateStoreContract('Redis', async () => createRedisStateStore({ url, logger: silent }));
  stateStoreContract('Redis with a key prefix', async () =>
    createRedisStateStore({ url, keyPrefix: 'team[a]*:', logger: silent }),
  );

  test('a lost reply to an applied commit is store-unknown, and readPosition shows the truth', async () => {
    const proxy = await openProxy(url);
    const store = open(proxy.url);
    const shard = newShard();
    const { epoch } = await store.claim(shard);
    await store.commit(shard, commit(epoch, null, '1'));
    proxy.losesReply = isCommit;
    await expect(store.commit(shard, commit(epoch, '1', '2'))).rejects.toMatchObject({
      code: 'dependency.store-unknown',
    });
    proxy.losesReply = () => false;
    expect(await store.readPosition(shard)).toBe('2');
    expect(await store.commit(shard, commit(epoch, '1', '2'))).toEqual({
      kind: 'position-mismatch',
      storedPosition: '2',
    });
    expect(await store.commit(shard, commit(epoch, '2', '3'))).toEqual({ kind: 'committed' });
  });

  test('a commit whose request is lost is store-unknown, was not applied, and may be made again', async () => {
    const proxy = await openProxy(url);
    const store = open(proxy.url);
    const shard = newShard();
    const { epoch } = await store.claim(shard);
    await store.commit(shard, commit(epoch, null, '1'));
    proxy.losesRequest = isCommit;
    await expect(store.commit(shard, commit(epoch, '1', '2'))).rejects.toMatchObject({
      code: 'dependency.store-unknown',
    });
    proxy.losesRequest = () => false;
    expect(await store.readPosition(shard)).toBe('1');
    expect(await store.commit(shard, commit(epoch, '1', '2'))).toEqual({ kind: 'committed' });
  });

  test('any number of lost requests and replies commits each step exactly once', async () => {
    const proxy = await openProxy(url);
    const store = open(proxy.url);
    const shard = newShard();
    const { epoch } = await store.claim(shard);
    let commits = 0;
    proxy.losesRequest = (request) => isCommit(request) && ++commits % 3 === 0;
    proxy.losesReply = (request) => isCommit(request) && commits % 2 === 0;
    let unknownCount = 0;
    for (let step = 1; step <= 60; step++) {
      const from = step === 1 ? null : String(step - 1);
      for (;;) {
        const settled = settleCommit(store, shard, commit(epoch, from, String(step)));
        const code = await codeOf(settled);
        if (code === 'none') break;
        // Not read back: the connection was cut under that request too, or it was never applied.
        expect(code).toMatch(/^dependency\.store/);
        unknownCount++;
        // The socket's end is noticed by the event loop, which a loop of microtasks would starve.
        await nextTurn();
      }
    }
    expect(unknownCount).toBeGreaterThan(20);
    const { position, entries } = await store.claim(shard);
    expect(position).toBe('60');
    expect(Buffer.from(entries.get('entry')!).toString()).toBe('60');
  });

  test('a connection that is cut is opened again, and one that is refused is dependency.store', async () => {
    const proxy = await openProxy(url);
    const store = open(proxy.url);
    const shard = newShard();
    const { epoch } = await store.claim(shard);
    proxy.refusing = true;
    proxy.cut();
    await expect
      .poll(() => codeOf(store.commit(shard, commit(epoch, null, '1'))))
      .toBe('dependency.store');
    expect(await codeOf(store.ping())).toBe('dependency.store');
    proxy.refusing = false;
    expect(await store.commit(shard, commit(epoch, null, '1'))).toEqual({ kind: 'committed' });
  });

  test('a commit without an answer in time is store-unknown, a read is not', async () => {
    const proxy = await openProxy(url);
    const store = open(proxy.url, { requestTimeoutMs: 300 });
    const shard = newShard();
    const { epoch } = await store.claim(shard);
    proxy.hold();
    await expect(store.commit(shard, commit(epoch, null, '1'))).rejects.toMatchObject({
      code: 'dependency.store-unknown',
    });
    await expect(store.readPosition(shard)).rejects.toMatchObject({ code: 'dependency.store' });
    proxy.release();
    expect(await store.readPosition(shard)).toBe('1');
  });

  test('scripts forgotten by the server are sent again', async () => {
    const admin = new Redis(url);
    closing.push(() => admin.quit());
    const store = open(url);
    const shard = newShard();
    const { epoch } = await store.claim(shard);
    await store.commit(shard, commit(epoch, null, '1'));
    await admin.script('FLUSH');
    expect(await store.commit(shard, commit(epoch, '1', '2'))).toEqual({ kind: 'committed' });
    await admin.script('FLUSH');
    expect((await store.claim(shard)).epoch).toBe(2);
  });

  test('a replay run keeps a shard as one hash, which lives for the state lifetime from its last claim or commit', async () => {
    const admin = new Redis(url);
    closing.push(() => admin.quit());
    const store = open(url, { keyPrefix: 'p:' });
    const shard = { ...newShard(), monitor: 'a/{b}' };
    const key = `p:tg:{${shard.run}/a%2F%7Bb%7D/s/t/0}:state`;
    const { epoch } = await store.claim(shard);
    await store.commit(shard, commit(epoch, null, '9'));
    expect(await admin.hgetall(key)).toEqual({ '@epoch': '1', '@position': '9', '=entry': '9' });
    for (const refresh of [
      () => store.commit(shard, commit(epoch, '9', '10')),
      () => store.claim(shard),
    ]) {
      await admin.pexpire(key, 60_000);
      await refresh();
      const lifetimeMs = await admin.pttl(key);
      expect(lifetimeMs).toBeGreaterThan(STATE_LIFETIME_MS - 60_000);
      expect(lifetimeMs).toBeLessThanOrEqual(STATE_LIFETIME_MS);
    }
  });

  test('a shard of the live run lives for ever', async () => {
    const admin = new Redis(url);
    closing.push(() => admin.quit());
    const store = open(url);
    const shard = { ...newShard(), run: 'live', monitor: newShard().run };
    const { epoch } = await store.claim(shard);
    await store.commit(shard, commit(epoch, null, '9'));
    expect(await admin.pttl(`tg:{live/${shard.monitor}/s/t/0}:state`)).toBe(-1);
  });

  test('a key that is not ours is refused and left alone', async () => {
    const admin = new Redis(url);
    closing.push(() => admin.quit());
    const store = open(url);
    const shard = newShard();
    const key = `tg:{${shard.run}/m/s/t/0}:state`;
    await admin.set(key, 'something else');
    await expect(store.claim(shard)).rejects.toMatchObject({
      code: 'dependency.store',
      message: expect.stringContaining('WRONGTYPE'),
    });
    await expect(store.commit(shard, commit(1, null, '1'))).rejects.toMatchObject({
      code: 'dependency.store',
    });
    expect(await admin.get(key)).toBe('something else');
    await admin.del(key);
  });
});

describeWithOwnRedis('Redis of its own', () => {
  test('a commit that never reached Redis is dependency.store, and nothing is sent later', async () => {
    const server = await openServer();
    const store = open(server.url);
    const shard = newShard();
    const { epoch } = await store.claim(shard);
    await store.commit(shard, commit(epoch, null, '1'));
    await server.kill();
    await expect
      .poll(() => codeOf(store.commit(shard, commit(epoch, '1', '2'))))
      .toBe('dependency.store');
    await expect(store.ping()).rejects.toMatchObject({
      code: 'dependency.store',
      message: expect.stringContaining(`127.0.0.1:${server.port}`),
    });
    await openServer({ port: server.port });
    await store.ping();
    expect(await store.readPosition(shard)).toBeNull();
    expect(await store.claim(shard)).toEqual({ epoch: 1, position: null, entries: new Map() });
    expect(await store.commit(shard, commit(1, null, '3'))).toEqual({ kind: 'committed' });
  });

  test('a commit refused for want of memory is dependency.store and changes nothing', async () => {
    const server = await openServer();
    const store = open(server.url);
    const shard = newShard();
    const { epoch } = await store.claim(shard);
    await store.commit(shard, commit(epoch, null, '1'));
    const admin = new Redis(server.url);
    closing.push(() => admin.quit());
    await admin.config('SET', 'maxmemory', '1');
    await expect(store.commit(shard, commit(epoch, '1', '2'))).rejects.toMatchObject({
      code: 'dependency.store',
      message: expect.stringContaining('OOM'),
    });
    await admin.config('SET', 'maxmemory', '0');
    expect(await store.readPosition(shard)).toBe('1');
    expect(await store.commit(shard, commit(epoch, '1', '2'))).toEqual({ kind: 'committed' });
  });

  test('no password reaches an error or a log line', async () => {
    const server = await openServer({ settings: ['--requirepass', 'the right one'] });
    const lines: string[] = [];
    const note = (fields: object, message: string) => {
      lines.push(message + JSON.stringify(fields));
    };
    const logger: Logger = { debug: note, info: note, warn: note, error: note };
    const address = `127.0.0.1:${server.port}`;
    const good = open(`redis://default:the%20right%20one@${address}`, { logger });
    await good.ping();
    const bad = open(`redis://user:hunter2@${address}/0`, { logger });
    const error = await bad.ping().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'dependency.store' });
    expect(String(error)).toContain('WRONGPASS');
    await server.kill();
    await expect.poll(() => codeOf(good.ping())).toBe('dependency.store');
    const lost = await good.ping().catch((reason: unknown) => reason);
    for (const text of [...lines, ...[error, lost].flatMap(everything)]) {
      expect(text).not.toMatch(/hunter2|the right one|the%20right/);
    }
  });

  test('a Redis that may evict state is warned about once', async () => {
    const server = await openServer({ settings: ['--maxmemory-policy', 'allkeys-lru'] });
    const warnings: object[] = [];
    const logger: Logger = { ...silent, warn: (fields) => warnings.push(fields) };
    const store = open(server.url, { logger });
    await store.ping();
    await expect.poll(() => warnings).toHaveLength(1);
    await server.kill();
    await openServer({ port: server.port, settings: ['--maxmemory-policy', 'allkeys-lru'] });
    await expect.poll(() => codeOf(store.ping())).toBe('none');
    await store.ping();
    expect(warnings).toEqual([{ redis: `127.0.0.1:${server.port}`, policy: 'allkeys-lru' }]);
  });
});

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'none';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

/** All that a logger could find on an error: its text, its stack, its properties, its causes. */
function everything(error: unknown): string[] {
  if (!(error instanceof Error)) return [JSON.stringify(error)];
  return [String(error), error.stack ?? '', JSON.stringify(error), ...everything(error.cause ?? 0)];
}
