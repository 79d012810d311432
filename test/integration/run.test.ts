/**
 * Every service in a process of its own, as containers run them; then the same stretch of the topic
 * through `tidegauge replay`: the reports must be those of the live run.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Report, reportCodec } from '../../services/core/message/report.ts';
import { createKafkaBus } from '../../services/platform/bus/kafka-bus.ts';
import { createSystemClock } from '../../services/platform/clock/system-clock.ts';
import { createMemoryTelemetry } from '../../services/platform/telemetry/memory-telemetry.ts';
import {
  CREDIT_START_MS,
  creditStream,
  type OwnBundle,
  ownCreditBundle,
  produceCreditStream,
} from '../support/credit-stream.ts';
import { describeWithKafkaAndRedis } from '../support/require-real.ts';
import { type Running, startTidegauge, tidegauge } from '../support/tidegauge.ts';

const SERVICES = ['alerting', 'evaluator', 'drift-aggregator', 'inference-worker', 'validator'];
const COMPLETE_WINDOWS = 3;

describeWithKafkaAndRedis('tidegauge run', ({ brokers, redisUrl }) => {
  let bundle: OwnBundle;
  const running: Running[] = [];

  beforeAll(async () => {
    bundle = await ownCreditBundle();
  });

  afterAll(async () => {
    for (const service of running) service.process.kill('SIGKILL');
    await bundle?.remove();
  });

  it('judges the windows that a replay of the topic judges, the same way', async () => {
    const bus = createKafkaBus({
      brokers: brokers.split(','),
      clientId: 'test',
      clock: createSystemClock(),
      logger: createMemoryTelemetry().logger('test'),
    });
    const topic = bundle.topic('events');
    // The events' own timestamps are months old: only what the services write is left to retention.
    await bus.ensureTopics([{ topic, partitionCount: 3, settings: { 'retention.ms': '-1' } }]);
    const live = ['--bundle', bundle.directory, '--brokers', brokers, '--redis', redisUrl];
    for (const service of SERVICES) {
      running.push(
        startTidegauge(['run', service, ...live, '--http', '127.0.0.1:0', '--json'], {
          LOG_LEVEL: 'warn',
        }),
      );
    }
    for (const service of running)
      expect(await service.firstLine()).toMatchObject({ state: 'ready' });

    const stream = await creditStream({
      count: 4_800,
      driftStartMs: CREDIT_START_MS + 10 * 60_000,
    });
    await produceCreditStream(bus, topic, stream);

    const reports = await liveReports();
    for (const service of running) expect(await service.stop(), service.stderr()).toBe(0);
    const replayed = await tidegauge([
      'replay',
      '--bundle',
      bundle.directory,
      '--topic',
      topic,
      '--brokers',
      brokers,
      '--json',
    ]);
    await bus.close();

    expect(replayed.code).toBe(0);
    const result = replayed.json() as { windows: ReplayedWindow[] } & Record<string, unknown>;
    expect(result).toMatchObject({
      events: stream.records.length,
      valid: stream.goodCount,
      quarantined: stream.badCount,
      predictions: stream.goodCount,
    });
    expect(result.windows.slice(0, COMPLETE_WINDOWS)).toEqual(
      JSON.parse(JSON.stringify(asWindows(reports))),
    );

    async function liveReports(): Promise<readonly Report[]> {
      const at = { topic: bundle.topic('reports'), partition: 0 };
      const deadline = performance.now() + 60_000;
      for (;;) {
        const { next } = await bus.offsets(at);
        const found: Report[] = [];
        for await (const record of bus.read(at, 0, next))
          found.push(reportCodec.decode(record.value!));
        const whole = found.filter((report) => report.slice === '');
        if (whole.length >= COMPLETE_WINDOWS || performance.now() > deadline) return found;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  }, 180_000);
});

interface ReplayedWindow {
  readonly start: string;
  readonly end: string;
}

/** The live reports in the shape `replay --json` prints. */
function asWindows(reports: readonly Report[]) {
  const slice = ({ revision, count, verdict, budget, columns }: Report) => ({
    revision,
    n: count,
    verdict,
    budget,
    columns: Object.fromEntries(
      columns.map((column) => [
        column.name,
        {
          distances: column.distances,
          threshold: column.threshold,
          verdict: column.verdict,
          count: column.count,
          missing: column.missingCount,
          statistics: column.statistics,
          decisive: column.decisive,
          shape: column.shape,
          bins: column.verdict === 'drift' ? column.bins : [],
          sentence: column.sentence,
        },
      ]),
    ),
  });
  return reports
    .filter((report) => report.slice === '')
    .map((whole) => ({
      start: new Date(whole.windowStartMs).toISOString(),
      end: new Date(whole.windowEndMs).toISOString(),
      slideMs: whole.windowSlideMs,
      baseline: whole.baseline,
      ...slice(whole),
      slices: Object.fromEntries(
        reports
          .filter((report) => report.slice !== '' && report.windowStartMs === whole.windowStartMs)
          .map((report) => [report.slice, slice(report)]),
      ),
    }));
}
