/** Windows that slide, and windows held against the stream's own past, through the whole pipeline. */
import { describe, expect, it } from 'vitest';
import type { Report } from '../../services/core/message/report.ts';
import type { Baseline } from '../../services/core/window/baseline.ts';
import type { WindowPlan } from '../../services/core/window/window-plan.ts';
import {
  jsonRecord,
  referenceOf,
  runRecords,
  type StationEvent,
  stationMonitor,
} from '../support/embedded-run.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Levels 0…99 evenly, moved by `shiftAt` of their time. */
function levels(
  span: { readonly fromMs: number; readonly toMs: number; readonly stepMs: number },
  shiftAt: (atMs: number) => number,
): StationEvent[] {
  const count = Math.floor((span.toMs - span.fromMs) / span.stepMs);
  return Array.from({ length: count }, (_, index) => {
    const at = span.fromMs + index * span.stepMs;
    return { id: String(index), at, level: ((index * 37) % 100) + shiftAt(at), station: 'Brest' };
  });
}

async function run(
  events: readonly StationEvent[],
  options: { readonly windows: readonly WindowPlan[]; readonly baselines: readonly Baseline[] },
) {
  const monitor = stationMonitor({ ...options, countMin: 10 });
  const still = levels({ fromMs: 0, toMs: 3_000, stepMs: 1 }, () => 0);
  return runRecords({
    monitor,
    reference: referenceOf(monitor, still),
    records: events.map((event, index) => jsonRecord(event, index % 2)),
    partitionCount: 2,
  });
}

const levelOf = (report: Report) => report.columns.find(({ name }) => name === 'level')!;

describe('windows that slide', () => {
  it('are judged every slide, over the whole length, and name what has come only partly', async () => {
    const windows = [{ lengthMs: 40_000, slideMs: 10_000 }];
    const shiftAt = (atMs: number) => (atMs >= 100_000 ? 60 : 0);
    const events = levels({ fromMs: 0, toMs: 200_000, stepMs: 100 }, shiftAt);
    const { reports } = await run(events, { windows, baselines: [{ kind: 'reference' }] });
    const full = reports.filter(({ count }) => count === 400);
    expect(full.map(({ windowStartMs }) => windowStartMs)).toEqual(
      Array.from({ length: 17 }, (_, index) => index * 10_000),
    );
    // KS is 0.6 times the part of the window that has moved, and 0.3 the threshold.
    const drifting = full.filter(({ verdict }) => verdict === 'drift');
    expect(drifting[0]).toMatchObject({ windowStartMs: 80_000, windowSlideMs: 10_000 });
    expect(drifting).toHaveLength(9);
  });
});

describe('a trailing baseline', () => {
  it('says when something moves, and takes up what stays moved', async () => {
    const windows = [{ lengthMs: 10_000, slideMs: 10_000 }];
    const shiftAt = (atMs: number) => (atMs >= 100_000 ? 60 : 0);
    const events = levels({ fromMs: 0, toMs: 200_000, stepMs: 100 }, shiftAt);
    const baselines = [{ kind: 'reference' }, { kind: 'trailing', windows: 3 }] as const;
    const { reports, alerts } = await run(events, { windows, baselines });
    const verdicts = (baseline: string) =>
      reports.filter((report) => report.baseline === baseline).map(({ verdict }) => verdict);
    expect(verdicts('reference')).toEqual([...Array(10).fill('ok'), ...Array(10).fill('drift')]);
    // KS 0.6, then 0.4 and 0.2, as the three windows before take it up.
    expect(verdicts('trailing 3')).toEqual([
      ...['no-reference', ...Array(9).fill('ok'), 'drift', 'drift', ...Array(8).fill('ok')],
    ]);
    expect(alerts.map(({ baseline, state }) => [baseline, state])).toEqual([
      ['reference', 'firing'],
      ['trailing 3', 'firing'],
      ['trailing 3', 'resolved'],
    ]);
    const moved = reports.find(
      ({ baseline, verdict }) => [baseline, verdict].join() === 'trailing 3,drift',
    );
    const { bins } = levelOf(moved!);
    const top = [...bins].sort((left, right) => right.contribution - left.contribution)[0]!;
    expect(top.referenceShare).toBeCloseTo(0.1, 9);
    expect(top.share).toBeGreaterThan(0.5);
  });
});

describe('a calendar baseline', () => {
  it('is deaf to the season, and hears what breaks it', async () => {
    const windows = [{ lengthMs: 6 * HOUR_MS, slideMs: 6 * HOUR_MS }];
    const seasonAt = (atMs: number) => (atMs % DAY_MS < 12 * HOUR_MS ? 0 : 80);
    const brokenAt = 17 * DAY_MS;
    const shiftAt = (atMs: number) => (atMs < brokenAt ? seasonAt(atMs) : 80 - seasonAt(atMs));
    const events = levels({ fromMs: 0, toMs: 18 * DAY_MS, stepMs: 10 * 60_000 }, shiftAt);
    const { reports } = await run(events, { windows, baselines: [{ kind: 'calendar', weeks: 2 }] });
    const byVerdict = (verdict: string) => reports.filter((report) => report.verdict === verdict);
    expect(byVerdict('no-reference').every(({ windowStartMs }) => windowStartMs < 7 * DAY_MS)).toBe(
      true,
    );
    expect(byVerdict('no-reference')).toHaveLength(28);
    expect(byVerdict('drift').map(({ windowStartMs }) => windowStartMs)).toEqual(
      [0, 6, 12, 18].map((hour) => brokenAt + hour * HOUR_MS),
    );
  });
});
