/** Reports in, alerts out: which series there are, what a restart keeps, and what is said twice. */
import { describe, expect, it } from 'vitest';
import { createAlertingEvents } from '../../../services/alerting/events.ts';
import { AlertingShard } from '../../../services/alerting/shard.ts';
import { EMPTY_ALERTING, restoreAlerting } from '../../../services/alerting/state.ts';
import { type Alert, decodeAlert } from '../../../services/core/message/alert.ts';
import { HEADER, headerText } from '../../../services/core/message/header.ts';
import {
  type ColumnReport,
  type Report,
  reportCodec,
  type Verdict,
} from '../../../services/core/message/report.ts';
import type { AlertRule } from '../../../services/core/monitor/monitor.ts';
import type { BusRecord, OutgoingRecord } from '../../../services/platform/bus/bus.ts';
import { createMemoryTelemetry } from '../../../services/platform/telemetry/memory-telemetry.ts';

const RULE: AlertRule = {
  name: 'drift',
  columns: null,
  baselines: null,
  forWindows: 1,
  resolveAfterWindows: 1,
  severity: 'warning',
};
const HOUR_MS = 3_600_000;

/** An alerting shard that can be stored and restored; feeds it reports one after the other. */
function alerting(rules: readonly AlertRule[] = [RULE]) {
  const telemetry = createMemoryTelemetry();
  const options = {
    run: 'r1',
    rules,
    alertsTopic: 'alerts',
    events: createAlertingEvents(telemetry),
  };
  const entries = new Map<string, Uint8Array>();
  let shard = new AlertingShard(options, restoreAlerting(entries));
  let sequence = 0;

  function read(record: Partial<BusRecord>): readonly OutgoingRecord[] {
    shard.accept({
      ...{ topic: 'reports', partition: 0, offset: 0, key: null, value: null },
      ...{ headers: {}, timestampMs: 0 },
      ...record,
    });
    const { puts, deletes, outputs } = shard.takeChanges();
    for (const key of deletes) entries.delete(key);
    for (const [key, value] of puts) entries.set(key, value);
    return outputs;
  }

  return {
    telemetry,
    entries,
    read,
    report(
      hour: number,
      verdicts: Readonly<Record<string, Verdict>>,
      fields: Partial<Report> = {},
    ) {
      const report: Report = {
        ...{ id: String(sequence), monitor: 'm', sequence, kind: 'window', slice: '', count: 90 },
        ...{ windowStartMs: hour * HOUR_MS, windowEndMs: (hour + 1) * HOUR_MS, verdict: 'ok' },
        ...{ budget: '', windowSlideMs: HOUR_MS, baseline: 'reference', revision: 0 },
        columns: Object.entries(verdicts).map(([name, verdict]) => column(name, verdict)),
        versions: [],
        ...fields,
      } as Report;
      sequence = report.sequence + 1;
      const outputs = read({ offset: report.sequence, value: reportCodec.encode(report) });
      return outputs.map(({ value }) => decodeAlert(value!));
    },
    restart() {
      shard = new AlertingShard(options, restoreAlerting(entries));
    },
    /** The state is gone; what reports before this offset led to has been said. */
    rebuild(saidThrough: number) {
      entries.clear();
      sequence = 0;
      shard = new AlertingShard(options, { ...EMPTY_ALERTING, saidThrough });
    },
  };
}

function column(name: string, verdict: Verdict): ColumnReport {
  const distances = { ks: verdict === 'drift' ? 0.5 : 0.01 };
  const untested = { statistics: [], decisive: null, sentence: '', shape: null, bins: [] };
  return {
    ...{ name, type: 'numeric', count: 90, missingCount: 0, distances, threshold: 0.1, verdict },
    ...untested,
  };
}

const said = (alerts: readonly Alert[]) => alerts.map(({ state, column: name }) => [state, name]);

describe('a series', () => {
  it('is one per column, and says the numbers it rests on', () => {
    const { report } = alerting();
    const alerts = report(1, { level: 'drift', age: 'drift', income: 'ok' });
    expect(said(alerts)).toEqual([
      ['firing', 'level'],
      ['firing', 'age'],
    ]);
    expect(alerts[0]).toMatchObject({
      ...{ rule: 'drift', monitor: 'm', slice: '', severity: 'warning', count: 90 },
      ...{ distance: 'ks', value: 0.5, threshold: 0.1 },
      windowStart: '1970-01-01T01:00:00.000Z',
      windowEnd: '1970-01-01T02:00:00.000Z',
      driftStart: '1970-01-01T01:00:00.000Z',
    });
    expect(said(report(2, { level: 'ok', age: 'drift' }))).toEqual([['resolved', 'level']]);
  });

  it('keeps its fingerprint from firing to resolved and shares it with no other', () => {
    const { report } = alerting([RULE, { ...RULE, name: 'other' }]);
    const fired = report(1, { level: 'drift', age: 'drift' });
    expect(new Set(fired.map(({ fingerprint }) => fingerprint)).size).toBe(4);
    const resolved = report(2, { level: 'ok', age: 'ok' });
    expect(resolved.map(({ fingerprint }) => fingerprint).sort()).toEqual(
      fired.map(({ fingerprint }) => fingerprint).sort(),
    );
  });

  it('is one per window length', () => {
    const { report } = alerting();
    const day = { windowStartMs: 0, windowEndMs: 24 * HOUR_MS, windowSlideMs: 24 * HOUR_MS };
    const [hourly] = report(23, { level: 'drift' });
    const [daily] = report(0, { level: 'drift' }, day);
    expect(daily!.fingerprint).not.toBe(hourly!.fingerprint);
    expect(said(report(24, { level: 'ok' }))).toEqual([['resolved', 'level']]);
  });

  it('is one per slide and per baseline', () => {
    const { report } = alerting();
    const others = [{ windowSlideMs: HOUR_MS / 4 }, { baseline: 'trailing 4' }];
    const alerts = [{}, ...others].flatMap((fields) => report(1, { level: 'drift' }, fields));
    expect(new Set(alerts.map(({ fingerprint }) => fingerprint)).size).toBe(3);
    expect(alerts.map(({ baseline }) => baseline)).toEqual([
      ...['reference', 'reference', 'trailing 4'],
    ]);
  });

  it('is made only of reports against the baselines that the rule watches', () => {
    const { report } = alerting([{ ...RULE, baselines: ['trailing', 'calendar'] }]);
    expect(report(1, { level: 'drift' })).toEqual([]);
    expect(said(report(1, { level: 'drift' }, { baseline: 'calendar 4' }))).toEqual([
      ['firing', 'level'],
    ]);
  });

  it('is made only of columns that the rule watches and that are judged', () => {
    const { report } = alerting([{ ...RULE, columns: ['age'] }]);
    expect(said(report(1, { level: 'drift', age: 'drift' }))).toEqual([['firing', 'age']]);
    const unjudged = { ...column('age', 'drift'), threshold: null };
    expect(alerting().report(1, {}, { columns: [unjudged] })).toEqual([]);
  });

  it('goes on counting after a restart, and is forgotten when it is quiet', () => {
    const { report, restart, entries } = alerting([
      { ...RULE, forWindows: 2, resolveAfterWindows: 2 },
    ]);
    expect(report(1, { level: 'drift' })).toEqual([]);
    restart();
    const [fired] = report(2, { level: 'drift' });
    expect(fired).toMatchObject({ state: 'firing', driftStart: '1970-01-01T01:00:00.000Z' });
    restart();
    expect(report(3, { level: 'ok' })).toEqual([]);
    restart();
    expect(said(report(4, { level: 'ok' }))).toEqual([['resolved', 'level']]);
    expect([...entries.keys()]).toEqual(['head']);
  });
});

describe('a slice', () => {
  const brest = { slice: 'station=Brest' };

  it('waits while the whole fires for the same column, and no longer', () => {
    const { report } = alerting();
    expect(said(report(1, { level: 'drift' }))).toEqual([['firing', 'level']]);
    expect(report(1, { level: 'drift' }, brest)).toEqual([]);
    expect(said(report(1, { age: 'drift' }, brest))).toEqual([['firing', 'age']]);
    report(2, { level: 'ok' });
    const [alert] = report(2, { level: 'drift' }, brest);
    expect(alert).toMatchObject({ state: 'firing', column: 'level', slice: 'station=Brest' });
  });

  it('that fired before the whole did resolves after it', () => {
    const { report } = alerting();
    report(1, { level: 'ok' });
    expect(said(report(1, { level: 'drift' }, brest))).toEqual([['firing', 'level']]);
    report(2, { level: 'drift' });
    expect(report(2, { level: 'ok' }, brest)).toEqual([]);
    expect(said(report(3, { level: 'ok' }))).toEqual([['resolved', 'level']]);
    expect(said(report(3, { level: 'ok' }, brest))).toEqual([['resolved', 'level']]);
  });
});

describe('a report', () => {
  it('that comes again changes nothing', () => {
    const { report, telemetry } = alerting([{ ...RULE, forWindows: 2 }]);
    expect(report(1, { level: 'drift' })).toEqual([]);
    expect(report(1, { level: 'drift' }, { sequence: 0 })).toEqual([]);
    expect(telemetry.count('tidegauge.alerting.reports', { outcome: 'repeated' })).toBe(1);
    expect(said(report(2, { level: 'drift' }))).toEqual([['firing', 'level']]);
  });

  it('that is missing ends the service, but for those before the first one held', () => {
    const { report } = alerting();
    report(1, { level: 'ok' }, { sequence: 7 });
    expect(() => report(2, { level: 'ok' }, { sequence: 9 })).toThrow(
      expect.objectContaining({ code: 'state.corrupt' }),
    );
  });

  it('that is none is counted and passed over', () => {
    const { read, telemetry, report } = alerting();
    expect(read({ value: Buffer.from('{}') })).toEqual([]);
    expect(read({ value: null })).toEqual([]);
    expect(telemetry.count('tidegauge.alerting.reports', { outcome: 'unreadable' })).toBe(2);
    expect(said(report(1, { level: 'drift' }))).toEqual([['firing', 'level']]);
  });

  it('that ends the run is passed on as such', () => {
    const { read } = alerting();
    const end: Report = {
      ...{ id: 'end', monitor: 'm', sequence: 0, kind: 'end', windowStartMs: 0, windowEndMs: 0 },
      ...{ slice: '', revision: 0, count: 0, verdict: 'ok', budget: '', columns: [], versions: [] },
      ...{ windowSlideMs: 0, baseline: '' },
    } as Report;
    const [output, ...others] = read({ value: reportCodec.encode(end) });
    expect(others).toEqual([]);
    expect(output).toMatchObject({ topic: 'alerts', value: null });
    expect(headerText(output!.headers, HEADER.control)).toContain('r1');
  });
});

describe('a state made anew from the reports', () => {
  it('says nothing again, and goes on where the lost one was, also over a restart', () => {
    const { report, rebuild, restart } = alerting([{ ...RULE, resolveAfterWindows: 2 }]);
    const verdicts: Verdict[] = ['drift', 'ok', 'drift', 'ok', 'ok'];
    const before = verdicts.flatMap((verdict, hour) => said(report(hour, { level: verdict })));
    expect(before).toEqual([
      ['firing', 'level'],
      ['resolved', 'level'],
    ]);
    rebuild(4);
    expect(
      verdicts.slice(0, 3).flatMap((verdict, hour) => report(hour, { level: verdict })),
    ).toEqual([]);
    restart();
    expect(report(3, { level: 'ok' })).toEqual([]);
    expect(said(report(4, { level: 'ok' }))).toEqual([['resolved', 'level']]);
  });
});
