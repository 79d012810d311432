/**
 * Telemetry that keeps everything in memory, for tests and for embedded runs that stay quiet.
 *
 * Ids are deterministic: the first span is 1, the next 2. Of logs and spans the newest are kept.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { SPAN_LINKS_MAX } from '../../core/limits.ts';
import {
  formatTraceparent,
  sampleTraceContexts,
  TRACE_FLAG_SAMPLED,
  type TraceContext,
} from '../../core/message/trace-context.ts';
import { redactFields, redactText } from './log-redaction.ts';
import { MemoryMetrics, type MetricValue } from './memory-metrics.ts';
import {
  ATTRIBUTE,
  errorType,
  OPERATION_PROCESS,
  processSpanAttributes,
} from './messaging-attributes.ts';
import type { Labels, Logger, ProcessSpan, ProcessSpanOptions, Telemetry } from './telemetry.ts';
import { UNTRACED_SPAN } from './untraced-span.ts';

export interface MemorySpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly links: readonly TraceContext[];
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly ended: boolean;
  readonly error: Error | null;
}

export interface MemoryLog {
  readonly service: string;
  readonly level: keyof Logger;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly traceId: string | null;
  readonly spanId: string | null;
}

export interface MemoryTelemetry extends Telemetry {
  counters(): readonly MetricValue[];
  gauges(): readonly MetricValue[];
  /** The sum of a counter over the label sets that contain `labels`; 0 where there is none. */
  count(name: string, labels?: Labels): number;
  readonly spans: readonly MemorySpan[];
  readonly logs: readonly MemoryLog[];
}

export interface MemoryTelemetryOptions {
  /** Off: no span is kept and `traceparent` is `null`. */
  readonly tracing?: boolean;
  /** Newest spans, and newest logs, that are kept. */
  readonly keptMax?: number;
}

interface MutableSpan extends MemorySpan {
  attributes: Record<string, string | number | boolean>;
  ended: boolean;
  error: Error | null;
}

const KEPT_MAX = 10_000;
const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export function createMemoryTelemetry(options: MemoryTelemetryOptions = {}): MemoryTelemetry {
  const tracing = options.tracing ?? true;
  const keptMax = options.keptMax ?? KEPT_MAX;
  const instruments = new MemoryMetrics();
  const spans: MutableSpan[] = [];
  const logs: MemoryLog[] = [];
  const active = new AsyncLocalStorage<MemorySpan>();
  let spanCount = 0;

  function keep<Entry>(entries: Entry[], entry: Entry): void {
    entries.push(entry);
    if (entries.length > keptMax) entries.shift();
  }

  function logger(service: string): Logger {
    const write =
      (level: keyof Logger) => (fields: Readonly<Record<string, unknown>>, message: string) => {
        const span = active.getStore();
        keep(logs, {
          service,
          level,
          message: redactText(message),
          fields: redactFields(fields),
          traceId: span?.traceId ?? null,
          spanId: span?.spanId ?? null,
        });
      };
    const [debug, info, warn, error] = LEVELS.map(write);
    return { debug: debug!, info: info!, warn: warn!, error: error! };
  }

  function startProcessSpan(start: ProcessSpanOptions): ProcessSpan {
    if (!tracing) return UNTRACED_SPAN;
    const { first, sample } = sampleTraceContexts(start.headers, SPAN_LINKS_MAX);
    spanCount += 1;
    const span: MutableSpan = {
      name: `${OPERATION_PROCESS} ${start.topic}`,
      traceId: first?.traceId ?? hexId(spanCount, 32),
      spanId: hexId(spanCount, 16),
      parentSpanId: first?.spanId ?? null,
      links: sample,
      attributes: processSpanAttributes(start),
      ended: false,
      error: null,
    };
    keep(spans, span);
    return {
      traceparent: formatTraceparent({ ...span, flags: first?.flags ?? TRACE_FLAG_SAMPLED }),
      setAttribute(name, value) {
        if (!span.ended) span.attributes[name] = value;
      },
      end(error) {
        if (span.ended) return;
        span.ended = true;
        if (error === undefined) return;
        span.error = error;
        span.attributes[ATTRIBUTE.errorType] = errorType(error);
      },
      run: (fn) => active.run(span, fn),
    };
  }

  return {
    logger,
    counter: (definition) => instruments.counter(definition),
    gauge: (definition) => instruments.gauge(definition),
    histogram: (definition) => instruments.histogram(definition),
    startProcessSpan,
    prometheusText: async () => instruments.prometheusText(),
    shutdown: async () => {},
    counters: () => instruments.counters(),
    gauges: () => instruments.gauges(),
    count: (name, labels = {}) =>
      instruments
        .counters()
        .filter((counter) => counter.name === name && includesAll(counter.labels, labels))
        .reduce((sum, { value }) => sum + value, 0),
    spans,
    logs,
  };
}

function hexId(value: number, length: number): string {
  return value.toString(16).padStart(length, '0');
}

function includesAll(labels: Labels, wanted: Labels): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}
