/**
 * One event's trace through validator, inference-worker and drift-aggregator, read back from a real
 * OTLP receiver: one trace id, every span a child of the producer's and linked to it.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { generateEvents } from '../../deploy/examples/credit-default/generate.mjs';
import { createKafkaBus } from '../../services/platform/bus/kafka-bus.ts';
import { createSystemClock } from '../../services/platform/clock/system-clock.ts';
import { createMemoryTelemetry } from '../../services/platform/telemetry/memory-telemetry.ts';
import { CREDIT_START_MS, type OwnBundle, ownCreditBundle } from '../support/credit-stream.ts';
import {
  type OtlpReceiver,
  type ReceivedSpan,
  startOtlpReceiver,
} from '../support/otlp-receiver.ts';
import { describeWithKafkaAndRedis } from '../support/require-real.ts';
import { type Running, startTidegauge } from '../support/tidegauge.ts';

describeWithKafkaAndRedis('a trace', ({ brokers, redisUrl }) => {
  let receiver: OtlpReceiver;
  let bundle: OwnBundle;
  let running: Running;

  beforeAll(async () => {
    receiver = await startOtlpReceiver();
    bundle = await ownCreditBundle();
  });

  afterAll(async () => {
    running?.process.kill('SIGKILL');
    await receiver?.close();
    await bundle?.remove();
  });

  it('runs from the producer through every hop', async () => {
    const bus = createKafkaBus({
      brokers: brokers.split(','),
      clientId: `test-${randomUUID()}`,
      clock: createSystemClock(),
      logger: createMemoryTelemetry().logger('test'),
    });
    const topic = bundle.topic('events');
    await bus.ensureTopics([{ topic, partitionCount: 1 }]);
    running = startTidegauge(
      [
        'up',
        '--bundle',
        bundle.directory,
        '--brokers',
        brokers,
        '--redis',
        redisUrl,
        '--http',
        '127.0.0.1:0',
        '--json',
      ],
      {
        LOG_LEVEL: 'warn',
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        OTEL_BSP_SCHEDULE_DELAY: '200',
      },
    );
    await running.firstLine();

    const traceId = randomBytes(16).toString('hex');
    const spanId = randomBytes(8).toString('hex');
    const [record] = generateEvents({
      seed: 5,
      count: 1,
      startMs: CREDIT_START_MS,
      eventsPerSecond: 1,
      badShare: 0,
      driftStartMs: null,
    });
    if (record?.kind !== 'good') throw new Error('the generator gave no good event');
    await bus.produce([
      {
        topic,
        partition: 0,
        key: null,
        value: Buffer.from(JSON.stringify(record.event)),
        headers: { traceparent: Buffer.from(`00-${traceId}-${spanId}-01`) },
        timestampMs: null,
      },
    ]);
    await bus.close();

    // The aggregator sees the event twice: on `valid` and as a prediction.
    const hops = [
      ['validator', topic],
      ['inference-worker', bundle.topic('valid')],
      ['drift-aggregator', bundle.topic('valid')],
      ['drift-aggregator', bundle.topic('predictions')],
    ];
    const isHop = (span: ReceivedSpan) =>
      span.traceId === traceId &&
      hops.some(([service]) => service === span.attributes['tidegauge.service']);
    const received = await receiver.waitForSpans(
      (all) => all.filter(isHop).length >= hops.length,
      30_000,
    );
    const spans = received.filter(isHop);
    const seen = spans.map((span) => [
      span.attributes['tidegauge.service'],
      span.attributes['messaging.destination.name'],
    ]);
    expect(seen.toSorted()).toEqual(hops.toSorted());
    for (const span of spans) {
      expect(span.name).toBe(`process ${span.attributes['messaging.destination.name']}`);
      expect(span.parentSpanId).toBe(spanId);
      expect(span.links.map((link) => [link.traceId, link.spanId])).toEqual([[traceId, spanId]]);
      expect(span.attributes).toMatchObject({
        'messaging.system': 'kafka',
        'messaging.operation.type': 'process',
        'messaging.batch.message_count': 1,
      });
    }
    expect(await running.stop()).toBe(0);
    const names = new Set(receiver.metrics().map((metric) => metric.name));
    expect([...names]).toEqual(
      expect.arrayContaining([
        'tidegauge.validator.events',
        'tidegauge.inference.events',
        'tidegauge.aggregator.records',
      ]),
    );
  }, 90_000);
});
