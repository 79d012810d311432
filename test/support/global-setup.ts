/**
 * Gives a test run its Kafka and its Redis, and nothing to a run that needs neither.
 *
 * Which of them is needed is read from the test files about to run: those that use the functions of
 * `require-real.ts`. `KAFKA_BROKERS` and `REDIS_URL` win; otherwise one is started on a free port if
 * this machine can; where it cannot, the reason is printed and passed on, and the suites are skipped
 * with it. With `TIDEGAUGE_REQUIRE_REAL=1` a missing one fails the run instead.
 */
import { readFileSync } from 'node:fs';
import type { TestProject } from 'vitest/node';

interface Dependency {
  readonly name: string;
  /** Where the user names one that runs already. */
  readonly given: string;
  /** Where the tests find the address. */
  readonly variable: string;
  /** What the source of a test file that needs it mentions. */
  readonly mention: RegExp;
  /** Loaded when needed: a run of one unit test should not wait for it. */
  load(): Promise<Runtime>;
}

interface Runtime {
  find(): { readonly ok: true } | { readonly ok: false; readonly reason: string };
  start(): Promise<{ readonly address: string; stop(): Promise<void> }>;
}

const DEPENDENCIES: readonly Dependency[] = [
  {
    name: 'Kafka',
    given: 'KAFKA_BROKERS',
    variable: 'TIDEGAUGE_TEST_KAFKA',
    mention: /describeWithKafka|TIDEGAUGE_TEST_KAFKA/,
    async load() {
      const { findKafkaRuntime, startKafkaServer } = await import('./kafka-server.ts');
      return {
        find: findKafkaRuntime,
        async start() {
          const server = await startKafkaServer();
          return { address: server.brokers, stop: () => server.stop() };
        },
      };
    },
  },
  {
    name: 'Redis',
    given: 'REDIS_URL',
    variable: 'TIDEGAUGE_TEST_REDIS',
    mention: /describeWith(KafkaAnd)?Redis|TIDEGAUGE_TEST_REDIS/,
    async load() {
      const { findRedisServer, startRedisServer } = await import('./redis-server.ts');
      return {
        find: findRedisServer,
        async start() {
          const server = await startRedisServer();
          return { address: server.url, stop: () => server.stop() };
        },
      };
    },
  },
];

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const sources = project.vitest.state.getPaths().map((path) => readFileSync(path, 'utf8'));
  const needed = DEPENDENCIES.filter(({ mention }) => sources.some((text) => mention.test(text)));
  const provided = await Promise.all(needed.map(provide));
  const stopAll = async () => {
    await Promise.all(provided.map(({ stop }) => stop()));
  };
  const missing = provided.flatMap(({ missing }) => (missing === null ? [] : [missing]));
  if (missing.length > 0 && process.env.TIDEGAUGE_REQUIRE_REAL === '1') {
    await stopAll();
    throw new Error(`TIDEGAUGE_REQUIRE_REAL=1, but ${missing.join('; ')}`);
  }
  return stopAll;
}

interface Provision {
  readonly missing: string | null;
  stop(): Promise<void>;
}

/** Never rejects: what cannot be had is missing, with the reason. */
async function provide(dependency: Dependency): Promise<Provision> {
  const { name, given, variable } = dependency;
  const address = process.env[given];
  if (address !== undefined && address !== '') {
    announce(`${name}: the one of ${given}`);
    process.env[variable] = address;
    return { missing: null, async stop() {} };
  }
  try {
    const startedMs = performance.now();
    const server = await startFound(dependency);
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
    announce(`${name}: started for this run at ${server.address} in ${seconds} s`);
    process.env[variable] = server.address;
    return { missing: null, stop: () => server.stop() };
  } catch (error) {
    const reason = reasonOf(error);
    announce(`${name}: none, its tests are skipped: ${reason}`);
    process.env[`${variable}_MISSING`] = reason.split('\n', 1)[0];
    return { missing: `there is no ${name}: ${reason}`, async stop() {} };
  }
}

async function startFound(dependency: Dependency): ReturnType<Runtime['start']> {
  const runtime = await dependency.load();
  const found = runtime.find();
  if (!found.ok) throw new Error(`${dependency.given} is not set and ${found.reason}`);
  return runtime.start();
}

function announce(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** With what caused it, down to the first cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${reasonOf(error.cause)}`;
}
