/**
 * What a window is held against: the reference profile, the windows just before it, or the same hours
 * of earlier weeks. The latter two come from the stream itself, whose content is kept in stretches.
 *
 * `trailing` asks whether anything has moved just now; what stays moved becomes the new normal.
 * `calendar` does the same for a stream with daily and weekly seasons.
 */
import type { Stretch } from './tumbling.ts';
import { edgeBefore } from './tumbling.ts';
import type { WindowPlan } from './window-plan.ts';

export type Baseline =
  | { readonly kind: 'reference' }
  /** The last windows before it that hold any event. */
  | { readonly kind: 'trailing'; readonly windows: number }
  /** The same stretch of the week in each of the last weeks. */
  | { readonly kind: 'calendar'; readonly weeks: number };

export const WEEK_MS = 7 * 24 * 3_600_000;
const HOUR_MS = 3_600_000;

/** As in reports: `reference`, `trailing 4`, `calendar 4`. */
export function baselineName(baseline: Baseline): string {
  switch (baseline.kind) {
    case 'reference':
      return 'reference';
    case 'trailing':
      return `trailing ${baseline.windows}`;
    case 'calendar':
      return `calendar ${baseline.weeks}`;
  }
}

/** Of a name in a report. */
export function isBaselineOf(name: string, kind: Baseline['kind']): boolean {
  return name.split(' ')[0] === kind;
}

/**
 * Length of the tumbling stretches that have to be kept for windows of this plan; `null` for none. A
 * calendar keeps hours, or the slide where that is longer: a quarter of an hour is held against the
 * whole hour a week before, which is steadier.
 */
export function keptLengthMs(baseline: Baseline, plan: WindowPlan): number | null {
  switch (baseline.kind) {
    case 'reference':
      return null;
    case 'trailing':
      return plan.lengthMs;
    case 'calendar':
      return Math.max(HOUR_MS, plan.slideMs);
  }
}

/** Which of the kept stretches are the baseline of a window; `keptStartsMs` ascending. */
export function baselineStartsMs(
  window: Stretch,
  baseline: Exclude<Baseline, { kind: 'reference' }>,
  kept: { readonly lengthMs: number; readonly startsMs: readonly number[] },
): readonly number[] {
  if (baseline.kind === 'trailing') {
    return kept.startsMs
      .filter((startMs) => startMs + kept.lengthMs <= window.startMs)
      .slice(-baseline.windows);
  }
  return kept.startsMs.filter((startMs) => {
    for (let week = 1; week <= baseline.weeks; week++) {
      const shiftMs = week * WEEK_MS;
      const overlaps =
        startMs < window.endMs - shiftMs && startMs + kept.lengthMs > window.startMs - shiftMs;
      if (overlaps) return true;
    }
    return false;
  });
}

/**
 * The start before which no window to come needs a kept stretch. `judgedThroughMs`: every window of
 * the plan that ends at or before this is done.
 */
export function keptFromMs(
  baseline: Exclude<Baseline, { kind: 'reference' }>,
  plan: WindowPlan,
  kept: {
    readonly lengthMs: number;
    readonly startsMs: readonly number[];
    readonly judgedThroughMs: number;
  },
): number {
  const nextStartMs = kept.judgedThroughMs + plan.slideMs - plan.lengthMs;
  if (baseline.kind === 'calendar') {
    return edgeBefore(nextStartMs - baseline.weeks * WEEK_MS, kept.lengthMs);
  }
  const [first] = baselineStartsMs({ startMs: nextStartMs, endMs: nextStartMs }, baseline, kept);
  return first ?? Number.NEGATIVE_INFINITY;
}
