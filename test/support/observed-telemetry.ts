/**
 * Telemetry that remembers what was defined and which labels and log lines were used, for holding
 * the telemetry tables of the READMEs against the code.
 */
import { createMemoryTelemetry } from '../../services/platform/telemetry/memory-telemetry.ts';
import type {
  Labels,
  MetricDefinition,
  Telemetry,
} from '../../services/platform/telemetry/telemetry.ts';

export interface ObservedMetric {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly unit: string;
  readonly description: string;
  /** Names, sorted. */
  readonly labels: readonly string[];
}

export interface ObservedTelemetry {
  readonly telemetry: Telemetry;
  /** By name. */
  metrics(): readonly ObservedMetric[];
  /** `level: message`, sorted, each once. */
  logs(): readonly string[];
}

export function observeTelemetry(): ObservedTelemetry {
  const memory = createMemoryTelemetry();
  const found = new Map<
    string,
    Omit<ObservedMetric, 'labels'> & { readonly labels: Set<string> }
  >();

  function define(kind: ObservedMetric['kind'], definition: MetricDefinition) {
    const { name, unit, description } = definition;
    const metric = found.get(name) ?? { name, kind, unit, description, labels: new Set<string>() };
    found.set(name, metric);
    return (labels: Labels) => {
      for (const label of Object.keys(labels)) metric.labels.add(label);
    };
  }

  return {
    telemetry: {
      ...memory,
      counter(definition) {
        const use = define('counter', definition);
        const counter = memory.counter(definition);
        return {
          cell(labels) {
            use(labels);
            return counter.cell(labels);
          },
        };
      },
      gauge(definition) {
        const use = define('gauge', definition);
        const gauge = memory.gauge(definition);
        return {
          set(value, labels) {
            use(labels);
            gauge.set(value, labels);
          },
        };
      },
      histogram(definition) {
        const use = define('histogram', definition);
        const histogram = memory.histogram(definition);
        return {
          record(value, labels) {
            use(labels);
            histogram.record(value, labels);
          },
        };
      },
    },
    metrics: () =>
      [...found.values()]
        .map((metric) => ({ ...metric, labels: [...metric.labels].sort() }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
    logs: () =>
      [...new Set(memory.logs.map(({ level, message }) => `${level}: ${message}`))].sort(),
  };
}
