/**
 * What a run said in the end: its panes, reports and alerts, each once.
 *
 * Repeats are dropped as consumers drop them, by sequence or id; a repeat that says something else is
 * a problem, and so is a gap. What is compared is bytes, without the sequence where a silent partition
 * put in panes that a replay cannot have.
 */
import { createHash } from 'node:crypto';
import {
  type Alert,
  alertId,
  decodeAlert,
  encodeAlert,
} from '../../services/core/message/alert.ts';
import { isControl } from '../../services/core/message/control.ts';
import { type Pane, type PaneSource, paneCodec } from '../../services/core/message/pane.ts';
import type { BusRecord } from '../../services/core/message/record.ts';
import { type Report, reportCodec } from '../../services/core/message/report.ts';
import { isServiceAlert } from '../../services/core/message/service-alert.ts';
import type { Topics } from '../../services/core/monitor/monitor.ts';
import type { Problems } from './problems.ts';

export interface SaidPane extends Omit<Pane, 'columns'> {
  readonly digest: string;
}

export interface SaidReport {
  readonly report: Omit<Report, 'columns'>;
  readonly digest: string;
}

export interface SaidAlert {
  readonly windowEnd: string;
  readonly digest: string;
}

export class RunOutputs {
  /** By sequence, for each `source:partition`. */
  readonly panes = new Map<string, Map<number, SaidPane>>();
  readonly reports = new Map<number, SaidReport>();
  readonly alerts = new Map<string, SaidAlert>();
  readonly #topics: Topics;
  readonly #problems: Problems;

  constructor(topics: Topics, problems: Problems) {
    this.#topics = topics;
    this.#problems = problems;
  }

  takeRecord(record: BusRecord): void {
    if (record.value === null || isControl(record.headers)) return;
    if (record.topic === this.#topics.panes) this.takePane(paneCodec.decode(record.value));
    else if (record.topic === this.#topics.reports)
      this.takeReport(reportCodec.decode(record.value));
    else if (record.topic === this.#topics.alerts && !isServiceAlert(record.value))
      this.takeAlert(decodeAlert(record.value));
  }

  /** Sealed and late ones in the order they were sealed. */
  sealedPanes(source: string): readonly SaidPane[] {
    return inOrder(this.panes.get(source)).filter(
      ({ kind }) => kind === 'sealed' || kind === 'late',
    );
  }

  /** Events or predictions in panes of one kind, or in sealed and late ones together. */
  countOf(source: PaneSource, only: 'late' | null = null): number {
    const whole = [...this.panes.keys()]
      .filter((key) => key.startsWith(`${source}:`))
      .flatMap((key) => this.sealedPanes(key))
      .filter(({ slice, kind }) => slice === '' && (only === null || kind === only));
    return whole.reduce((sum, { count }) => sum + count, 0);
  }

  /** Panes that only the wall clock brings about. */
  get idlePaneCount(): number {
    const all = [...this.panes.values()].flatMap((panes) => [...panes.values()]);
    return all.filter(({ kind }) => kind === 'idle' || kind === 'open').length;
  }

  /** Every window that ends at or before this has been judged. */
  get judgedThroughMs(): number {
    const edges = [...this.panes.values()].map(
      (panes) => inOrder(panes).at(-1)?.sealedThroughMs ?? 0,
    );
    return Math.min(...edges);
  }

  /** By window, slice, baseline and revision. */
  get judgements(): ReadonlyMap<string, SaidReport> {
    return new Map(inOrder(this.reports).map((said) => [judgementOf(said), said]));
  }

  /** Sequences run from 0 without a gap, and no report has two. */
  checkSequences(): void {
    for (const [source, panes] of this.panes) this.#checkGaps(`panes of ${source}`, panes);
    this.#checkGaps('reports', this.reports);
    const again = this.reports.size - this.judgements.size;
    if (again > 0) this.#problems.add('counted twice', `${again} reports have two sequences`);
  }

  takePane(pane: Pane): void {
    const source = `${pane.source}:${pane.partition}`;
    const { columns: _, ...head } = pane;
    const said = { ...head, digest: digestOf(encodeWithoutSequence(pane)) };
    const panes = this.panes.get(source) ?? new Map<number, SaidPane>();
    this.panes.set(source, panes);
    const earlier = panes.get(pane.sequence);
    if (earlier === undefined) panes.set(pane.sequence, said);
    else if (earlier.digest !== said.digest) {
      this.#problems.add(
        'conflict',
        `pane ${source} #${pane.sequence} was said as ${describePane(earlier)} and as ${describePane(said)}`,
      );
    }
  }

  takeReport(said: Report): void {
    const { columns: _, ...report } = said;
    const { sequence } = report;
    const digest = digestOf(reportCodec.encode({ ...said, sequence: 0 }));
    const earlier = this.reports.get(sequence);
    if (earlier === undefined) this.reports.set(sequence, { report, digest });
    else if (earlier.digest !== digest) {
      this.#problems.add(
        'conflict',
        `report #${sequence} was said of ${describeReport(earlier.report)} and of ${describeReport(report)}`,
      );
    }
  }

  takeAlert(alert: Alert): void {
    const id = alertId(alert);
    const digest = digestOf(encodeAlert(alert));
    const earlier = this.alerts.get(id);
    if (earlier === undefined) this.alerts.set(id, { windowEnd: alert.windowEnd, digest });
    else if (earlier.digest !== digest) {
      this.#problems.add('conflict', `alert ${id} was said with two contents: ${alert.summary}`);
    }
  }

  #checkGaps(what: string, bySequence: ReadonlyMap<number, unknown>): void {
    const last = Math.max(-1, ...bySequence.keys());
    const missing = last + 1 - bySequence.size;
    if (missing > 0) {
      this.#problems.add('gap', `${what}: ${missing} of ${last + 1} sequences are missing`);
    }
  }
}

function judgementOf({ report: { id, revision } }: SaidReport): string {
  return `${id}#${revision}`;
}

export function describePane({ kind, startMs, slice, count }: SaidPane): string {
  const start = new Date(startMs).toISOString();
  return `${kind} ${start} ${slice === '' ? 'whole' : slice} n=${count}`;
}

export function describeReport(report: SaidReport['report']): string {
  const { windowStartMs, windowEndMs, slice, baseline, count, revision } = report;
  const window = `${new Date(windowStartMs).toISOString()}/${new Date(windowEndMs).toISOString()}`;
  return `${window} ${slice === '' ? 'whole' : slice} ${baseline} n=${count} revision ${revision}`;
}

function encodeWithoutSequence(pane: Pane): Uint8Array {
  return paneCodec.encode({
    ...pane,
    sequence: 0,
    columns: pane.columns.map(({ name, sketch }) => ({ name, sketch: Buffer.from(sketch) })),
  });
}

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function inOrder<T>(bySequence: ReadonlyMap<number, T> | undefined): readonly T[] {
  return [...(bySequence ?? [])].sort(([a], [b]) => a - b).map(([, said]) => said);
}
