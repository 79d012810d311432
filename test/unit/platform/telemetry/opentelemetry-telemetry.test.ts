/** The OpenTelemetry adapter: the contract over a real OTLP export, then its own behaviour. */

import { context, diag, metrics, propagation, trace } from '@opentelemetry/api';
import { afterEach, describe, expect, it } from 'vitest';
import { HEADER, headerBytes } from '../../../../services/core/message/header.ts';
import { parseTraceparent } from '../../../../services/core/message/trace-context.ts';
import type { Environment } from '../../../../services/platform/telemetry/opentelemetry-environment.ts';
import { telemetryContract } from '../../../contract/telemetry.contract.ts';
import { promSamples } from '../../../contract/telemetry-metrics.contract.ts';
import { createCapturedTelemetry as create } from '../../../support/captured-telemetry.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../../../support/otlp-receiver.ts';

const BATCH = { service: 's', topic: 't', group: 'g', recordCount: 1, headers: [{}] };
const EVENTS = { name: 'tidegauge.test.events', description: 'events', unit: '{event}' };

function jsonTo(receiver: OtlpReceiver, more: Environment = {}): Environment {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    ...more,
  };
}

telemetryContract('OpenTelemetry, exported by OTLP', async () => {
  const receiver = await startOtlpReceiver();
  const { telemetry, lines } = create(jsonTo(receiver));
  return {
    telemetry,
    async spans() {
      await telemetry.shutdown();
      return receiver.spans().map((span) => ({ ...span, failed: span.status.code === 2 }));
    },
    logs: () =>
      lines.map((line) => ({
        service: String(line.service),
        level: String(line.level),
        message: String(line.msg),
        fields: line,
        traceId: (line.trace_id as string | undefined) ?? null,
        spanId: (line.span_id as string | undefined) ?? null,
      })),
    async close() {
      await telemetry.shutdown();
      await receiver.close();
    },
  };
});

describe('OpenTelemetry telemetry', () => {
  const closing: (() => Promise<unknown>)[] = [];
  async function startReceiver() {
    const receiver = await startOtlpReceiver();
    closing.push(() => receiver.close());
    return receiver;
  }
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  it('exports spans and metrics with their resource, kind and schema', async () => {
    const receiver = await startReceiver();
    const { telemetry } = create(
      jsonTo(receiver, {
        OTEL_SERVICE_NAME: 'named',
        OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=prod,team=a%20b',
        OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=acme',
        OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'x-signal=traces',
      }),
    );
    telemetry.startProcessSpan(BATCH).end();
    telemetry.counter(EVENTS).cell({ outcome: 'valid' }).add(12);
    telemetry
      .histogram({ name: 'h', description: 'h', unit: 'ms', boundaries: [1, 2] })
      .record(1.5, {});
    await telemetry.shutdown();

    const [span] = receiver.spans();
    expect(span).toMatchObject({
      kind: 5,
      schemaUrl: 'https://opentelemetry.io/schemas/1.45.0',
      resource: {
        'service.name': 'named',
        'service.version': '1.2.3',
        'deployment.environment.name': 'prod',
        team: 'a b',
      },
    });
    expect(span!.endTimeNs).toBeGreaterThanOrEqual(span!.startTimeNs);
    const counter = receiver.metrics().find(({ name }) => name === EVENTS.name);
    expect(counter).toMatchObject({
      unit: '{event}',
      kind: 'sum',
      points: [{ attributes: { outcome: 'valid' }, value: 12 }],
    });
    const histogram = receiver.metrics().find(({ name }) => name === 'h');
    expect(histogram?.points[0]).toMatchObject({
      count: 1,
      bounds: [1, 2],
      bucketCounts: [0, 1, 0],
    });
    for (const { path, headers } of receiver.requests()) {
      expect(headers['x-tenant']).toBe('acme');
      expect(headers['x-signal']).toBe(path === '/v1/traces' ? 'traces' : undefined);
    }
  });

  it('sends protobuf unless told otherwise, to the endpoint of a signal as it is written', async () => {
    const receiver = await startReceiver();
    const { telemetry } = create({
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.endpoint}/custom/path`,
    });
    telemetry.startProcessSpan(BATCH).end();
    telemetry.counter(EVENTS).cell({}).add();
    await telemetry.shutdown();
    expect(receiver.requests().map(({ path, headers }) => [path, headers['content-type']])).toEqual(
      [['/custom/path', 'application/x-protobuf']],
    );
  });

  it('exports by itself, not only at the end', async () => {
    const receiver = await startReceiver();
    const { telemetry } = create(
      jsonTo(receiver, { OTEL_BSP_SCHEDULE_DELAY: '20', OTEL_METRIC_EXPORT_INTERVAL: '20' }),
    );
    closing.push(() => telemetry.shutdown());
    telemetry.counter(EVENTS).cell({}).add();
    telemetry.startProcessSpan(BATCH).end();
    await receiver.waitForSpans((spans) => spans.length === 1);
    while (receiver.metrics().length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
  });

  it('traces nothing without an endpoint, and still tells its metrics', async () => {
    const { telemetry } = create({});
    const span = telemetry.startProcessSpan(BATCH);
    expect(span.traceparent).toBeNull();
    expect(span.run(() => 'result')).toBe('result');
    span.end(new Error('no'));
    telemetry.counter(EVENTS).cell({ outcome: 'valid' }).add(2);
    const text = await telemetry.prometheusText();
    expect(promSamples(text, 'tidegauge_test_events_total')).toEqual({ '{outcome="valid"}': 2 });
    expect(text).toContain('service_name="tidegauge-test"');
    await telemetry.shutdown();
  });

  it.each([
    { OTEL_SDK_DISABLED: 'true' },
    { OTEL_TRACES_EXPORTER: 'none', OTEL_METRICS_EXPORTER: 'none' },
  ])('sends nothing with %o', async (more) => {
    const receiver = await startReceiver();
    const { telemetry } = create(jsonTo(receiver, more));
    telemetry.counter(EVENTS).cell({}).add();
    const span = telemetry.startProcessSpan(BATCH);
    span.end();
    await telemetry.shutdown();
    expect(span.traceparent).toBeNull();
    expect(receiver.requests()).toEqual([]);
  });

  it('follows the sampler, and the decision made upstream', async () => {
    const receiver = await startReceiver();
    const { telemetry } = create(
      jsonTo(receiver, { OTEL_TRACES_SAMPLER: 'parentbased_always_off' }),
    );
    const root = telemetry.startProcessSpan(BATCH);
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
    const sampled = telemetry.startProcessSpan({
      ...BATCH,
      headers: [{ [HEADER.traceparent]: headerBytes(traceparent) }],
    });
    root.end();
    sampled.end();
    await telemetry.shutdown();
    expect(parseTraceparent(root.traceparent!)?.flags).toBe(0);
    expect(parseTraceparent(sampled.traceparent!)?.flags).toBe(1);
    expect(receiver.spans().map(({ traceId }) => traceId)).toEqual(['a'.repeat(32)]);
  });

  it('lives beside others in one process and registers nothing but diagnostics', async () => {
    const receivers = [await startReceiver(), await startReceiver()];
    const pair = receivers.map((receiver) => create(jsonTo(receiver)).telemetry);
    pair.forEach((telemetry, index) => {
      telemetry
        .counter(EVENTS)
        .cell({})
        .add(index + 1);
      telemetry.startProcessSpan({ ...BATCH, topic: `topic-${index}` }).end();
    });
    expect(trace.getTracer('x').startSpan('x').isRecording()).toBe(false);
    expect(propagation.fields()).toEqual([]);
    const probe = pair[0]!.startProcessSpan(BATCH);
    expect(probe.run(() => trace.getSpan(context.active()))).toBeUndefined();
    expect(metrics.getMeterProvider().constructor.name).toBe('NoopMeterProvider');
    await Promise.all(pair.map((telemetry) => telemetry.shutdown()));
    receivers.forEach((receiver, index) => {
      expect(receiver.spans().map(({ name }) => name)).toEqual([`process topic-${index}`]);
      const [counter] = receiver.metrics().filter(({ name }) => name === EVENTS.name);
      expect(counter?.points[0]?.value).toBe(index + 1);
    });
  });

  it('reports what the SDK says at warn, once per kind, until it is shut down', async () => {
    const { telemetry, lines } = create({});
    for (let repeat = 0; repeat < 50; repeat += 1) diag.error(`dropped ${repeat} spans`);
    diag.info('nobody cares');
    diag.warn('something else', 'with detail');
    expect(lines.map(({ msg, level }) => [level, msg])).toEqual([
      ['warn', 'OpenTelemetry: dropped 0 spans'],
      ['warn', 'OpenTelemetry: something else with detail'],
    ]);
    await telemetry.shutdown();
    diag.error('too late');
    expect(lines).toHaveLength(2);
  });

  it('writes ISO time and the level by name, from the level asked for', async () => {
    const { telemetry, lines } = create({}, 'warn');
    const logger = telemetry.logger('validator');
    logger.info({}, 'not this');
    logger.warn({ count: 3, offset: 12n, bytes: new Uint8Array(9) }, 'this');
    await telemetry.shutdown();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({
      level: 'warn',
      service: 'validator',
      msg: 'this',
      count: 3,
      offset: '12',
      bytes: '[9 bytes]',
    });
    expect(lines[0]?.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('refuses a log level it does not know', () => {
    expect(() => create({}, 'loud')).toThrow(/log level: expected one of .*, found "loud"/);
  });
});
