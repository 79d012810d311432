/**
 * A set of columns in a window's report: what is compared, and what is said of it.
 *
 * How much its statistics vary is taken from the reference, whatever the window is held against.
 */
import type { ComparedSet, JudgedSet } from '../core/decision/decide-set.ts';
import { correlationChange } from '../core/distance/correlation-change.ts';
import { mmd } from '../core/distance/mmd.ts';
import type { ColumnReport } from '../core/message/report.ts';
import type { MeasuredSet } from '../core/monitor/measured-sets.ts';
import type { SetSketch } from '../core/sketch/set-sketch.ts';
import { verdictOf } from './verdict-of.ts';
import type { ColumnSketches, WindowContent } from './window-content.ts';

interface Sides {
  readonly content: WindowContent;
  /** What the window is held against; `null` where there is nothing. */
  readonly reference: ColumnSketches | null;
}

/** `null` where the set is not judged, or has nothing on one side to be judged by. */
export function comparedSet(set: MeasuredSet, sides: Sides): ComparedSet | null {
  const { name, drift } = set;
  const window = sides.content.sets.get(name);
  const reference = sides.reference?.sets.get(name);
  if (drift === null || window === undefined || reference === undefined) return null;
  const { variation, calibration } = set.reference;
  return { name, reference, window, variation, calibration, priority: drift.priority };
}

export function setReport(
  { name }: MeasuredSet,
  judged: JudgedSet | null,
  options: Sides & { readonly countMin: number },
): ColumnReport {
  const sketch = options.content.sets.get(name) ?? null;
  const reference = options.reference?.sets.get(name) ?? null;
  return {
    name,
    type: 'set',
    count: sketch?.count ?? 0,
    missingCount: sketch?.leftOutCount ?? 0,
    distances: sketch === null || reference === null ? {} : distancesOf(reference, sketch),
    threshold: judged?.threshold ?? null,
    verdict: verdictOf(judged, { ...options, sketch, reference }),
    statistics: (judged?.statistics ?? []).map(({ pValue: _, ...statistic }) => statistic),
    decisive: judged?.decisive ?? null,
    shape: null,
    bins: [],
    sentence: judged?.sentence ?? '',
  };
}

/** The maximum mean discrepancy first: its threshold is the one reported. */
function distancesOf(reference: SetSketch, window: SetSketch): Readonly<Record<string, number>> {
  if (reference.count === 0 || window.count === 0) return {};
  return {
    mmd: mmd(reference, window),
    correlation_change: correlationChange(reference, window),
  };
}
