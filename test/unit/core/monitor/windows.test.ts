/** Windows that can be run, what is kept of the stream for them, and the monitor with other ones. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BASELINE_STRETCHES_MAX, WINDOW_SLIDES_MAX } from '../../../../services/core/limits.ts';
import type { Monitor } from '../../../../services/core/monitor/monitor.ts';
import {
  keptLengthsMs,
  monitorPaneLengthMs,
  overrideWindows,
  sortedPlans,
  windowPlans,
  windowsMistake,
} from '../../../../services/core/monitor/windows.ts';
import type { Baseline } from '../../../../services/core/window/baseline.ts';
import type { WindowPlan } from '../../../../services/core/window/window-plan.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const WEEK_MS = 7 * 24 * HOUR_MS;
const REFERENCE: Baseline = { kind: 'reference' };
const TRAILING: Baseline = { kind: 'trailing', windows: 4 };
const CALENDAR: Baseline = { kind: 'calendar', weeks: 2 };

/** `[length]` tumbles, `[length, slide]` slides. */
type Written = readonly [number, number?];

const plansOf = (written: readonly Written[]): readonly WindowPlan[] =>
  written.map(([lengthMs, slideMs = lengthMs]) => ({ lengthMs, slideMs }));

const mistakeOf = (
  written: readonly Written[],
  allowedLatenessMs = 0,
  baselines: readonly Baseline[] = [REFERENCE],
  reviseMs = 0,
) => windowsMistake({ windows: plansOf(written), baselines, allowedLatenessMs, reviseMs });

describe('windowsMistake', () => {
  test.each<[Written[], number]>([
    [[[15 * MINUTE_MS]], 0],
    [[[15 * MINUTE_MS], [HOUR_MS]], MINUTE_MS],
    [[[1_000]], 0],
    [[[10_000_000]], 0],
    [[[HOUR_MS, 5 * MINUTE_MS]], 0],
    [[[HOUR_MS, 5 * MINUTE_MS], [HOUR_MS]], 0],
    [[[WINDOW_SLIDES_MAX * 1_000, 1_000]], 0],
  ])('%j with %d ms of lateness can be run', (written, latenessMs) => {
    expect(mistakeOf(written, latenessMs)).toBeNull();
  });

  test.each<[Written[], number, string]>([
    [[], 0, 'at least one'],
    [[[999]], 0, 'a window of 999 ms is too short'],
    [[[1_500.5]], 0, 'too short'],
    [[[Number.NaN]], 0, 'too short'],
    [[[10_000, 500]], 0, 'a slide of 500 ms is too short'],
    [[[HOUR_MS, 7 * MINUTE_MS]], 0, 'no whole multiple of its slide'],
    [[[5 * MINUTE_MS, HOUR_MS]], 0, 'no whole multiple of its slide'],
    [[[(WINDOW_SLIDES_MAX + 1) * 1_000, 1_000]], 0, `expected at most ${WINDOW_SLIDES_MAX}`],
    [[[2_000], [2_000]], 0, 'twice'],
    [[[4_000, 2_000], [6_000], [4_000, 2_000]], 0, 'twice'],
    [[[1_500], [2_000]], 0, '500 ms in common'],
    [[[3_000, 1_500], [2_000]], 0, '500 ms in common'],
    [[[1_000], [10_001_000]], 0, '10001 panes'],
    [[[1_000]], 10_000_000, '10001 panes'],
  ])('%j with %d ms of lateness cannot', (written, latenessMs, reason) => {
    expect(mistakeOf(written, latenessMs)).toContain(reason);
  });

  test('panes that are kept for revisions count too', () => {
    expect(mistakeOf([[1_000]], 0, [REFERENCE], 9_999_000)).toBeNull();
    expect(mistakeOf([[1_000]], 1_000, [REFERENCE], 9_999_000)).toContain(
      'with the time for revisions, need 10001 panes',
    );
  });

  test('a calendar takes windows of up to a week', () => {
    expect(mistakeOf([[WEEK_MS]], 0, [CALENDAR])).toBeNull();
    expect(mistakeOf([[2 * WEEK_MS]], 0, [REFERENCE, TRAILING])).toBeNull();
    expect(mistakeOf([[2 * WEEK_MS]], 0, [REFERENCE, CALENDAR])).toContain('longer than a week');
  });

  test('a stretch that is kept must have enough in common with the windows too', () => {
    expect(mistakeOf([[1_001]])).toBeNull();
    expect(mistakeOf([[3_601_000]], 0, [CALENDAR])).toBeNull();
    expect(mistakeOf([[1_001]], 0, [CALENDAR])).toContain('in common');
  });
});

describe('what is kept', () => {
  const plans = plansOf([[15 * MINUTE_MS], [2 * HOUR_MS, 30 * MINUTE_MS], [6 * HOUR_MS]]);
  const of = (baselines: readonly Baseline[]) => ({
    windows: plans,
    baselines,
    allowedLatenessMs: 0,
  });

  test.each<[string, Baseline[], number[]]>([
    ['nothing for the reference', [REFERENCE], []],
    ['every length for trailing windows', [TRAILING], plans.map(({ lengthMs }) => lengthMs)],
    ['hours, or longer slides, for a calendar', [CALENDAR], [HOUR_MS, 6 * HOUR_MS]],
    [
      'each length once for both',
      [TRAILING, CALENDAR],
      [15 * MINUTE_MS, HOUR_MS, 2 * HOUR_MS, 6 * HOUR_MS],
    ],
  ])('%s', (_what, baselines, lengthsMs) => {
    expect(keptLengthsMs(of(baselines))).toEqual(lengthsMs);
  });

  test('every window and every kept stretch is a whole number of panes', () => {
    const plan = fc
      .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 24 }))
      .map(([slide, times]) => ({
        lengthMs: slide * times * MINUTE_MS,
        slideMs: slide * MINUTE_MS,
      }));
    const baseline = fc.constantFrom(REFERENCE, TRAILING, CALENDAR, {
      kind: 'trailing',
      windows: BASELINE_STRETCHES_MAX,
    } as const);
    fc.assert(
      fc.property(
        fc.array(plan, { minLength: 1, maxLength: 5 }),
        fc.array(baseline, { minLength: 1, maxLength: 3 }),
        (windows, baselines) => {
          const monitor = { windows, baselines, allowedLatenessMs: 0 };
          const paneMs = monitorPaneLengthMs(monitor);
          const lengthsMs = [
            ...windows.flatMap(({ lengthMs, slideMs }) => [lengthMs, slideMs]),
            ...keptLengthsMs(monitor),
          ];
          expect(lengthsMs.filter((lengthMs) => lengthMs % paneMs !== 0)).toEqual([]);
          const all = windowPlans(monitor);
          expect(all).toEqual(expect.arrayContaining(windows));
          expect(new Set(all.map((each) => JSON.stringify(each))).size).toBe(all.length);
        },
      ),
    );
  });
});

describe('overrideWindows', () => {
  const monitor = {
    windows: plansOf([[MINUTE_MS]]),
    baselines: [REFERENCE],
    allowedLatenessMs: 0,
    name: 'm',
  } as unknown as Monitor;

  test('changes the windows only, and sorts them', () => {
    const written: Written[] = [[10_000], [5_000], [10_000, 5_000]];
    const changed = overrideWindows(monitor, plansOf(written));
    const windows = plansOf([[5_000], [10_000, 5_000], [10_000]]);
    expect(changed).toEqual({ ...monitor, windows });
    expect(monitor.windows).toEqual(plansOf([[MINUTE_MS]]));
    expect(sortedPlans(windows.toReversed())).toEqual(windows);
  });

  test('refuses what cannot be run', () => {
    expect(() => overrideWindows(monitor, plansOf([[1]]))).toThrow(/^windows: .*too short/);
    expect(() =>
      overrideWindows({ ...monitor, baselines: [CALENDAR] }, plansOf([[2 * WEEK_MS]])),
    ).toThrow(/^windows: .*longer than a week/);
  });
});
