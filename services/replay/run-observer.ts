/**
 * Reads everything a run writes and sums it up: what `replay` and `demo` print.
 *
 * It reads the topics like any consumer and drops repeats by origin, sequence or id; the run is over
 * when its end has come out at the alerts topic and every other topic is read to its end.
 */

import { POLL_RECORDS_MAX, POLL_WAIT_MS } from '../core/limits.ts';
import { type Alert, decodeAlert } from '../core/message/alert.ts';
import { isEndOfRun } from '../core/message/control.ts';
import { HEADER, headerText } from '../core/message/header.ts';
import { originOf } from '../core/message/origin.ts';
import { OriginFilter } from '../core/message/origin-filter.ts';
import { paneCodec } from '../core/message/pane.ts';
import type { BusRecord } from '../core/message/record.ts';
import { type Report, reportCodec } from '../core/message/report.ts';
import { runTopics } from '../core/message/topics.ts';
import type { Subscription } from '../platform/bus/bus.ts';
import type { ServicePorts, ServiceScope } from '../platform/lifecycle/service-scope.ts';

export interface RunSummary {
  readonly valid: number;
  readonly quarantined: number;
  /** By error code, in code order. */
  readonly quarantinedByCode: Readonly<Record<string, number>>;
  readonly predictions: number;
  readonly late: number;
  /**
   * Windows of the whole stream and of slices, in the order they were judged; bins only of columns
   * that drift.
   */
  readonly reports: readonly Report[];
  readonly alerts: readonly Alert[];
}

export class RunObserver {
  readonly #ports: ServicePorts;
  readonly #scope: ServiceScope;
  readonly #filters = new Map<string, OriginFilter>();
  readonly #codes = new Map<string, number>();
  readonly #read = new Map<string, number>();
  readonly #reports = new Map<string, Report>();
  readonly #alerts = new Map<string, Alert>();
  readonly #panesSeen = new Set<string>();
  #valid = 0;
  #quarantined = 0;
  #predictions = 0;
  #late = 0;
  #ended = false;

  constructor(ports: ServicePorts, scope: ServiceScope) {
    this.#ports = ports;
    this.#scope = scope;
  }

  /** Resolves when the run is over, or when `signal` aborts. */
  async observe(signal: AbortSignal): Promise<RunSummary> {
    const { bus } = this.#ports;
    const { monitor, run } = this.#scope;
    const { events: _events, ...watched } = runTopics(monitor, run);
    const subscription = await bus.subscribe({
      group: `tidegauge.${monitor.name}.${run}.observer`,
      topics: Object.values(watched),
      onAssigned: async () => 'earliest',
      onRevoked: () => undefined,
    });
    try {
      while (!signal.aborted && !(this.#ended && (await this.#isDrained(subscription)))) {
        const batches = await subscription.poll({
          recordsMax: POLL_RECORDS_MAX,
          waitMs: POLL_WAIT_MS,
        });
        for (const { assignment, records } of batches) {
          for (const record of records) this.#take(record, watched);
          const next = records[records.length - 1]!.offset + 1;
          this.#read.set(`${assignment.topic}:${assignment.partition}`, next);
          await subscription.commit(assignment, next);
        }
      }
    } finally {
      await subscription.close();
    }
    return this.#summary();
  }

  #take(record: BusRecord, topics: Omit<ReturnType<typeof runTopics>, 'events'>): void {
    if (isEndOfRun(record.headers, this.#scope.run)) {
      if (record.topic === topics.alerts) this.#ended = true;
      return;
    }
    if (record.value === null && record.topic !== topics.quarantine) return;
    switch (record.topic) {
      case topics.valid:
        if (this.#isNew(record)) this.#valid += 1;
        return;
      case topics.predictions:
        if (this.#isNew(record)) this.#predictions += 1;
        return;
      case topics.quarantine: {
        if (!this.#isNew(record)) return;
        const code = headerText(record.headers, HEADER.errorRule) ?? 'unknown';
        this.#quarantined += 1;
        this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1);
        return;
      }
      case topics.panes: {
        const pane = paneCodec.decode(record.value!);
        const key = `${pane.source}:${pane.partition}:${pane.sequence}`;
        if (pane.kind !== 'late' || pane.slice !== '' || pane.source !== 'events') return;
        if (this.#panesSeen.has(key)) return;
        this.#panesSeen.add(key);
        this.#late += pane.count;
        return;
      }
      case topics.reports: {
        const report = reportCodec.decode(record.value!);
        this.#reports.set(report.id, withoutQuietBins(report));
        return;
      }
      case topics.alerts: {
        const alert = decodeAlert(record.value!);
        this.#alerts.set(`${alert.fingerprint}:${alert.windowEnd}:${alert.state}`, alert);
        return;
      }
    }
  }

  /** A quarantine partition has two writers, each in its own order. */
  #isNew(record: BusRecord): boolean {
    const writer = headerText(record.headers, HEADER.errorStage) ?? '';
    const key = `${record.topic}:${record.partition}:${writer}`;
    let filter = this.#filters.get(key);
    if (filter === undefined) {
      filter = new OriginFilter();
      this.#filters.set(key, filter);
    }
    return filter.advance(originOf(record));
  }

  async #isDrained(subscription: Subscription): Promise<boolean> {
    for (const { topic, partition } of subscription.assignments()) {
      const { earliest, next } = await this.#ports.bus.offsets({ topic, partition });
      if (next > earliest && (this.#read.get(`${topic}:${partition}`) ?? 0) < next) return false;
    }
    return true;
  }

  #summary(): RunSummary {
    const codes = [...this.#codes].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      valid: this.#valid,
      quarantined: this.#quarantined,
      quarantinedByCode: Object.fromEntries(codes),
      predictions: this.#predictions,
      late: this.#late,
      reports: [...this.#reports.values()],
      alerts: [...this.#alerts.values()],
    };
  }
}

/** A run of months has millions of bins, and only those of a drift are looked at. */
function withoutQuietBins(report: Report): Report {
  return {
    ...report,
    columns: report.columns.map((column) =>
      column.verdict === 'drift' ? column : { ...column, bins: [] },
    ),
  };
}
