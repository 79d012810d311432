/**
 * A replay under a name on real Kafka and Redis: killed at random points and started again, shared by
 * several processes, held against the live run, and tried with a changed monitor.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { reportCodec } from '../../services/core/message/report.ts';
import { runTopics } from '../../services/core/message/topics.ts';
import type { Bus } from '../../services/platform/bus/bus.ts';
import { createKafkaBus } from '../../services/platform/bus/kafka-bus.ts';
import { createSystemClock } from '../../services/platform/clock/system-clock.ts';
import { loadBundle } from '../../services/platform/config/load-bundle.ts';
import { createMemoryTelemetry } from '../../services/platform/telemetry/memory-telemetry.ts';
import {
  CREDIT_START_MS,
  creditStream,
  type OwnBundle,
  ownCreditBundle,
  produceCreditStream,
} from '../support/credit-stream.ts';
import { describeWithKafkaAndRedis } from '../support/require-real.ts';
import { startTidegauge, tidegauge } from '../support/tidegauge.ts';

const EVENT_COUNT = 4_800;
const COMPLETE_WINDOWS = 3;
const KILLS = 4;
/** A group gives the partitions of who was killed away when its session is over. */
const ENVIRONMENT = { KAFKA_SESSION_TIMEOUT_MS: '6000', LOG_LEVEL: 'error' };

interface Result {
  readonly run?: { readonly name: string; readonly id: string };
  readonly comparison: {
    readonly equal: boolean;
    readonly firstDifference: string | null;
    readonly panes: { readonly compared: number };
    readonly reports: { readonly compared: number };
    readonly sha256: { readonly live: string; readonly run: string };
  };
  readonly alertsCompared: readonly Readonly<Record<string, string | null>>[];
}

describeWithKafkaAndRedis('tidegauge replay --run', ({ brokers, redisUrl }) => {
  let bundle: OwnBundle;
  let bus: Bus;
  let onKafka: readonly string[];
  /** Of a replay in memory, in one go. */
  let expected: Result;

  beforeAll(async () => {
    bundle = await ownCreditBundle();
    bus = createKafkaBus({
      brokers: brokers.split(','),
      clientId: 'test',
      clock: createSystemClock(),
      logger: createMemoryTelemetry().logger('test'),
    });
    onKafka = ['--brokers', brokers, '--redis', redisUrl];
    await runLive();
    const finished = await tidegauge([...replayArgs(), '--compare', 'live'], ENVIRONMENT);
    expect(finished.stderr).not.toContain('tidegauge:');
    expected = finished.json() as unknown as Result;
  }, 180_000);

  afterAll(async () => {
    await bus?.close();
    await bundle?.remove();
  });

  function replayArgs(directory = bundle.directory): readonly string[] {
    const source = ['--topic', bundle.topic('events'), '--brokers', brokers];
    return ['replay', '--bundle', directory, ...source, '--json'];
  }

  function named(name: string, ...more: readonly string[]): readonly string[] {
    return [...replayArgs(), '--redis', redisUrl, '--run', name, ...more];
  }

  async function runLive(): Promise<void> {
    const topic = bundle.topic('events');
    // The events' own timestamps are months old: only what the services write is left to retention.
    await bus.ensureTopics([{ topic, partitionCount: 3, settings: { 'retention.ms': '-1' } }]);
    const live = startTidegauge(
      ['up', '--bundle', bundle.directory, ...onKafka, '--http', '127.0.0.1:0', '--json'],
      ENVIRONMENT,
    );
    expect(await live.firstLine()).toMatchObject({ state: 'ready' });
    const driftStartMs = CREDIT_START_MS + 10 * 60_000;
    const stream = await creditStream({ count: EVENT_COUNT, driftStartMs });
    await produceCreditStream(bus, topic, stream);
    await vi.waitFor(async () => expect(await liveReportCount()).toBe(COMPLETE_WINDOWS), {
      ...{ timeout: 60_000, interval: 500 },
    });
    expect(await live.stop(), live.stderr()).toBe(0);
  }

  async function liveReportCount(): Promise<number> {
    const at = { topic: bundle.topic('reports'), partition: 0 };
    const { next } = await bus.offsets(at);
    let count = 0;
    for await (const { value } of bus.read(at, 0, next)) {
      if (reportCodec.decode(value!).slice === '') count += 1;
    }
    return count;
  }

  async function topicsLeft({ run }: Result): Promise<readonly string[]> {
    const loaded = await loadBundle(bundle.directory);
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const topics = Object.values(runTopics(loaded.bundle.monitor, run!.id));
    const counts = await Promise.all(topics.map((topic) => bus.partitionCount(topic)));
    return topics.filter((_, index) => counts[index] !== null);
  }

  it('measures and judges in memory what the live run has', () => {
    const { comparison } = expected;
    expect(comparison).toMatchObject({ equal: true, firstDifference: null });
    expect(comparison.panes.compared).toBeGreaterThan(50);
    expect(comparison.reports.compared).toBeGreaterThanOrEqual(COMPLETE_WINDOWS);
    expect(comparison.sha256.live).toBe(comparison.sha256.run);
    expect(expected.alertsCompared.length).toBeGreaterThan(0);
    for (const { left, right } of expected.alertsCompared) expect(left).toBe(right);
  });

  it('goes on after every SIGKILL, and ends with the result of a run that nobody killed', async () => {
    const args = named('killed', '--keep', '--rate', '700', '--compare', 'live');
    const lived: number[] = [];
    for (let kill = 0; kill < KILLS; kill += 1) {
      const running = startTidegauge(args, ENVIRONMENT);
      lived.push(500 + Math.round(Math.random() * 4_000));
      await new Promise((resolve) => setTimeout(resolve, lived.at(-1)));
      running.process.kill('SIGKILL');
      await running.exited;
    }
    const { run, ...result } = await finished(args, `killed after ${lived} ms`);
    expect(run?.name).toBe('killed');
    expect(result).toEqual(expected);

    const again = await finished(args, 'asked again');
    expect(again).toEqual({ run, ...result });
    expect(await topicsLeft(again)).toHaveLength(8);

    const refused = await tidegauge([...args, '--from', '100'], ENVIRONMENT);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('from was earliest, is offset 100');

    const last = await finished(
      args.filter((arg) => arg !== '--keep'),
      'asked for the last time',
    );
    expect(last).toEqual(again);
    await expect.poll(() => topicsLeft(last), { timeout: 10_000 }).toEqual([]);
  }, 240_000);

  it('is shared with services in other processes, which end with it', async () => {
    const joining = ['--bundle', bundle.directory, ...onKafka, '--run', 'shared'];
    const aggregators = [0, 1].map(() =>
      startTidegauge(
        ['run', 'drift-aggregator', ...joining, '--http', '127.0.0.1:0', '--json'],
        ENVIRONMENT,
      ),
    );
    const args = named('shared', '--rate', '700', '--compare', 'live');
    const { run: _, ...result } = await finished(args, 'shared');
    expect(result).toEqual(expected);
    for (const aggregator of aggregators) {
      expect(await aggregator.exited, aggregator.stderr()).toBe(0);
      expect(aggregator.stdout()).toContain('"ready"');
    }
  }, 120_000);

  it('shows beside the live alerts what a changed monitor would have said', async () => {
    const patient = await ownCreditBundle();
    try {
      const file = join(bundle.directory, 'monitor.yaml');
      const text = (await readFile(file, 'utf8')).replace('forWindows: 1', 'forWindows: 2');
      await writeFile(join(patient.directory, 'monitor.yaml'), text);
      const args = [...replayArgs(patient.directory), '--compare', 'live'];
      const { alertsCompared, comparison } = (
        await tidegauge(args, ENVIRONMENT)
      ).json() as unknown as Result;
      expect(comparison.equal).toBe(true);
      const [first] = expected.alertsCompared;
      expect(alertsCompared[0]).toEqual({ ...first, left: 'firing', right: null });
    } finally {
      await patient.remove();
    }
  }, 60_000);

  describe('against a live run it cannot agree with', () => {
    it('names the first pane and column that differ', async () => {
      const other = await ownCreditBundle();
      try {
        const file = join(bundle.directory, 'monitor.yaml');
        const text = (await readFile(file, 'utf8')).replace('range: [18, 120]', 'range: [30, 120]');
        await writeFile(join(other.directory, 'monitor.yaml'), text);
        const run = await tidegauge(
          [...replayArgs(other.directory), '--compare', 'live'],
          ENVIRONMENT,
        );
        expect(run.code).toBe(1);
        const { comparison } = run.json() as unknown as Result;
        expect(comparison.equal).toBe(false);
        expect(comparison.firstDifference).toMatch(
          /^sealed pane 2026-03-02T00:00:00.000Z to .* of events, partition 0: live has \d+ events, the replay \d+/,
        );
        expect(comparison.sha256.live).not.toBe(comparison.sha256.run);
      } finally {
        await other.remove();
      }
    }, 60_000);
  });

  async function finished(args: readonly string[], what: string): Promise<Result> {
    const run = await tidegauge(args, ENVIRONMENT);
    expect(run.code, `${what}\n${run.stderr}`).toBe(0);
    return run.json() as unknown as Result;
  }
});
