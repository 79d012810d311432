/**
 * Suites that need a real Kafka or a real Redis.
 *
 * `test/support/global-setup.ts` looks for these functions in the files about to run, provides what
 * they need and passes the addresses on. Where something is missing the suite is skipped and says
 * why in its name; with `TIDEGAUGE_REQUIRE_REAL=1` the run has already failed before that.
 */
import { describe } from 'vitest';
import { findKafkaRuntime } from './kafka-runtime.ts';
import { findRedisServer } from './redis-server.ts';

/** The body gets the broker list, `host:port[,host:port]`. */
export function describeWithKafka(name: string, body: (brokers: string) => void): void {
  describeWith(name, body, 'TIDEGAUGE_TEST_KAFKA');
}

/** The body gets the URL, `redis://host:port`. */
export function describeWithRedis(name: string, body: (redisUrl: string) => void): void {
  describeWith(name, body, 'TIDEGAUGE_TEST_REDIS');
}

/** Both of them, for whole pipelines. */
export function describeWithKafkaAndRedis(
  name: string,
  body: (addresses: { readonly brokers: string; readonly redisUrl: string }) => void,
): void {
  describeWithKafka(name, (brokers) => {
    describeWithRedis('with Redis', (redisUrl) => body({ brokers, redisUrl }));
  });
}

/** For tests that stop, break or configure a Redis and therefore start their own. */
export function describeWithOwnRedis(name: string, body: () => void): void {
  const found = findRedisServer();
  if (found.ok) describe(name, body);
  else describe.skip(`${name} (skipped: ${found.reason})`, body);
}

/** For tests that kill brokers and therefore start their own. */
export function describeWithOwnKafka(name: string, body: () => void): void {
  const found = findKafkaRuntime();
  if (found.ok) describe(name, body);
  else describe.skip(`${name} (skipped: ${found.reason})`, body);
}

function describeWith(name: string, body: (address: string) => void, variable: string): void {
  const address = process.env[variable];
  if (address === undefined || address === '') {
    const reason = process.env[`${variable}_MISSING`] ?? `${variable} is not set`;
    describe.skip(`${name} (skipped: ${reason})`, () => body(''));
  } else {
    describe(name, () => body(address));
  }
}
