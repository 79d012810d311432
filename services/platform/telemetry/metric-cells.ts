/**
 * The plain numbers behind counters and gauges: one cell per label set, whatever the order of its
 * labels, kept for ever and read when somebody looks. An increment is one addition; the lookup of
 * a cell is not, so services keep their cells.
 */
import type { Counter, CounterCell, Gauge, Labels } from './telemetry.ts';

export interface Series {
  readonly labels: Labels;
  value: number;
}

class SeriesCell implements CounterCell, Series {
  readonly labels: Labels;
  value = 0;

  constructor(labels: Labels) {
    this.labels = labels;
  }

  add(count = 1): void {
    this.value += count;
  }
}

/** One text per label set, equal for equal sets. */
export function labelSetKey(labels: Labels): string {
  const names = Object.keys(labels);
  if (names.length === 0) return '';
  if (names.length > 1) names.sort();
  return JSON.stringify(names.map((name) => [name, labels[name]]));
}

export class CounterCells implements Counter {
  readonly #cells = new Map<string, SeriesCell>();

  cell(labels: Labels): CounterCell {
    const key = labelSetKey(labels);
    let cell = this.#cells.get(key);
    if (cell === undefined) {
      cell = new SeriesCell({ ...labels });
      this.#cells.set(key, cell);
    }
    return cell;
  }

  series(): Iterable<Series> {
    return this.#cells.values();
  }
}

export class GaugeCells implements Gauge {
  readonly #cells = new Map<string, Series>();

  set(value: number, labels: Labels): void {
    const key = labelSetKey(labels);
    const cell = this.#cells.get(key);
    if (cell === undefined) this.#cells.set(key, { labels: { ...labels }, value });
    else cell.value = value;
  }

  series(): Iterable<Series> {
    return this.#cells.values();
  }
}
