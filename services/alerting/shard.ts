/**
 * The state machines of alerting: takes reports, says what changed. Knows neither bus nor store.
 */
import { CodedError } from '../core/errors.ts';
import { type Alert, alertId, encodeAlert, hashParts } from '../core/message/alert.ts';
import { endOfRunHeaders } from '../core/message/control.ts';
import { HEADER, headerBytes } from '../core/message/header.ts';
import type { BusRecord, OutgoingRecord } from '../core/message/record.ts';
import { type ColumnReport, type Report, reportCodec } from '../core/message/report.ts';
import type { AlertRule } from '../core/monitor/monitor.ts';
import { isBaselineOf } from '../core/window/baseline.ts';
import { planKey } from '../core/window/window-plan.ts';
import type { ShardChanges, ShardProcessor } from '../platform/lifecycle/shard-processor.ts';
import { decide, QUIET, type SeriesState } from './decide.ts';
import type { AlertingEvents } from './events.ts';
import { encodeHead, encodeSeries, type RestoredAlerting, seriesKey } from './state.ts';

export interface AlertingShardOptions {
  readonly run: string;
  readonly rules: readonly AlertRule[];
  readonly alertsTopic: string;
  readonly events: AlertingEvents;
}

export class AlertingShard implements ShardProcessor {
  readonly #options: AlertingShardOptions;
  readonly #series: Map<string, SeriesState>;
  readonly #dirty = new Set<string>();
  readonly #saidThrough: number;
  #reportSequence: number | null;
  #outputs: OutgoingRecord[] = [];
  /** The report's alerts are out; said once more they would page about what may be long over. */
  #isSaid = false;

  constructor(options: AlertingShardOptions, restored: RestoredAlerting) {
    this.#options = options;
    this.#series = new Map(restored.series);
    this.#saidThrough = restored.saidThrough;
    this.#reportSequence = restored.reportSequence;
  }

  get hasOutputs(): boolean {
    return this.#outputs.length > 0;
  }

  accept(record: BusRecord): void {
    const report = record.value === null ? null : reportCodec.tryDecode(record.value);
    if (report === null) return this.#options.events.reportUnreadable(record.offset);
    if (!this.#advance(report)) return this.#options.events.reportRepeated();
    this.#isSaid = record.offset < this.#saidThrough;
    if (report.kind === 'end') this.#sendEnd();
    // A window that is judged once more moves no series: its first judgement has.
    else if (report.revision === 0) this.#decide(report);
  }

  /** False for a repeat. Throws `state.corrupt` where reports are missing. */
  #advance({ sequence, monitor }: Report): boolean {
    const due = this.#reportSequence ?? sequence;
    if (sequence < due) return false;
    if (sequence > due) {
      throw new CodedError(
        'state.corrupt',
        `report ${sequence} of ${monitor} came where ${due} was due; reports in between are lost`,
      );
    }
    this.#reportSequence = sequence + 1;
    return true;
  }

  #decide(report: Report): void {
    const { events, rules } = this.#options;
    for (const rule of rules) {
      for (const column of report.columns) {
        if (column.threshold !== null && isWatched(rule, report, column)) {
          this.#decideColumn(rule, report, column, column.threshold);
        }
      }
    }
    events.reportDecided();
    const firing = [...this.#series.values()].filter((state) => state.phase === 'firing');
    events.seriesFiring(report.monitor, firing.length);
  }

  onSilence(): void {}

  takeChanges(): ShardChanges {
    const head = { reportSequence: this.#reportSequence, saidThrough: this.#saidThrough };
    const puts = new Map([encodeHead(head)]);
    const deletes: string[] = [];
    for (const fingerprint of this.#dirty) {
      const state = this.#series.get(fingerprint);
      if (state === undefined) deletes.push(seriesKey(fingerprint));
      else puts.set(...encodeSeries(fingerprint, state));
    }
    const outputs = this.#outputs;
    this.#dirty.clear();
    this.#outputs = [];
    return { puts, deletes, outputs };
  }

  /**
   * A slice waits while the whole fires for the same column: one drift is one alert. Reports of a
   * window come with the whole first.
   */
  #isFiring(fingerprint: string): boolean {
    return this.#series.get(fingerprint)?.phase === 'firing';
  }

  #decideColumn(rule: AlertRule, report: Report, column: ColumnReport, threshold: number): void {
    const fingerprint = seriesFingerprint(rule, report, column, report.slice);
    if (report.slice !== '' && this.#isFiring(seriesFingerprint(rule, report, column, ''))) return;
    const before = this.#series.get(fingerprint) ?? QUIET;
    const window = { verdict: column.verdict, startMs: report.windowStartMs };
    const decision = decide(before, window, rule);
    this.#remember(fingerprint, before, decision.state);
    if (decision.kind === 'nothing') return;
    const state = decision.kind === 'fire' ? 'firing' : 'resolved';
    const measured = decisiveDistance(column, threshold);
    this.#send({
      rule: rule.name,
      monitor: report.monitor,
      column: column.name,
      slice: report.slice,
      baseline: report.baseline,
      state,
      severity: rule.severity,
      windowStart: isoTime(report.windowStartMs),
      windowEnd: isoTime(report.windowEndMs),
      driftStart: isoTime(decision.driftStartMs),
      ...measured,
      shape: column.shape,
      count: report.count,
      fingerprint,
      summary: summaryOf(state, report, column, measured),
    });
  }

  #remember(fingerprint: string, before: SeriesState, after: SeriesState): void {
    const isQuiet = after.phase === 'quiet' && after.streak === 0;
    const wasQuiet = before === QUIET;
    if (isQuiet && wasQuiet) return;
    this.#dirty.add(fingerprint);
    if (isQuiet) this.#series.delete(fingerprint);
    else this.#series.set(fingerprint, after);
  }

  #send(alert: Alert): void {
    if (this.#isSaid) return;
    this.#options.events.alertRaised(alert);
    this.#outputs.push({
      topic: this.#options.alertsTopic,
      partition: null,
      key: Buffer.from(alert.fingerprint),
      value: encodeAlert(alert),
      headers: {
        [HEADER.contentType]: headerBytes('application/cloudevents+json; charset=UTF-8'),
        [HEADER.alertId]: headerBytes(alertId(alert)),
      },
      timestampMs: null,
    });
  }

  #sendEnd(): void {
    if (this.#isSaid) return;
    this.#outputs.push({
      topic: this.#options.alertsTopic,
      partition: 0,
      key: null,
      value: null,
      headers: endOfRunHeaders(this.#options.run),
      timestampMs: null,
    });
  }
}

function isWatched(rule: AlertRule, { baseline }: Report, { name }: ColumnReport): boolean {
  const isOfBaseline = rule.baselines?.some((kind) => isBaselineOf(baseline, kind)) ?? true;
  return isOfBaseline && (rule.columns?.includes(name) ?? true);
}

function seriesFingerprint(
  rule: AlertRule,
  report: Report,
  column: ColumnReport,
  slice: string,
): string {
  const { monitor, baseline, windowStartMs, windowEndMs, windowSlideMs } = report;
  const plan = planKey({ lengthMs: windowEndMs - windowStartMs, slideMs: windowSlideMs });
  return hashParts([rule.name, monitor, column.name, slice, plan, baseline]);
}

interface DecisiveDistance {
  readonly distance: string;
  readonly value: number;
  readonly threshold: number;
}

/** What decided, with how far it went and had to go; without drift the column's own distance. */
function decisiveDistance(column: ColumnReport, threshold: number): DecisiveDistance {
  const decisive = column.statistics.find(({ name }) => name === column.decisive);
  if (decisive === undefined) {
    const [distance, value] = Object.entries(column.distances)[0] ?? ['', 0];
    return { distance, value, threshold };
  }
  const { name, effect, effectMin, statistic, criticalValue } = decisive;
  const needed =
    criticalValue === null ? effectMin : Math.abs((effect * criticalValue) / statistic);
  return { distance: name, value: Math.abs(effect), threshold: Math.max(effectMin, needed) };
}

function summaryOf(
  state: Alert['state'],
  report: Report,
  column: ColumnReport,
  { distance, value, threshold }: DecisiveDistance,
): string {
  const where = report.slice === '' ? '' : ` where ${report.slice}`;
  const against = report.baseline === 'reference' ? '' : `, against ${report.baseline}`;
  const comparison = state === 'firing' ? 'at or above' : 'below';
  const numbers = `${distance} ${value.toFixed(3)} ${comparison} ${threshold.toFixed(3)} over ${report.count} events${against}`;
  const isTested = column.statistics.some(({ criticalValue }) => criticalValue !== null);
  if (state === 'firing' && isTested) {
    return `${report.monitor}${where}: ${column.sentence} (${numbers})`;
  }
  const verb = state === 'firing' ? 'drifts' : 'is back';
  return `${report.monitor}: ${column.name}${where} ${verb}, ${numbers}`;
}

function isoTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
