/**
 * `tidegauge up` while its Redis is killed, emptied, or set back to an older copy: it says so, waits or
 * rebuilds, and every event is counted once in the end.
 */
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type LiveCredit, startLiveCredit } from '../support/live-credit.ts';
import { freePort, type RedisServer, startRedisServer } from '../support/redis-server.ts';
import { describeWithKafka, describeWithOwnRedis } from '../support/require-real.ts';

/** Thirds of seven and a half minutes: each completes a pane of five. */
const EVENT_COUNT = 5_400;
const OUTAGE_MS = 20_000;
const WAIT_MS = 30_000;
const TEST_MS = 150_000;
const SLICE = 40;

const every = (intervalMs: number) => ({ timeout: WAIT_MS, interval: intervalMs });
const REBUILD = /"level":"?(error|50)"?[^\n]*rebuilding the state from the log/;

describeWithKafka('a Redis that goes away', (brokers) => {
  describeWithOwnRedis('with files of its own', () => {
    let folder: string;
    let port: number;
    let redis: RedisServer;
    let live: LiveCredit;
    let thirds: readonly LiveCredit['events'][];

    const startRedis = async () => {
      redis = await startRedisServer({ port, folder: join(folder, 'data') });
    };

    const flush = async () => {
      const admin = new Redis(redis.url);
      await admin.flushall();
      await admin.quit();
    };

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'tidegauge-outage-'));
      await mkdir(join(folder, 'data'));
      port = await freePort();
      await startRedis();
      live = await startLiveCredit(brokers, EVENT_COUNT);
      const third = Math.ceil(live.events.length / 3);
      thirds = [0, 1, 2].map((index) => live.events.slice(index * third, (index + 1) * third));
    });

    afterEach(async () => {
      await live.close();
      await redis.stop();
      await rm(folder, { recursive: true, force: true });
    });

    /** Sent, scored, and measured: panes of both sources have come out. */
    async function sendAndAwait(events: LiveCredit['events'], soFar: number): Promise<void> {
      await live.send(events);
      const total = soFar + events.length;
      await expect.poll(() => live.sizeOf('predictions'), every(250)).toBeGreaterThanOrEqual(total);
      await expect.poll(() => live.countIn('predictions'), every(250)).toBeGreaterThan(soFar / 2);
    }

    async function sendOver(durationMs: number, events: LiveCredit['events']): Promise<void> {
      for (let from = 0; from < events.length; from += SLICE) {
        await live.send(events.slice(from, from + SLICE));
        await sleep((durationMs * SLICE) / events.length);
      }
    }

    async function expectEverythingCounted(): Promise<void> {
      await live.sendClosing();
      const { length } = live.events;
      await expect.poll(() => live.countIn('events'), every(500)).toBe(length);
      await expect.poll(() => live.countIn('predictions'), every(500)).toBe(length);
      expect(await live.stop()).toBe(0);
      expect(await live.countIn('events')).toBe(length);
      expect(await live.countIn('predictions')).toBe(length);
      await live.checkReports();
    }

    test(
      'stops consumption and readiness, and nothing is lost when it comes back',
      async () => {
        const address = await live.start(redis.url);
        await sendAndAwait(thirds[0]!, 0);
        await redis.kill();
        const downSinceMs = performance.now();
        const committed = async () => {
          const group = `tidegauge.${live.monitor}.live.drift-aggregator`;
          const at = { topic: live.topic('valid'), partition: 0 };
          return (await live.bus.committed(group, at))?.offset ?? null;
        };
        const sending = sendOver(OUTAGE_MS / 2, thirds[1]!);

        const readyStatus = async () => (await fetch(`${address}/readyz`)).status;
        await expect.poll(readyStatus, every(100)).toBe(503);
        const noticedMs = performance.now() - downSinceMs;
        expect(noticedMs).toBeLessThan(10_000);
        const { components } = (await (await fetch(`${address}/readyz`)).json()) as {
          readonly components: readonly { name: string; status: string; reason: string }[];
        };
        expect(components).toContainEqual({
          name: 'drift-aggregator',
          status: 'degraded',
          reason: expect.stringContaining(`Redis at 127.0.0.1:${port}`),
        });
        const committedWhileDown = await committed();
        await sending;
        while (performance.now() - downSinceMs < OUTAGE_MS) {
          expect((await fetch(`${address}/livez`)).status).toBe(200);
          expect(await readyStatus()).toBe(503);
          await sleep(500);
        }
        expect(await committed()).toBe(committedWhileDown);

        await startRedis();
        await expect.poll(readyStatus, every(100)).toBe(200);
        await live.send(thirds[2]!);
        await expectEverythingCounted();
        expect(live.log()).not.toMatch(REBUILD);
      },
      TEST_MS,
    );

    test(
      'and comes back empty while the services run: state is rebuilt from the log',
      async () => {
        await live.start(redis.url);
        await sendAndAwait(thirds[0]!, 0);
        const sending = sendOver(4_000, live.events.slice(thirds[0]!.length));
        for (let emptied = 0; emptied < 5; emptied++) {
          await flush();
          await sleep(700);
        }
        await sending;
        await expectEverythingCounted();
        expect(live.log()).toMatch(REBUILD);
      },
      TEST_MS,
    );

    test(
      'and comes back empty while the services are stopped: state is rebuilt from the log',
      async () => {
        await live.start(redis.url);
        await sendAndAwait(thirds[0]!, 0);
        expect(await live.stop()).toBe(0);
        await flush();
        await live.start(redis.url);
        await sendAndAwait(thirds[1]!, thirds[0]!.length);
        await live.send(thirds[2]!);
        await expectEverythingCounted();
        expect(live.log()).toMatch(REBUILD);
      },
      TEST_MS,
    );

    test(
      'and comes back from an older copy: what was done since is not done twice',
      async () => {
        const data = join(folder, 'data');
        await live.start(redis.url);
        await sendAndAwait(thirds[0]!, 0);
        await redis.kill();
        await cp(data, join(folder, 'copy'), { recursive: true });
        await startRedis();
        await sendAndAwait(thirds[1]!, thirds[0]!.length);
        await redis.kill();
        await rm(data, { recursive: true });
        await cp(join(folder, 'copy'), data, { recursive: true });
        await startRedis();
        await live.send(thirds[2]!);
        await expectEverythingCounted();
        expect(live.log()).toMatch(REBUILD);
      },
      TEST_MS,
    );
  });
});
