/** The metrics of the memory telemetry: cells, histogram buckets, and their Prometheus text. */
import { CounterCells, GaugeCells, labelSetKey } from './metric-cells.ts';
import { MetricRegistry } from './metric-registry.ts';
import { type HistogramSeries, renderCounterOrGauge, renderHistogram } from './prometheus-text.ts';
import type {
  Counter,
  Gauge,
  Histogram,
  HistogramDefinition,
  Labels,
  MetricDefinition,
} from './telemetry.ts';

export interface MetricValue {
  readonly name: string;
  readonly labels: Labels;
  readonly value: number;
}

class BucketHistogram implements Histogram {
  readonly #boundaries: readonly number[];
  readonly #series = new Map<string, { labels: Labels; bucketCounts: number[]; sum: number }>();

  constructor(boundaries: readonly number[]) {
    this.#boundaries = boundaries;
  }

  record(value: number, labels: Labels): void {
    const key = labelSetKey(labels);
    let series = this.#series.get(key);
    if (series === undefined) {
      const bucketCounts = new Array<number>(this.#boundaries.length + 1).fill(0);
      series = { labels: { ...labels }, bucketCounts, sum: 0 };
      this.#series.set(key, series);
    }
    const index = this.#boundaries.findIndex((bound) => value <= bound);
    series.bucketCounts[index < 0 ? this.#boundaries.length : index]! += 1;
    series.sum += value;
  }

  series(): Iterable<HistogramSeries> {
    return this.#series.values();
  }
}

export class MemoryMetrics {
  readonly #registry = new MetricRegistry<CounterCells | GaugeCells | BucketHistogram>();
  readonly #counters = new Map<MetricDefinition, CounterCells>();
  readonly #gauges = new Map<MetricDefinition, GaugeCells>();
  readonly #histograms = new Map<HistogramDefinition, BucketHistogram>();

  counter(definition: MetricDefinition): Counter {
    return this.#registry.define('counter', definition, () => {
      const cells = new CounterCells();
      this.#counters.set(definition, cells);
      return cells;
    });
  }

  gauge(definition: MetricDefinition): Gauge {
    return this.#registry.define('gauge', definition, () => {
      const cells = new GaugeCells();
      this.#gauges.set(definition, cells);
      return cells;
    });
  }

  histogram(definition: HistogramDefinition): Histogram {
    return this.#registry.define('histogram', definition, () => {
      const buckets = new BucketHistogram([...definition.boundaries]);
      this.#histograms.set(definition, buckets);
      return buckets;
    });
  }

  counters(): readonly MetricValue[] {
    return values(this.#counters);
  }

  gauges(): readonly MetricValue[] {
    return values(this.#gauges);
  }

  prometheusText(): string {
    const families: string[] = [];
    for (const [definition, cells] of this.#counters) {
      families.push(renderCounterOrGauge('counter', definition, cells.series()));
    }
    for (const [definition, cells] of this.#gauges) {
      families.push(renderCounterOrGauge('gauge', definition, cells.series()));
    }
    for (const [definition, buckets] of this.#histograms) {
      families.push(renderHistogram(definition, buckets.series()));
    }
    return families.join('');
  }
}

function values(
  instruments: ReadonlyMap<MetricDefinition, CounterCells | GaugeCells>,
): readonly MetricValue[] {
  return [...instruments].flatMap(([{ name }, cells]) =>
    [...cells.series()].map(({ labels, value }) => ({ name, labels, value })),
  );
}
