/**
 * Trailing and calendar baselines: which stretches of the past a window is held against, and that
 * nothing is forgotten that a later window needs.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Baseline,
  baselineStartsMs,
  keptFromMs,
  keptLengthMs,
  WEEK_MS,
} from '../../services/core/window/baseline.ts';
import { stretchAt } from '../../services/core/window/tumbling.ts';
import type { WindowPlan } from '../../services/core/window/window-plan.ts';
import { windowsAt } from '../../services/core/window/window-plan.ts';

const HOUR_MS = 3_600_000;
type StreamBaseline = Exclude<Baseline, { kind: 'reference' }>;

const plans = fc.constantFrom<WindowPlan>(
  { lengthMs: HOUR_MS, slideMs: HOUR_MS },
  { lengthMs: HOUR_MS / 4, slideMs: HOUR_MS / 4 },
  { lengthMs: 2 * HOUR_MS, slideMs: HOUR_MS / 2 },
  { lengthMs: 24 * HOUR_MS, slideMs: 6 * HOUR_MS },
);
const baselines: fc.Arbitrary<StreamBaseline> = fc.oneof(
  fc.integer({ min: 1, max: 5 }).map((windows) => ({ kind: 'trailing' as const, windows })),
  fc.integer({ min: 1, max: 3 }).map((weeks) => ({ kind: 'calendar' as const, weeks })),
);
/** Hours of five weeks in which the stream has any event. */
const hours = fc.uniqueArray(fc.integer({ min: 0, max: 5 * 168 }), { minLength: 1, maxLength: 80 });
const ORIGIN_MS = Date.UTC(2026, 0, 3);

/** What a window that holds `hour` has for a baseline, and which stretches there are in all. */
function past(plan: WindowPlan, baseline: StreamBaseline, active: readonly number[]) {
  const lengthMs = keptLengthMs(baseline, plan)!;
  const times = active.map((hour) => ORIGIN_MS + hour * HOUR_MS);
  const startsMs = [...new Set(times.map((time) => stretchAt(time, lengthMs).startMs))].sort(
    (a, b) => a - b,
  );
  const byEnd = new Map(times.flatMap((time) => windowsAt(time, plan)).map((w) => [w.endMs, w]));
  const windows = [...byEnd.values()].sort((a, b) => a.endMs - b.endMs);
  return { lengthMs, startsMs, windows };
}

describe('a baseline', () => {
  it('lies wholly before its window', () => {
    fc.assert(
      fc.property(plans, baselines, hours, (plan, baseline, active) => {
        const { lengthMs, startsMs, windows } = past(plan, baseline, active);
        for (const window of windows) {
          for (const startMs of baselineStartsMs(window, baseline, { lengthMs, startsMs })) {
            expect(startMs + lengthMs).toBeLessThanOrEqual(
              baseline.kind === 'trailing' ? window.startMs : window.endMs - WEEK_MS + lengthMs,
            );
            expect(startMs + lengthMs).toBeLessThanOrEqual(window.endMs);
          }
        }
      }),
    );
  });

  it('is the same where everything is forgotten that no window to come needs', () => {
    fc.assert(
      fc.property(plans, baselines, hours, (plan, baseline, active) => {
        const { lengthMs, startsMs, windows } = past(plan, baseline, active);
        let kept: number[] = [];
        let judgedThroughMs = 0;
        for (const window of windows) {
          kept.push(
            ...startsMs.filter(
              (start) => start + lengthMs <= window.endMs && start + lengthMs > judgedThroughMs,
            ),
          );
          const whole = startsMs.filter((start) => start + lengthMs <= window.endMs);
          expect(baselineStartsMs(window, baseline, { lengthMs, startsMs: kept })).toEqual(
            baselineStartsMs(window, baseline, { lengthMs, startsMs: whole }),
          );
          judgedThroughMs = window.endMs;
          const fromMs = keptFromMs(baseline, plan, { lengthMs, startsMs: kept, judgedThroughMs });
          kept = kept.filter((start) => start >= fromMs);
          expect(kept.length).toBeLessThanOrEqual(keptMax(plan, baseline, lengthMs));
        }
      }),
    );
  });
});

/** However long the stream. */
function keptMax(plan: WindowPlan, baseline: StreamBaseline, lengthMs: number): number {
  return baseline.kind === 'trailing'
    ? baseline.windows + plan.lengthMs / lengthMs + 1
    : ((baseline.weeks + 1) * WEEK_MS) / lengthMs + 2;
}

describe('a trailing baseline', () => {
  it('is the last windows that hold any event, however long the silence between', () => {
    const plan = { lengthMs: HOUR_MS, slideMs: HOUR_MS };
    const startsMs = [1, 2, 3, 50, 51, 52].map((hour) => hour * HOUR_MS);
    const window = { startMs: 52 * HOUR_MS, endMs: 53 * HOUR_MS };
    const baseline = { kind: 'trailing', windows: 3 } as const;
    expect(keptLengthMs(baseline, plan)).toBe(HOUR_MS);
    expect(baselineStartsMs(window, baseline, { lengthMs: HOUR_MS, startsMs })).toEqual(
      [3, 50, 51].map((hour) => hour * HOUR_MS),
    );
  });
});

describe('a calendar baseline', () => {
  it('holds a quarter of an hour against the whole hour in each of the weeks before', () => {
    const quarter = { lengthMs: HOUR_MS / 4, slideMs: HOUR_MS / 4 };
    const baseline = { kind: 'calendar', weeks: 2 } as const;
    const lengthMs = keptLengthMs(baseline, quarter)!;
    const startsMs = Array.from({ length: 3 * 168 }, (_, hour) => hour * HOUR_MS);
    const startMs = (2 * 168 + 30.25) * HOUR_MS;
    const window = { startMs, endMs: startMs + HOUR_MS / 4 };
    expect(baselineStartsMs(window, baseline, { lengthMs, startsMs })).toEqual(
      [30, 168 + 30].map((hour) => hour * HOUR_MS),
    );
  });
});
