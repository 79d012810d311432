/**
 * Telemetry by the OpenTelemetry SDK and pino: traces and metrics by OTLP where an endpoint is
 * configured, metrics always readable as Prometheus text, logs on standard error.
 *
 * Registers no tracer, meter, propagator or context manager globally, patches nothing, opens no
 * port. Without an endpoint no span is recorded and nothing is sent.
 */
import { randomUUID } from 'node:crypto';
import { OTLPMetricExporter as JsonMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtobufMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { OTLPTraceExporter as JsonTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { core, metrics, resources, tracing } from '@opentelemetry/sdk-node';
import { CONVENTIONS_SCHEMA_URL } from './messaging-attributes.ts';
import { routeDiagnostics } from './opentelemetry-diagnostics.ts';
import {
  type Environment,
  type OpenTelemetrySettings,
  type OtlpSettings,
  parseOpenTelemetryEnvironment,
} from './opentelemetry-environment.ts';
import { createOpenTelemetryMetrics } from './opentelemetry-metrics.ts';
import { createOpenTelemetrySpans, createUntracedSpans } from './opentelemetry-spans.ts';
import { createPinoLoggers, type LogDestination, parseLogLevel } from './pino-logger.ts';
import type { Telemetry } from './telemetry.ts';

export interface OpenTelemetryOptions {
  /** `service.name` of the resource, unless the environment names another. */
  readonly serviceName: string;
  readonly serviceVersion: string;
  readonly environment: Environment;
  /** One of pino's levels; `silent` writes nothing. */
  readonly logLevel: string;
  /** Where log lines go; standard error where absent. */
  readonly logDestination?: LogDestination;
}

/** How long a shutdown waits for what is still to be exported. */
const SHUTDOWN_MS_MAX = 5_000;

const SCOPE_NAME = 'tidegauge';

export function createOpenTelemetry(options: OpenTelemetryOptions): Telemetry {
  const settings = parseOpenTelemetryEnvironment(options.environment);
  const level = parseLogLevel(options.logLevel);
  const resource = createResource(options, settings);

  const tracerProvider =
    settings.traces === null ? null : createTracerProvider(settings, settings.traces, resource);
  const spans =
    tracerProvider === null
      ? createUntracedSpans()
      : createOpenTelemetrySpans(
          tracerProvider.getTracer(SCOPE_NAME, options.serviceVersion, {
            schemaUrl: CONVENTIONS_SCHEMA_URL,
          }),
        );
  const instruments = createOpenTelemetryMetrics({
    scope: { name: SCOPE_NAME, version: options.serviceVersion },
    resource,
    exportReader: settings.metrics === null ? null : createExportReader(settings, settings.metrics),
  });
  const logger = createPinoLoggers({
    level,
    destination: options.logDestination ?? null,
    activeContext: spans.active,
  });
  const endDiagnostics = routeDiagnostics(logger('telemetry'));

  let lastText: string | null = null;
  let stopping: Promise<void> | null = null;
  async function stop(): Promise<void> {
    lastText = await instruments.prometheusText();
    // What fails here is told by the diagnostics; it never reaches who shuts down.
    const exported = Promise.all(
      [tracerProvider?.shutdown(), instruments.shutdown()].map((pending) =>
        pending?.catch(core.globalErrorHandler),
      ),
    );
    if (!(await settlesWithin(SHUTDOWN_MS_MAX, exported))) {
      logger('telemetry').warn({ waitedMs: SHUTDOWN_MS_MAX }, 'the last telemetry is given up');
    }
    endDiagnostics();
  }

  return {
    logger,
    counter: instruments.counter,
    gauge: instruments.gauge,
    histogram: instruments.histogram,
    startProcessSpan: spans.start,
    prometheusText: async () => lastText ?? instruments.prometheusText(),
    shutdown() {
      stopping ??= stop();
      return stopping;
    },
  };
}

function createResource(options: OpenTelemetryOptions, settings: OpenTelemetrySettings) {
  return resources.defaultResource().merge(
    resources.resourceFromAttributes({
      'service.name': options.serviceName,
      'service.version': options.serviceVersion,
      'service.instance.id': randomUUID(),
      ...settings.resourceAttributes,
      ...(settings.serviceName === null ? {} : { 'service.name': settings.serviceName }),
    }),
  );
}

function createTracerProvider(
  settings: OpenTelemetrySettings,
  otlp: OtlpSettings,
  resource: resources.Resource,
): tracing.BasicTracerProvider {
  const Exporter = otlp.protocol === 'http/json' ? JsonTraceExporter : ProtobufTraceExporter;
  return new tracing.BasicTracerProvider({
    resource,
    sampler: createSampler(settings.sampler),
    spanProcessors: [
      new tracing.BatchSpanProcessor(new Exporter(exporterConfig(otlp)), {
        maxQueueSize: settings.spanQueue.spansMax,
        maxExportBatchSize: settings.spanQueue.batchSpansMax,
        scheduledDelayMillis: settings.spanQueue.delayMs,
      }),
    ],
  });
}

function createExportReader(settings: OpenTelemetrySettings, otlp: OtlpSettings) {
  const Exporter = otlp.protocol === 'http/json' ? JsonMetricExporter : ProtobufMetricExporter;
  return new metrics.PeriodicExportingMetricReader({
    exporter: new Exporter(exporterConfig(otlp)),
    exportIntervalMillis: settings.metricIntervalMs,
    exportTimeoutMillis: Math.min(otlp.timeoutMs, settings.metricIntervalMs),
  });
}

function exporterConfig({ url, headers, timeoutMs }: OtlpSettings) {
  return { url, headers: { ...headers }, timeoutMillis: timeoutMs };
}

function createSampler({ name, ratio }: OpenTelemetrySettings['sampler']): tracing.Sampler {
  const parentBased = name.startsWith('parentbased_');
  const root = name.endsWith('always_on')
    ? new tracing.AlwaysOnSampler()
    : name.endsWith('always_off')
      ? new tracing.AlwaysOffSampler()
      : new tracing.TraceIdRatioBasedSampler(ratio);
  return parentBased ? new tracing.ParentBasedSampler({ root }) : root;
}

async function settlesWithin(durationMs: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), durationMs);
  });
  const settled = await Promise.race([work.then(() => true), expired]);
  clearTimeout(timer);
  return settled;
}
