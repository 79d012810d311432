/**
 * Prometheus' text exposition format, version 0.0.4, for the telemetry that has no SDK behind it.
 *
 *     # HELP name description
 *     # TYPE name counter | gauge | histogram
 *     name{label="value",…} number
 */
import type { Series } from './metric-cells.ts';
import { prometheusName } from './prometheus-name.ts';
import type { HistogramDefinition, Labels, MetricDefinition } from './telemetry.ts';

export interface HistogramSeries {
  readonly labels: Labels;
  /** Per bucket, not cumulative; one more than there are boundaries. */
  readonly bucketCounts: readonly number[];
  readonly sum: number;
}

export function renderCounterOrGauge(
  kind: 'counter' | 'gauge',
  definition: MetricDefinition,
  series: Iterable<Series>,
): string {
  const name = prometheusName(definition.name, definition.unit, kind);
  const lines = [...series].map(({ labels, value }) => sample(name, labels, value));
  return family(name, kind, definition.description, lines);
}

export function renderHistogram(
  definition: HistogramDefinition,
  series: Iterable<HistogramSeries>,
): string {
  const name = prometheusName(definition.name, definition.unit, 'histogram');
  const lines: string[] = [];
  for (const { labels, bucketCounts, sum } of series) {
    let cumulative = 0;
    bucketCounts.forEach((count, index) => {
      cumulative += count;
      const bound = definition.boundaries[index];
      const le = bound === undefined ? '+Inf' : numberText(bound);
      lines.push(sample(`${name}_bucket`, { ...labels, le }, cumulative));
    });
    lines.push(sample(`${name}_sum`, labels, sum), sample(`${name}_count`, labels, cumulative));
  }
  return family(name, 'histogram', definition.description, lines);
}

function family(name: string, kind: string, description: string, lines: readonly string[]): string {
  const help = description.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`, ...lines, ''].join('\n');
}

function sample(name: string, labels: Labels, value: number): string {
  const pairs = Object.entries(labels).map(
    ([label, text]) => `${label.replace(/[^a-zA-Z0-9_]/g, '_')}="${escapeLabelValue(text)}"`,
  );
  return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${numberText(value)}`;
}

function escapeLabelValue(text: string): string {
  return text.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"');
}

function numberText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  if (value === Number.NEGATIVE_INFINITY) return '-Inf';
  return String(value);
}
