/**
 * Reads everything a run writes and sums it up: what `replay` and `demo` print.
 *
 * It reads the topics from their beginning, like any consumer, and drops repeats by origin, sequence
 * or id; the run is over when its end has come out at the alerts topic and every other topic is read to
 * its end. So the sum is the same whoever published the run, in however many attempts.
 */
import { randomUUID } from 'node:crypto';
import { POLL_RECORDS_MAX, POLL_WAIT_MS } from '../core/limits.ts';
import { type Alert, decodeAlert } from '../core/message/alert.ts';
import { isEndOfRun } from '../core/message/control.ts';
import { HEADER, headerText } from '../core/message/header.ts';
import { originOf } from '../core/message/origin.ts';
import { OriginFilter } from '../core/message/origin-filter.ts';
import { type Pane, paneCodec } from '../core/message/pane.ts';
import type { BusRecord } from '../core/message/record.ts';
import { type Report, reportCodec } from '../core/message/report.ts';
import { isServiceAlert } from '../core/message/service-alert.ts';
import { runTopics } from '../core/message/topics.ts';
import type { Topics } from '../core/monitor/monitor.ts';
import type { Subscription } from '../platform/bus/bus.ts';
import type { ServicePorts, ServiceScope } from '../platform/lifecycle/service-scope.ts';
import { withoutQuietBins } from './report-ledger.ts';

export interface RunSummary {
  /** Records of the source. */
  readonly published: number;
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

/** Who wants to see more of a run than its summary keeps; repeats come too. */
export interface RunListener {
  pane(pane: Pane, record: BusRecord): void;
  /** With all its bins. */
  report(report: Report): void;
  /** After every batch, with the events that have been decided on so far. */
  progress(decided: number): void;
}

export class RunObserver {
  readonly #ports: ServicePorts;
  readonly #scope: ServiceScope;
  readonly #listener: RunListener | null;
  readonly #filters = new Map<string, OriginFilter>();
  readonly #codes = new Map<string, number>();
  readonly #read = new Map<string, number>();
  readonly #reports = new Map<string, Report>();
  readonly #alerts = new Map<string, Alert>();
  readonly #panesSeen = new Set<string>();
  #published = 0;
  #valid = 0;
  #refused = 0;
  #quarantined = 0;
  #predictions = 0;
  #late = 0;
  #ended = false;

  constructor(ports: ServicePorts, scope: ServiceScope, listener: RunListener | null = null) {
    this.#ports = ports;
    this.#scope = scope;
    this.#listener = listener;
  }

  /** Resolves when the run is over, or when `signal` aborts. */
  async observe(signal: AbortSignal): Promise<RunSummary> {
    const { bus } = this.#ports;
    const { monitor, run } = this.#scope;
    const topics = runTopics(monitor, run);
    const subscription = await bus.subscribe({
      // One of its own: what is left of an observer that was killed must not keep partitions from it.
      group: `tidegauge.${monitor.name}.${run}.observer-${randomUUID()}`,
      topics: Object.values(topics),
      onAssigned: async () => 'earliest',
      onRevoked: () => undefined,
    });
    const partitionCount = subscription.assignments().length;
    try {
      while (
        !signal.aborted &&
        !(this.#ended && (await this.#isDrained(subscription, partitionCount)))
      ) {
        const batches = await subscription.poll({
          recordsMax: POLL_RECORDS_MAX,
          waitMs: POLL_WAIT_MS,
        });
        for (const { assignment, records } of batches) {
          for (const record of records) this.#take(record, topics);
          const next = records[records.length - 1]!.offset + 1;
          this.#read.set(`${assignment.topic}:${assignment.partition}`, next);
          await subscription.commit(assignment, next);
        }
        this.#listener?.progress(this.#valid + this.#refused);
      }
    } finally {
      await subscription.close();
    }
    return this.#summary();
  }

  #take(record: BusRecord, topics: Topics): void {
    if (isEndOfRun(record.headers, this.#scope.run)) {
      if (record.topic === topics.alerts) this.#ended = true;
      return;
    }
    if (record.topic === topics.events) {
      if (this.#isNew(record)) this.#published += 1;
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
        if (headerText(record.headers, HEADER.errorStage) === 'validator') this.#refused += 1;
        this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1);
        return;
      }
      case topics.panes: {
        const pane = paneCodec.decode(record.value!);
        this.#listener?.pane(pane, record);
        const key = `${pane.source}:${pane.partition}:${pane.sequence}`;
        if (pane.kind !== 'late' || pane.slice !== '' || pane.source !== 'events') return;
        if (this.#panesSeen.has(key)) return;
        this.#panesSeen.add(key);
        this.#late += pane.count;
        return;
      }
      case topics.reports: {
        const report = reportCodec.decode(record.value!);
        this.#listener?.report(report);
        const known = this.#reports.get(report.id);
        if (known === undefined || report.revision > known.revision) {
          this.#reports.set(report.id, withoutQuietBins(report));
        }
        return;
      }
      case topics.alerts: {
        if (isServiceAlert(record.value!)) return;
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

  async #isDrained(subscription: Subscription, partitionCount: number): Promise<boolean> {
    // In the middle of joining again nothing is assigned, which is not the end of everything.
    if (subscription.assignments().length < partitionCount) return false;
    for (const { topic, partition } of subscription.assignments()) {
      const { earliest, next } = await this.#ports.bus.offsets({ topic, partition });
      if (next > earliest && (this.#read.get(`${topic}:${partition}`) ?? 0) < next) return false;
    }
    return true;
  }

  #summary(): RunSummary {
    const codes = [...this.#codes].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      published: this.#published,
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
