/**
 * The state machine of the evaluator: takes panes, and turns every completed window into reports, one
 * per slice. Knows neither bus nor store.
 */

import { type FalseAlarms, type WindowBudget, windowBudget } from '../core/decision/budget.ts';
import { hashParts } from '../core/message/alert.ts';
import { endOfRunHeaders } from '../core/message/control.ts';
import { type Pane, paneCodec } from '../core/message/pane.ts';
import type { BusRecord, OutgoingRecord } from '../core/message/record.ts';
import { type Report, reportCodec } from '../core/message/report.ts';
import type { MeasuredColumn } from '../core/monitor/measured-columns.ts';
import type { Reference } from '../core/monitor/reference.ts';
import {
  type ColumnSketch,
  decodeColumnSketch,
  mergeColumnSketches,
} from '../core/sketch/column-sketch.ts';
import {
  type ReadyWindow,
  storedPaneKey,
  WindowBook,
  type WindowBookOptions,
} from '../core/window/window-book.ts';
import type { ShardChanges, ShardProcessor } from '../platform/lifecycle/stateful-service.ts';
import { evaluateWindow, type WindowContent } from './evaluate.ts';
import type { EvaluatorEvents } from './events.ts';
import { encodeHead, restoreEvaluator } from './state.ts';

export interface EvaluatorShardOptions extends WindowBookOptions {
  readonly monitor: string;
  readonly run: string;
  readonly columns: readonly MeasuredColumn[];
  readonly reference: Reference | null;
  readonly countMin: number;
  readonly falseAlarms: FalseAlarms | null;
  readonly reportsTopic: string;
  readonly events: EvaluatorEvents;
  /** Monotonic milliseconds, for the evaluation's duration alone. */
  readonly monotonicMs: () => number;
}

export class EvaluatorShard implements ShardProcessor {
  readonly #options: EvaluatorShardOptions;
  readonly #book: WindowBook;
  #reportSequence: number;
  #added: Pane[] = [];
  #doneKeys: string[] = [];
  #outputs: OutgoingRecord[] = [];

  constructor(options: EvaluatorShardOptions, entries: ReadonlyMap<string, Uint8Array>) {
    const restored = restoreEvaluator(entries);
    this.#options = options;
    this.#book = new WindowBook(options, restored.book, restored.panes);
    this.#reportSequence = restored.reportSequence;
  }

  get hasOutputs(): boolean {
    return this.#outputs.length > 0;
  }

  accept(record: BusRecord): void {
    const { events } = this.#options;
    const pane = record.value === null ? null : paneCodec.tryDecode(record.value);
    if (pane === null) return events.paneUnreadable(record.offset);
    const outcome = this.#book.add(pane);
    events.paneRead(outcome.kind);
    if (outcome.kind === 'repeated') return;
    if (outcome.kind === 'late') return events.eventsLate(pane, outcome.lateCount);
    if (outcome.keep) this.#added.push(pane);
    if (pane.kind === 'sealed' || pane.kind === 'open') return;
    const { windows, doneKeys } = this.#book.takeReady();
    for (const window of windows) this.#judge(window);
    this.#doneKeys.push(...doneKeys);
    if (this.#book.ended) this.#emit(this.#endReport());
  }

  onSilence(): void {}

  takeChanges(): ShardChanges {
    const done = new Set(this.#doneKeys);
    const puts = new Map([encodeHead(this.#book.snapshot, this.#reportSequence)]);
    for (const pane of this.#added) {
      const key = storedPaneKey(pane);
      if (!done.has(key)) puts.set(key, paneCodec.encode(pane));
    }
    const changes = { puts, deletes: this.#doneKeys, outputs: this.#outputs };
    this.#added = [];
    this.#doneKeys = [];
    this.#outputs = [];
    return changes;
  }

  #judge(window: ReadyWindow): void {
    const { events, reference, monotonicMs } = this.#options;
    const startedMs = monotonicMs();
    const slices = [...new Set(window.panes.map((pane) => pane.slice))].sort();
    for (const slice of slices) {
      const content = mergePanes(window.panes.filter((pane) => pane.slice === slice));
      const expected = slice === '' ? reference?.columns : reference?.slices.get(slice);
      const judgement = evaluateWindow({
        ...this.#options,
        content,
        reference: expected ?? null,
        calibrations: reference?.calibrations ?? new Map(),
        budget: this.#budgetOf(window),
      });
      const report: Report = {
        ...this.#reportHead(window.startMs, window.endMs, slice),
        kind: 'window',
        count: content.count,
        ...judgement,
      };
      events.windowJudged(report);
      this.#emit(report);
    }
    events.windowEvaluated(monotonicMs() - startedMs);
  }

  /** Every window of every slice and length takes its part. */
  #budgetOf({ startMs, endMs }: ReadyWindow): WindowBudget | null {
    const { falseAlarms, reference, windowLengthsMs } = this.#options;
    if (falseAlarms === null) return null;
    return windowBudget({
      falseAlarms,
      slideMs: endMs - startMs,
      sliceCount: 1 + (reference?.slices.size ?? 0),
      windowLengthCount: windowLengthsMs.length,
    });
  }

  #endReport(): Report {
    return {
      ...this.#reportHead(0, 0, ''),
      kind: 'end',
      count: 0,
      verdict: 'ok',
      budget: '',
      columns: [],
    };
  }

  #reportHead(windowStartMs: number, windowEndMs: number, slice: string) {
    const { monitor } = this.#options;
    const id = hashParts([monitor, String(windowStartMs), String(windowEndMs), slice]);
    return { id, monitor, sequence: this.#reportSequence, windowStartMs, windowEndMs, slice };
  }

  #emit(report: Report): void {
    this.#reportSequence += 1;
    this.#outputs.push({
      topic: this.#options.reportsTopic,
      partition: 0,
      key: Buffer.from(report.slice),
      value: reportCodec.encode(report),
      headers: report.kind === 'end' ? endOfRunHeaders(this.#options.run) : {},
      timestampMs: null,
    });
  }
}

/** The window's count is that of its events; a prediction is the same event seen again. */
function mergePanes(panes: readonly Pane[]): WindowContent {
  const parts = new Map<string, ColumnSketch[]>();
  let count = 0;
  for (const pane of panes) {
    if (pane.source === 'events') count += pane.count;
    for (const column of pane.columns) {
      const sketches = parts.get(column.name) ?? [];
      sketches.push(decodeColumnSketch(column.sketch));
      parts.set(column.name, sketches);
    }
  }
  const sketches = new Map(
    [...parts].map(([name, columns]) => [name, mergeColumnSketches(columns)]),
  );
  return { count, sketches };
}
