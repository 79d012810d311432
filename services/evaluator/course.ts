/**
 * How far each column was from its baseline over the last windows of a series (window plan, baseline
 * and slice), which is what the shape of a drift is read from.
 *
 * Windows that overlap climb together even where the stream jumps, so only those that do not overlap
 * are remembered; each of the others is looked at as the newest.
 */
import { type DriftShape, driftShape, SHAPE_WINDOWS_MAX } from '../core/decision/drift-shape.ts';
import type { ColumnReport, Report } from '../core/message/report.ts';
import { isBaselineOf } from '../core/window/baseline.ts';
import { edgeBefore } from '../core/window/tumbling.ts';
import { planKey } from '../core/window/window-plan.ts';

/** Excess and whether it drifted, oldest first. */
type Steps = readonly (readonly [excess: number, drifted: 0 | 1])[];

export interface StoredCourse {
  readonly windowEndMs: number;
  readonly columns: Readonly<Record<string, Steps>>;
}

/** A series without a window for this many is over. */
const SERIES_WINDOWS_MAX = 4 * SHAPE_WINDOWS_MAX;
const EXCESS_DIGITS = 4;

type Judged = Omit<Report, 'id' | 'sequence' | 'kind'>;

export class Courses {
  readonly #courses: Map<string, StoredCourse>;
  readonly #dirty = new Set<string>();

  constructor(stored: ReadonlyMap<string, StoredCourse>) {
    this.#courses = new Map(stored);
  }

  /** The report with the shape of each column's drift. Reports of a series come in time order. */
  follow<R extends Judged>(report: R): R {
    const series = seriesOf(report);
    const lengthMs = report.windowEndMs - report.windowStartMs;
    const isRemembered = edgeBefore(report.windowStartMs, lengthMs) === report.windowStartMs;
    const before = this.#courses.get(series)?.columns ?? {};
    const after: Record<string, Steps> = { ...before };
    const columns = report.columns.map((column) => {
      if (column.verdict !== 'ok' && column.verdict !== 'drift') return column;
      const steps = [...(before[column.name] ?? []), stepOf(column)].slice(-SHAPE_WINDOWS_MAX);
      after[column.name] = steps;
      return { ...column, shape: shapeOf(steps, report.baseline) };
    });
    if (isRemembered) {
      this.#courses.set(series, { windowEndMs: report.windowEndMs, columns: after });
      this.#dirty.add(series);
    }
    return { ...report, columns };
  }

  /** What changed since the last call, and the series that ended by now. */
  takeChanges(nowMs: number): {
    readonly changed: ReadonlyMap<string, StoredCourse>;
    readonly ended: readonly string[];
  } {
    const ended: string[] = [];
    for (const [series, { windowEndMs }] of this.#courses) {
      if (nowMs - windowEndMs <= SERIES_WINDOWS_MAX * lengthMsOf(series)) continue;
      this.#courses.delete(series);
      this.#dirty.delete(series);
      ended.push(series);
    }
    const changed = new Map([...this.#dirty].map((series) => [series, this.#courses.get(series)!]));
    this.#dirty.clear();
    return { changed, ended };
  }
}

/** Starts with the window's length. */
function seriesOf({ windowStartMs, windowEndMs, windowSlideMs, baseline, slice }: Judged): string {
  const plan = planKey({ lengthMs: windowEndMs - windowStartMs, slideMs: windowSlideMs });
  return `${plan}:${baseline}:${slice}`;
}

function lengthMsOf(series: string): number {
  return Number.parseInt(series, 10);
}

/** The largest effect, in units of what is worth an alarm. */
function stepOf({ statistics, verdict }: ColumnReport): Steps[number] {
  const excess = Math.max(
    0,
    ...statistics.map(({ effect, effectMin }) => Math.abs(effect) / Math.max(effectMin, 1e-9)),
  );
  return [Number(excess.toPrecision(EXCESS_DIGITS)), verdict === 'drift' ? 1 : 0];
}

/** A baseline of the stream itself takes up what stays moved: an end there says nothing of a return. */
function shapeOf(steps: Steps, baseline: string): DriftShape | null {
  const shape = driftShape(steps.map(([effect, drifted]) => ({ effect, drifting: drifted === 1 })));
  return shape === 'temporary' && !isBaselineOf(baseline, 'reference') ? null : shape;
}
