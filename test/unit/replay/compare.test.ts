/** A replay held against the live run: what is compared, and how a difference is told. */
import { describe, expect, it } from 'vitest';
import type { Alert } from '../../../services/core/message/alert.ts';
import { HEADER } from '../../../services/core/message/header.ts';
import { encodeOrigin } from '../../../services/core/message/origin.ts';
import type { Pane, PaneColumn } from '../../../services/core/message/pane.ts';
import type { ColumnReport, Report } from '../../../services/core/message/report.ts';
import { compareAlerts } from '../../../services/replay/compare-alerts.ts';
import { compareLive } from '../../../services/replay/compare-live.ts';
import { comparePanes } from '../../../services/replay/compare-panes.ts';
import { compareReports } from '../../../services/replay/compare-reports.ts';
import { firstDifference } from '../../../services/replay/first-difference.ts';
import { PaneLedger } from '../../../services/replay/pane-ledger.ts';
import { ReportLedger } from '../../../services/replay/report-ledger.ts';
import { stationMonitor } from '../../support/embedded-run.ts';

interface Placed extends Partial<Pane> {
  /** Offset of the record that sealed it, and of the first event in it. */
  readonly origin: number;
  readonly first?: number;
}

const column = (name: string, byte: number): PaneColumn => ({ name, sketch: Buffer.of(1, byte) });

function ledger(...panes: readonly Placed[]): PaneLedger {
  const filled = new PaneLedger();
  for (const [index, { origin, first, ...fields }] of panes.entries()) {
    const partition = fields.partition ?? 0;
    const at = (offset: number) => encodeOrigin({ topic: 'stations.events', partition, offset });
    const pane: Pane = {
      ...{ monitor: 'stations', source: 'events', partition, sequence: index, kind: 'sealed' },
      ...{ startMs: 0, endMs: 1_000, slice: '', count: 1, sealedThroughMs: 0 },
      columns: [column('level', 1)],
      ...fields,
    };
    filled.take(pane, {
      [HEADER.origin]: at(origin),
      ...(first === undefined ? {} : { [HEADER.firstOrigin]: at(first) }),
    });
  }
  return filled;
}

/** A pane of one second, and the step of the watermark that sealed it. */
function second(index: number, fields: Partial<Placed> = {}): readonly Placed[] {
  const startMs = index * 1_000;
  const at = { origin: index * 10 + 10, sequence: index * 2 };
  const pane = { ...at, first: index * 10, startMs, endMs: startMs + 1_000, ...fields };
  const step = { origin: pane.origin, sequence: pane.sequence! + 1, kind: 'progress' } as const;
  return [pane, { ...step, columns: [], count: 0, sealedThroughMs: startMs + 1_000 }];
}

const seconds = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => second(from + index)).flat();

function compare(live: PaneLedger, run: PaneLedger, spans = [{ from: 0, to: 1_000 }]) {
  return comparePanes({ live, run, spans, sources: ['events'] });
}

describe('panes', () => {
  it('are equal by their content, whatever their sequence', () => {
    const { tally, sha256, covered } = compare(
      ledger(...seconds(0, 5)),
      ledger(...seconds(0, 5).map((pane) => ({ ...pane, sequence: pane.sequence! + 7 }))),
    );
    expect(tally).toMatchObject({ equal: 5, different: 0, firstDifference: null });
    expect(sha256.live).toBe(sha256.run);
    expect(covered).toMatchObject({ throughMs: 5_000, fromBeginning: true });
  });

  it.each<[string, Partial<Placed>, RegExp]>([
    ['events', { count: 2 }, /live has 1 events, the replay 2/],
    [
      'a column',
      { columns: [column('level', 9)] },
      /column level differs, live 2 bytes [0-9a-f]{16}…, the replay 2 bytes/,
    ],
    [
      'the columns',
      { columns: [column('other', 1)] },
      /live has column level, the replay other in its place/,
    ],
    ['their number', { columns: [column('level', 1), column('more', 1)] }, /1 columns, .* 2/],
    ['the length', { endMs: 9_000 }, /live ends at 1970-01-01T00:00:03.000Z/],
  ])('that differ in %s say so, the first one by its place', (_what, fields, text) => {
    const run = ledger(...seconds(0, 2), ...second(2, fields), ...second(3, fields));
    const { tally, sha256 } = compare(ledger(...seconds(0, 4)), run);
    expect(tally).toMatchObject({ equal: 2, different: 2 });
    expect(tally.firstDifference).toMatch(/^sealed pane 1970-01-01T00:00:02.000Z .* partition 0: /);
    expect(tally.firstDifference).toMatch(text);
    expect(sha256.live).not.toBe(sha256.run);
  });

  it('that one side lacks are counted and named', () => {
    const extra = second(1, { slice: 'station=Brest', sequence: 40 });
    const live = ledger(...seconds(0, 3), ...extra);
    const { tally } = compare(live, ledger(...seconds(0, 3)));
    expect(tally).toMatchObject({ equal: 3, onlyLive: 1, onlyRun: 0 });
    expect(tally.firstDifference).toMatch(/the replay has no sealed pane .* of station=Brest/);
    const turned = compare(ledger(...seconds(0, 3)), live);
    expect(turned.tally).toMatchObject({ onlyLive: 0, onlyRun: 1 });
  });

  it('of late events are compared in the order in which they left', () => {
    const late = (sequence: number, count: number) =>
      ({ ...second(0)[0]!, kind: 'late', origin: 30, first: 20, sequence, count }) as Placed;
    const live = ledger(...seconds(0, 3), late(20, 1), late(21, 2));
    const run = ledger(...seconds(0, 3), late(30, 1), late(31, 3));
    expect(compare(live, run).tally).toMatchObject({ equal: 4, different: 1 });
  });

  it('with two contents under one sequence are a difference in themselves', () => {
    const live = ledger(...seconds(0, 2), { ...second(1)[0]!, count: 5 });
    const { tally } = compare(live, ledger(...seconds(0, 2)));
    expect(tally.firstDifference).toBe('live: events:0 has two different panes with sequence 2');
  });

  it.each([
    ['that the live run began before the range', { from: 15, to: 1_000 }, 0, 3],
    ['that were sealed after the range', { from: 0, to: 30 }, 0, 2],
    ['that the live run has not sealed yet', { from: 0, to: 1_000 }, 4, 4],
  ])('%s are not compared', (_what, span, liveCount, compared) => {
    const live = ledger(...seconds(0, liveCount || 5));
    const wrong = { columns: [column('level', 7)] };
    const differing = (index: number) => second(index, wrong);
    const inRange = (index: number) =>
      index * 10 >= span.from && index * 10 + 10 < Math.min(span.to, (liveCount || 5) * 10 + 1);
    const run = [0, 1, 2, 3, 4].flatMap((index) =>
      inRange(index) ? second(index) : differing(index),
    );
    expect(compare(live, ledger(...run), [span]).tally).toMatchObject({
      equal: compared,
      different: 0,
      onlyLive: 0,
      onlyRun: 0,
    });
  });

  it('that retention has cut from the live log are not missed', () => {
    const live = ledger(...seconds(0, 5).slice(4));
    const { tally } = compare(live, ledger(...seconds(0, 5)));
    expect(tally).toMatchObject({ equal: 2, onlyRun: 0, firstDifference: null });
  });

  it('of a partition without events keep no time from being covered', () => {
    const spans = [
      { from: 0, to: 1_000 },
      { from: 4, to: 4 },
    ];
    const { covered } = compare(ledger(...seconds(0, 3)), ledger(...seconds(0, 3)), spans);
    expect(covered).toMatchObject({ throughMs: 3_000, fromBeginning: true });
  });

  it('of a partition that only one side has measured let no time be covered', () => {
    const spans = [
      { from: 0, to: 1_000 },
      { from: 4, to: 4 },
    ];
    const live = ledger(
      ...seconds(0, 3),
      ...seconds(0, 3).map((pane) => ({ ...pane, partition: 1 })),
    );
    const { covered } = compare(live, ledger(...seconds(0, 3)), spans);
    expect(covered.throughMs).toBe(Number.NEGATIVE_INFINITY);
  });
});

function report(endMs: number, fields: Partial<Report> = {}): Report {
  return {
    ...{ id: String(endMs), monitor: 'stations', sequence: endMs, kind: 'window' },
    ...{ windowStartMs: endMs - 1_000, windowEndMs: endMs, windowSlideMs: 1_000 },
    ...{
      baseline: 'reference',
      slice: '',
      revision: 0,
      count: 10,
      verdict: 'ok',
      budget: '',
      versions: [],
    },
    columns: [columnReport({})],
    ...fields,
  };
}

function columnReport(fields: Partial<ColumnReport>): ColumnReport {
  return {
    ...{ name: 'level', type: 'numeric', count: 10, missingCount: 0, distances: { ks: 0.1 } },
    ...{ threshold: 0.3, verdict: 'ok', statistics: [], decisive: null, shape: null },
    bins: [{ label: 'a', referenceShare: 0.5, share: 0.5, contribution: 1 }],
    sentence: '',
    ...fields,
  };
}

function reportsOf(...reports: readonly Report[]): ReportLedger {
  const filled = new ReportLedger();
  for (const each of reports) filled.take(each);
  return filled;
}

const EVERYTHING = { fromMs: 0, throughMs: 10_000, fromBeginning: true };

function judge(live: ReportLedger, run: ReportLedger, covered = EVERYTHING, reviseMs = 0) {
  return compareReports({ live, run, covered, reviseMs });
}

describe('reports', () => {
  it('are equal by their content, whatever their sequence', () => {
    const live = reportsOf(report(1_000), report(2_000), report(1_000));
    const run = reportsOf(report(1_000, { sequence: 77 }), report(2_000));
    expect(judge(live, run)).toMatchObject({ equal: 2, firstDifference: null });
  });

  it('that differ name window, field and both values', () => {
    const other = report(2_000, {
      slice: 'station=Brest',
      columns: [columnReport({ distances: { ks: 0.2 } })],
    });
    const live = reportsOf(report(1_000), report(2_000, { slice: 'station=Brest' }));
    const { different, firstDifference: text } = judge(live, reportsOf(report(1_000), other));
    expect(different).toBe(1);
    expect(text).toMatch(/^report on 1970-01-01T00:00:01.000Z to .* of station=Brest against ref/);
    expect(text).toContain('columns.level.distances.ks is 0.1 live, 0.2 in the replay');
  });

  it('that differ only in bins that are not kept are found all the same', () => {
    const other = report(1_000, { columns: [columnReport({ bins: [] })] });
    expect(judge(reportsOf(report(1_000)), reportsOf(other))).toMatchObject({
      different: 1,
      firstDifference: expect.stringContaining('bins of a column that does not drift'),
    });
  });

  it('are compared where the range covers their window, with what lies before it', () => {
    const drifting = (shape: ColumnReport['shape']) =>
      report(5_000, { columns: [columnReport({ verdict: 'drift', shape })] });
    const trailing = report(5_000, { baseline: 'trailing 2', count: 1 });
    const live = reportsOf(report(1_000), drifting('sudden'), trailing, report(9_000));
    const run = reportsOf(drifting(null), { ...trailing, count: 2 });
    const part = { fromMs: 4_000, throughMs: 8_000, fromBeginning: false };
    expect(judge(live, run, part)).toMatchObject({ equal: 1, different: 0, onlyLive: 0 });
    expect(judge(live, run, { ...part, fromBeginning: true })).toMatchObject({ different: 2 });
  });

  it('of a window judged once more are compared when the time for that is covered', () => {
    const live = reportsOf(report(8_000), report(8_000, { revision: 1, count: 11 }));
    const run = reportsOf(report(8_000));
    expect(judge(live, run, EVERYTHING, 1_000)).toMatchObject({ equal: 1, onlyLive: 1 });
    expect(judge(live, run, EVERYTHING, 5_000)).toMatchObject({ equal: 1, onlyLive: 0 });
  });
});

function alert(windowEnd: number, state: Alert['state'], column = 'level'): Alert {
  const iso = (ms: number) => new Date(ms).toISOString();
  return {
    ...{ rule: 'drift', monitor: 'stations', column, slice: '', baseline: 'reference', state },
    ...{ severity: 'warning', windowStart: iso(windowEnd - 1_000), windowEnd: iso(windowEnd) },
    ...{ driftStart: iso(0), distance: 'ks', value: 1, threshold: 0.3, shape: null, count: 9 },
    ...{ fingerprint: column, summary: '' },
  };
}

describe('alerts', () => {
  it('stand side by side by the end of their window', () => {
    const pairs = compareAlerts(
      [alert(2_000, 'firing'), alert(4_000, 'resolved')],
      [alert(3_000, 'firing'), alert(4_000, 'resolved'), alert(2_000, 'firing', 'station')],
    );
    expect(
      pairs.map(({ windowEnd, column, left, right }) => [windowEnd, column, left, right]),
    ).toEqual([
      ['1970-01-01T00:00:02.000Z', 'level', 'firing', null],
      ['1970-01-01T00:00:02.000Z', 'station', null, 'firing'],
      ['1970-01-01T00:00:03.000Z', 'level', null, 'firing'],
      ['1970-01-01T00:00:04.000Z', 'level', 'resolved', 'resolved'],
    ]);
  });
});

describe('a whole comparison', () => {
  const monitor = stationMonitor();
  const spans = [{ from: 0, to: 1_000 }];
  const alerts = [alert(2_000, 'firing'), alert(9_000, 'firing')];
  const side = (...panes: readonly Placed[]) => ({
    panes: ledger(...panes),
    reports: reportsOf(report(2_000)),
    alerts,
  });

  it('is equal where panes and reports are, and shows the alerts that are covered', () => {
    const sides = { live: side(...seconds(0, 5)), run: side(...seconds(0, 6)) };
    expect(compareLive({ monitor, spans, ...sides })).toMatchObject({
      equal: true,
      firstDifference: null,
      panes: { equal: 5 },
      reports: { equal: 1 },
      alerts: [{ windowEnd: '1970-01-01T00:00:02.000Z', left: 'firing', right: 'firing' }],
    });
  });

  it('of nothing is not equal', () => {
    const result = compareLive({ monitor, spans, live: side(), run: side(...seconds(0, 3)) });
    expect(result.equal).toBe(false);
    expect(result.firstDifference).toMatch(/^nothing could be compared/);
  });

  it('says of a difference that the live run went on without a silent partition', () => {
    const idle = { origin: 40, sequence: 90, kind: 'idle', columns: [] } as const;
    const live = side(...seconds(0, 3), ...second(3, { count: 2 }), idle);
    const result = compareLive({ monitor, spans, live, run: side(...seconds(0, 4)) });
    expect(result.firstDifference).toMatch(
      /2 events, the replay 1 \(live went on without .* once,/,
    );
  });
});

describe('the first difference', () => {
  it('is found in the order of the fields, however deep', () => {
    expect(firstDifference({ a: 1, b: [1, { c: 2 }] }, { b: [1, { c: 2 }], a: 1 })).toBeNull();
    expect(firstDifference({ a: 1, b: [1, { c: 2 }] }, { a: 1, b: [1, { c: 3 }] })).toEqual({
      path: 'b.1.c',
      left: 2,
      right: 3,
    });
    expect(firstDifference({ a: null }, { a: {} })).toEqual({ path: 'a', left: null, right: {} });
    expect(firstDifference({}, { a: 1 })).toEqual({ path: 'a', left: undefined, right: 1 });
    expect(firstDifference(Number.NaN, Number.NaN)).toBeNull();
  });
});
