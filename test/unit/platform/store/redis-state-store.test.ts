/** What the Redis StateStore refuses before it connects to anything. */
import { expect, test } from 'vitest';
import { createRedisStateStore } from '../../../../services/platform/store/redis-state-store.ts';
import type { Logger } from '../../../../services/platform/telemetry/telemetry.ts';

const logger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

test.each([
  '',
  'not a url: hunter2',
  'http://user:hunter2@127.0.0.1:6379',
  'redis://',
  'redis://user:hunter2@127.0.0.1:6379/one',
  'redis://user:hunter2@127.0.0.1:99999',
])('a wrong URL is refused without being shown: %j', (url) => {
  const create = () => createRedisStateStore({ url, logger });
  expect(create).toThrow(expect.objectContaining({ code: 'configuration.invalid' }));
  expect(create).toThrow(/redis:\/\/host:6379/);
  expect(create).not.toThrow(/hunter2/);
});

test.each(['{', 'a}', '{tag}:'])(
  'a key prefix that would be the hash tag is refused: %s',
  (keyPrefix) => {
    expect(() => createRedisStateStore({ url: 'redis://127.0.0.1', keyPrefix, logger })).toThrow(
      expect.objectContaining({ code: 'configuration.invalid' }),
    );
  },
);

test('a store that is made and closed without use opens no connection', async () => {
  const store = createRedisStateStore({ url: 'redis://127.0.0.1:1', logger });
  await store.close();
  await store.close();
  await expect(store.ping()).rejects.toMatchObject({ code: 'dependency.store' });
});

test('a Redis that is not there is dependency.store and says where it should be', async () => {
  const store = createRedisStateStore({ url: 'redis://user:hunter2@127.0.0.1:1', logger });
  const shard = { run: 'live', monitor: 'm', service: 's', topic: 't', partition: 0 };
  const error = await store.claim(shard).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: 'dependency.store' });
  expect(String(error)).toMatch(/127\.0\.0\.1:1: .*ECONNREFUSED/);
  expect(String(error)).not.toContain('hunter2');
  await store.close();
});
