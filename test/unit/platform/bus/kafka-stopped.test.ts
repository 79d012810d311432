/** A runner of kafkajs that is stopped in the moment in which the brokers it reads from change. */
import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import { expect, it } from 'vitest';
import { teachKafkajsToStop } from '../../../../services/platform/bus/kafka-stopped.ts';

interface Runner {
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly consuming: boolean;
}

/** Far beyond what an orderly stop asks; a loop would never let the test's own timeout fire. */
const LOOKS_MAX = 1_000;

it('ends, though a rebalance of its fetchers was under way', async () => {
  teachKafkajsToStop();
  const require = createRequire(import.meta.url);
  const RunnerClass = require('kafkajs/src/consumer/runner') as new (options: unknown) => Runner;

  let nodeIds = [1, 2];
  let looks = 0;
  const arrivals: Array<() => void> = [];
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const logger = { ...silent, namespace: () => logger };
  const runner = new RunnerClass({
    logger,
    concurrency: 1,
    instrumentationEmitter: new EventEmitter(),
    retry: { retries: 0 },
    onCrash: () => {},
    consumerGroup: {
      connect: async () => {},
      joinAndSync: async () => {},
      heartbeat: async () => {},
      leave: async () => {},
      getNodeIds() {
        looks += 1;
        if (looks > LOOKS_MAX) throw new RangeError('its fetchers go on asking');
        return nodeIds;
      },
      // The slow broker answers when the test lets it, the other at once.
      fetch: (nodeId: number) =>
        new Promise<readonly unknown[]>((resolve) => {
          if (nodeId === 2) arrivals.push(() => resolve([]));
          else setTimeout(() => resolve([]), 1);
        }),
    },
  });

  await runner.start();
  await expect.poll(() => arrivals.length).toBe(1);
  nodeIds = [1, 2, 3];
  // The fetcher of broker 1 has asked for a rebalance, which waits for the one of broker 2.
  await new Promise((resolve) => setTimeout(resolve, 20));
  const stopped = runner.stop();
  arrivals.shift()?.();
  await stopped;

  expect(runner.consuming).toBe(false);
  expect(looks).toBeLessThan(LOOKS_MAX);
});
