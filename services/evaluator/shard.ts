/**
 * The state machine of the evaluator: takes panes, and turns every completed window into reports, one
 * per slice and baseline. Knows neither bus nor store.
 *
 * A window that late events are added to is judged once more; baselines and shapes keep what was
 * judged first, which is what the windows in between were held against. A state that is made anew from
 * the log judges in silence what had been published before it was lost.
 */
import { type FalseAlarms, type WindowBudget, windowBudget } from '../core/decision/budget.ts';
import type { DistanceName } from '../core/distance/distances.ts';
import { hashParts } from '../core/message/alert.ts';
import { endOfRunHeaders } from '../core/message/control.ts';
import { paneCodec } from '../core/message/pane.ts';
import type { BusRecord, OutgoingRecord } from '../core/message/record.ts';
import { type Report, reportCodec } from '../core/message/report.ts';
import type { MeasuredColumn } from '../core/monitor/measured-columns.ts';
import {
  type MeasuredSet,
  type SetSpecifications,
  specificationsOf,
} from '../core/monitor/measured-sets.ts';
import type { Reference } from '../core/monitor/reference.ts';
import { keptLengthsMs, windowPlans } from '../core/monitor/windows.ts';
import { type Baseline, baselineName } from '../core/window/baseline.ts';
import type { Stretch } from '../core/window/tumbling.ts';
import {
  type ReadyWindow,
  revisionOf,
  storedPaneKey,
  WindowBook,
  type WindowBookOptions,
} from '../core/window/window-book.ts';
import { planKey, type WindowPlan } from '../core/window/window-plan.ts';
import type { ShardChanges, ShardProcessor } from '../platform/lifecycle/shard-processor.ts';
import { createVersionComparison, type VersionComparison } from './compare-versions.ts';
import { Courses } from './course.ts';
import { evaluateWindow } from './evaluate.ts';
import type { EvaluatorEvents } from './events.ts';
import { History } from './history.ts';
import { comesAfter, isSameReport, type PublishedReport } from './published.ts';
import {
  courseKey,
  encodeCourse,
  encodeHead,
  encodeKept,
  type RestoredEvaluator,
} from './state.ts';
import { type ColumnSketches, mergeBySlice, type WindowContent } from './window-content.ts';

export interface EvaluatorShardOptions extends Omit<WindowBookOptions, 'plans'> {
  readonly windows: readonly WindowPlan[];
  /** How long after its end a window may still be revised; 0: never. */
  readonly reviseMs: number;
  readonly baselines: readonly Baseline[];
  readonly monitor: string;
  readonly run: string;
  /** Of events. */
  readonly columns: readonly MeasuredColumn[];
  /** Of predictions; none without a model. */
  readonly outputs: readonly MeasuredColumn[];
  readonly sets: readonly MeasuredSet[];
  readonly reference: Reference | null;
  readonly countMin: number;
  readonly falseAlarms: FalseAlarms | null;
  readonly distances: readonly DistanceName[];
  readonly reportsTopic: string;
  readonly events: EvaluatorEvents;
  /** Monotonic milliseconds, for the evaluation's duration alone. */
  readonly monotonicMs: () => number;
}

export class EvaluatorShard implements ShardProcessor {
  readonly #options: EvaluatorShardOptions;
  readonly #book: WindowBook;
  readonly #history: History;
  readonly #courses: Courses;
  readonly #versions: VersionComparison;
  readonly #specifications: SetSpecifications;
  readonly #judgedPlans: ReadonlySet<string>;
  readonly #keptLengthsMs: ReadonlySet<number>;
  #reportSequence: number;
  #lastPublished: PublishedReport | null;
  #added = new Map<string, Uint8Array>();
  #doneKeys: string[] = [];
  #outputs: OutgoingRecord[] = [];

  constructor(options: EvaluatorShardOptions, restored: RestoredEvaluator) {
    const { windows, baselines, contributors, reviseMs } = options;
    this.#options = options;
    this.#judgedPlans = new Set(windows.map(planKey));
    const plans = windowPlans(options).map((plan) => ({
      ...plan,
      reviseMs: this.#judgedPlans.has(planKey(plan)) ? reviseMs : 0,
    }));
    this.#book = new WindowBook({ plans, contributors }, restored.book, restored.panes);
    this.#specifications = specificationsOf(options.sets);
    const specifications = this.#specifications;
    this.#history = new History({ windows, baselines, specifications }, restored.kept);
    this.#courses = new Courses(restored.courses);
    this.#versions = createVersionComparison(options.outputs);
    this.#keptLengthsMs = new Set(keptLengthsMs(options));
    this.#reportSequence = restored.reportSequence;
    this.#lastPublished = restored.lastPublished;
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
    if (outcome.keep) this.#added.set(storedPaneKey(pane), paneCodec.encode(pane));
    if (pane.kind === 'sealed' || pane.kind === 'open' || pane.kind === 'late') return;
    const { windows, doneKeys } = this.#book.takeReady();
    for (const window of windows) this.#evaluate(window);
    if (windows.length > 0) this.#forget();
    this.#delete(doneKeys);
    if (this.#book.ended) this.#publish(this.#endReport());
  }

  onSilence(): void {}

  takeChanges(): ShardChanges {
    const head = encodeHead({
      book: this.#book.snapshot,
      reportSequence: this.#reportSequence,
      lastPublished: this.#lastPublished,
    });
    const puts = new Map([...this.#added, head]);
    const changes = { puts, deletes: this.#doneKeys, outputs: this.#outputs };
    this.#added = new Map();
    this.#doneKeys = [];
    this.#outputs = [];
    return changes;
  }

  #delete(keys: readonly string[]): void {
    for (const key of keys) this.#added.delete(key);
    this.#doneKeys.push(...keys);
  }

  #evaluate(window: ReadyWindow): void {
    const { events, monotonicMs } = this.#options;
    const startedMs = monotonicMs();
    const contents = mergeBySlice(window.panes, this.#specifications, this.#versions.isVersion);
    if (this.#judgedPlans.has(planKey(window.plan))) {
      this.#judge(window, contents);
      events.windowEvaluated(monotonicMs() - startedMs);
    }
    const { lengthMs, slideMs } = window.plan;
    const isStretch = lengthMs === slideMs && this.#keptLengthsMs.has(lengthMs);
    if (isStretch && window.revisedSlices === null) {
      for (const kept of this.#history.keep(window, contents)) this.#added.set(...encodeKept(kept));
    }
  }

  #judge(window: ReadyWindow, contents: ReadonlyMap<string, WindowContent>): void {
    const { baselines, reference } = this.#options;
    const judged = [...contents.keys()].filter((slice) => !this.#versions.isVersion(slice));
    const budget = this.#budgetOf(window.plan, judged.length);
    const versions = this.#versions.compare(contents);
    for (const [slice, content] of contents) {
      const isVersion = this.#versions.isVersion(slice);
      if (window.revisedSlices?.has(slice) === false) continue;
      for (const baseline of baselines) {
        const judgement = evaluateWindow({
          ...this.#options,
          ...this.#measuredOf(slice),
          content,
          reference: this.#expected(window, slice, baseline),
          calibrations: reference?.calibrations ?? new Map(),
          budget: isVersion ? null : budget,
        });
        const report: Report = {
          ...this.#reportHead(window, slice, baselineName(baseline)),
          kind: 'window',
          revision: revisionOf(window),
          count: content.count,
          ...judgement,
          versions: slice === '' && baseline === baselines[0] ? versions : [],
        };
        const isFollowed = window.revisedSlices === null && !isVersion;
        this.#publish(isFollowed ? this.#courses.follow(report) : report);
      }
    }
  }

  /** What a version answers is shown beside the baseline and never judged, so it takes no budget. */
  #measuredOf(slice: string): Pick<EvaluatorShardOptions, 'columns' | 'sets'> {
    const { columns, outputs, sets } = this.#options;
    if (this.#versions.isVersion(slice)) return { columns: this.#versions.columns, sets: [] };
    return { columns: [...columns, ...outputs], sets: slice === '' ? sets : [] };
  }

  /** What the slice should be like by this baseline; `null` where that is not known. */
  #expected(window: ReadyWindow, slice: string, baseline: Baseline): ColumnSketches | null {
    const { reference, sets } = this.#options;
    if (baseline.kind !== 'reference') return this.#history.baselineOf(window, slice, baseline);
    // The reference knows of no version: each is held against the whole.
    const isWhole = slice === '' || this.#versions.isVersion(slice);
    const sketches = isWhole ? reference?.columns : reference?.slices.get(slice);
    if (sketches === undefined) return null;
    return { sketches, sets: new Map(sets.map((set) => [set.name, set.reference.sketch])) };
  }

  #forget(): void {
    const { settledThroughMs, readyThroughMs } = this.#book;
    this.#delete(this.#history.forget(settledThroughMs));
    const { changed, ended } = this.#courses.takeChanges(readyThroughMs);
    for (const [series, course] of changed) this.#added.set(...encodeCourse(series, course));
    this.#delete(ended.map(courseKey));
  }

  /** Every window of every slice, plan and baseline takes its part. */
  #budgetOf({ slideMs }: WindowPlan, sliceCount: number): WindowBudget | null {
    const { falseAlarms, reference, windows, baselines } = this.#options;
    if (falseAlarms === null) return null;
    return windowBudget({
      falseAlarms,
      slideMs,
      sliceCount: Math.max(sliceCount, 1 + (reference?.slices.size ?? 0)),
      windowPlanCount: windows.length,
      baselineCount: baselines.length,
    });
  }

  #endReport(): Report {
    return {
      ...this.#reportHead({ startMs: 0, endMs: 0, plan: { lengthMs: 0, slideMs: 0 } }, '', ''),
      kind: 'end',
      revision: 0,
      count: 0,
      verdict: 'ok',
      budget: '',
      columns: [],
      versions: [],
    };
  }

  #reportHead(
    { startMs, endMs, plan }: Stretch & { readonly plan: WindowPlan },
    slice: string,
    baseline: string,
  ) {
    const { monitor } = this.#options;
    return {
      id: hashParts([monitor, String(startMs), String(endMs), slice, baseline]),
      monitor,
      sequence: this.#reportSequence,
      windowStartMs: startMs,
      windowEndMs: endMs,
      windowSlideMs: plan.slideMs,
      slice,
      baseline,
    };
  }

  #publish(report: Report): void {
    if (this.#isPublished(report)) return;
    const { events } = this.#options;
    if (report.revision > 0) events.windowRevised(report);
    else if (report.kind === 'window') events.windowJudged(report);
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

  /** Ends the silence at the last report that had been published, or beyond it. */
  #isPublished(report: Report): boolean {
    const last = this.#lastPublished;
    if (last === null) return false;
    const isBeyond = comesAfter(report, last, this.#options.reviseMs);
    if (isBeyond || isSameReport(report, last)) this.#lastPublished = null;
    return !isBeyond;
  }
}
