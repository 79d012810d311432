/**
 * Port: logs, metrics and spans, at a cost that fits a per-batch, never a per-event, budget.
 *
 * A counter is a cell, a plain number that an adapter reads when somebody looks (a recorded
 * OpenTelemetry measurement costs 0.8 µs, an increment of a cell 0.001 µs). A span covers one
 * micro-batch and links to at most `SPAN_LINKS_MAX` of the records it processed.
 */
import type { Headers } from '../bus/bus.ts';

export type Labels = Readonly<Record<string, string>>;

export interface MetricDefinition {
  /** OpenTelemetry style, dotted: `tidegauge.validator.events`. */
  readonly name: string;
  readonly description: string;
  /** UCUM: `{event}`, `ms`, `By`. */
  readonly unit: string;
}

export interface HistogramDefinition extends MetricDefinition {
  /** Upper bounds of the buckets, ascending. */
  readonly boundaries: readonly number[];
}

export interface CounterCell {
  add(count?: number): void;
}

export interface Counter {
  /** The cell of one label set; keep it, do not look it up per event. */
  cell(labels: Labels): CounterCell;
}

export interface Gauge {
  set(value: number, labels: Labels): void;
}

export interface Histogram {
  record(value: number, labels: Labels): void;
}

/** Structured, one line per call, never per event. `fields` must hold no secret and no event content. */
export interface Logger {
  debug(fields: Readonly<Record<string, unknown>>, message: string): void;
  info(fields: Readonly<Record<string, unknown>>, message: string): void;
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
  error(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export interface ProcessSpanOptions {
  readonly service: string;
  /** The topic the batch came from: `messaging.destination.name`. */
  readonly topic: string;
  readonly group: string;
  readonly recordCount: number;
  /**
   * Headers of the records processed; a sample is linked. The first context found becomes the parent,
   * so that a lone event's trace runs through every hop.
   */
  readonly headers: Iterable<Headers>;
}

export interface ProcessSpan {
  /** The W3C `traceparent` to put on records that came without one; `null` when nothing is traced. */
  readonly traceparent: string | null;
  setAttribute(name: string, value: string | number | boolean): void;
  /** Ends the span; an error marks it failed. Logs written by `fn` of `run` carry its ids. */
  end(error?: Error): void;
  /** Runs `fn` with this span as the active one. */
  run<T>(fn: () => T): T;
}

export interface Telemetry {
  logger(service: string): Logger;
  counter(definition: MetricDefinition): Counter;
  gauge(definition: MetricDefinition): Gauge;
  histogram(definition: HistogramDefinition): Histogram;
  startProcessSpan(options: ProcessSpanOptions): ProcessSpan;
  /** The metrics in Prometheus' text format. */
  prometheusText(): Promise<string>;
  /** Exports what is pending, within a bounded time, and stops. */
  shutdown(): Promise<void>;
}
