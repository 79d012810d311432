/** The OTEL_* variables: defaults, precedence, and refusals that name the variable. */
import { describe, expect, it } from 'vitest';
import {
  type Environment,
  parseOpenTelemetryEnvironment,
} from '../../../../services/platform/telemetry/opentelemetry-environment.ts';

describe('parseOpenTelemetryEnvironment', () => {
  it('exports nothing by default, and takes empty variables for absent ones', () => {
    const settings = parseOpenTelemetryEnvironment({});
    expect(settings).toMatchObject({
      serviceName: null,
      resourceAttributes: {},
      traces: null,
      metrics: null,
      sampler: { name: 'parentbased_always_on', ratio: 1 },
      spanQueue: { spansMax: 2_048, batchSpansMax: 512, delayMs: 5_000 },
      metricIntervalMs: 60_000,
    });
    expect(
      parseOpenTelemetryEnvironment({ OTEL_EXPORTER_OTLP_ENDPOINT: ' ', OTEL_SERVICE_NAME: '' }),
    ).toEqual(settings);
  });

  it.each(['http://collector:4318', 'http://collector:4318/'])(
    'puts the path of each signal behind the common endpoint %s',
    (endpoint) => {
      const settings = parseOpenTelemetryEnvironment({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint });
      expect(settings.traces?.url).toBe('http://collector:4318/v1/traces');
      expect(settings.metrics?.url).toBe('http://collector:4318/v1/metrics');
      expect(settings.traces?.protocol).toBe('http/protobuf');
    },
  );

  it('lets what is said of one signal win for that signal', () => {
    const settings = parseOpenTelemetryEnvironment({
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://common',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://traces/in',
      OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'http/json',
      OTEL_EXPORTER_OTLP_TIMEOUT: '100',
      OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: '200',
      OTEL_EXPORTER_OTLP_HEADERS: 'a=1,b=2',
      OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'b=3%204',
    });
    expect(settings.traces).toEqual({
      url: 'https://traces/in',
      protocol: 'http/protobuf',
      timeoutMs: 100,
      headers: { a: '1', b: '2' },
    });
    expect(settings.metrics).toEqual({
      url: 'http://common/v1/metrics',
      protocol: 'http/json',
      timeoutMs: 200,
      headers: { a: '1', b: '3 4' },
    });
  });

  it.each([
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, /OTEL_EXPORTER_OTLP_ENDPOINT.*collector/],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c', OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' },
      /OTEL_EXPORTER_OTLP_PROTOCOL: expected http\/protobuf, http\/json, found "grpc"/,
    ],
    [{ OTEL_TRACES_SAMPLER: 'sometimes' }, /OTEL_TRACES_SAMPLER: expected always_on/],
    [{ OTEL_TRACES_SAMPLER_ARG: '2' }, /OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1/],
    [{ OTEL_BSP_SCHEDULE_DELAY: 'soon' }, /OTEL_BSP_SCHEDULE_DELAY/],
    [{ OTEL_TRACES_EXPORTER: 'zipkin' }, /OTEL_TRACES_EXPORTER: expected otlp or none/],
  ] satisfies [Environment, RegExp][])('refuses to start with %o', (environment, message) => {
    expect(() => parseOpenTelemetryEnvironment(environment)).toThrow(message);
  });
});
