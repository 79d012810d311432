/** The whole pipeline on the memory adapters: what goes in, and what must come out. */
import { describe, expect, it } from 'vitest';
import type { BusRecord } from '../../services/core/message/record.ts';
import { runTopics } from '../../services/core/message/topics.ts';
import {
  jsonRecord,
  memoryPorts,
  referenceOf,
  runRecords,
  type StationEvent,
  stationMonitor,
} from '../support/embedded-run.ts';

const STATIONS = ['Brest', 'Cuxhaven', 'Newlyn'];

/** Levels 0…99 evenly, stations evenly; `shift` moves the levels. */
function tide(
  count: number,
  options: { startMs: number; stepMs: number; shift?: number },
): StationEvent[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `${options.startMs}-${i}`,
    at: options.startMs + i * options.stepMs,
    level: ((i * 37) % 100) + (options.shift ?? 0),
    station: STATIONS[i % 3]!,
  }));
}

const monitor = stationMonitor();
const reference = referenceOf(monitor, tide(3_000, { startMs: 0, stepMs: 10 }));

describe('the pipeline', () => {
  it('fires once for a drift, names the column, and resolves when the values return', async () => {
    const events = [
      ...tide(300, { startMs: 0, stepMs: 100 }),
      ...tide(300, { startMs: 30_000, stepMs: 100, shift: 60 }),
      ...tide(300, { startMs: 60_000, stepMs: 100 }),
    ];
    const result = await runRecords({
      monitor,
      reference,
      records: events.map((event, i) => jsonRecord(event, i % 2)),
      partitionCount: 2,
    });
    expect(result).toMatchObject({ published: 900, valid: 900, quarantined: 0, late: 0 });
    expect(result.reports.map((report) => report.count)).toEqual(Array(9).fill(100));
    expect(result.reports.map((report) => report.verdict)).toEqual([
      ...Array(3).fill('ok'),
      ...Array(3).fill('drift'),
      ...Array(3).fill('ok'),
    ]);
    expect(result.alerts).toMatchObject([
      { state: 'firing', column: 'level', windowEnd: '1970-01-01T00:00:40.000Z' },
      { state: 'resolved', column: 'level', windowEnd: '1970-01-01T00:01:10.000Z' },
    ]);
  });

  it('quarantines what is wrong with its bytes and the reason, and goes on', async () => {
    const ports = memoryPorts();
    const good = tide(100, { startMs: 0, stepMs: 100 });
    const broken = Buffer.from('{"id": 1, ');
    const result = await runRecords({
      monitor,
      reference,
      ports,
      partitionCount: 1,
      records: [
        ...good.slice(0, 50).map((event) => jsonRecord(event)),
        {
          ...jsonRecord({}),
          key: Buffer.from('k'),
          value: broken,
          headers: { mine: Buffer.from('kept') },
        },
        jsonRecord({ ...good[0], level: 'high' }),
        jsonRecord({ ...good[0], at: Date.parse('9999-01-01T00:00:00Z') }),
        ...good.slice(50).map((event) => jsonRecord(event)),
      ],
    });
    expect(result).toMatchObject({ published: 103, valid: 100, quarantined: 3 });
    expect(result.quarantinedByCode).toEqual({
      'decode.json-syntax': 1,
      'schema.type': 1,
      'time.out-of-range': 1,
    });
    const topic = runTopics(monitor, 'test').quarantine;
    const records: BusRecord[] = [];
    for await (const record of ports.bus.read({ topic, partition: 0 }, 0, 3)) records.push(record);
    const text = (name: string) => Buffer.from(records[0]!.headers[name] as Uint8Array).toString();
    expect(Buffer.from(records[0]!.value!).equals(broken)).toBe(true);
    expect(Buffer.from(records[0]!.key!).toString()).toBe('k');
    expect(text('mine')).toBe('kept');
    expect(text('tg-error-stage')).toBe('validator');
    expect(text('tg-error-class')).toBe('decode');
    expect(text('tg-error-rule')).toBe('decode.json-syntax');
    expect(text('tg-error-origin')).toMatch(/:0:50$/);
    expect(text('tg-error-attempt')).toBe('1');
    expect(text('tg-error-message')).not.toBe('');
  });

  it('counts late events apart and leaves sealed windows alone', async () => {
    const events = tide(300, { startMs: 0, stepMs: 100 });
    const late: StationEvent = { id: 'late', at: 5_000, level: 1e9, station: 'Brest' };
    const plain = { monitor, reference, partitionCount: 1 };
    const without = await runRecords({
      ...plain,
      records: events.map((event) => jsonRecord(event)),
    });
    const withLate = await runRecords({
      ...plain,
      records: [...events.slice(0, 250), late, ...events.slice(250)].map((event) =>
        jsonRecord(event),
      ),
    });
    expect(withLate.late).toBe(1);
    expect(withLate.reports).toEqual(without.reports);
  });

  it('says insufficient data for a thin window and neither fires nor resolves on it', async () => {
    const events = [
      ...tide(100, { startMs: 0, stepMs: 100, shift: 60 }),
      ...tide(5, { startMs: 10_000, stepMs: 100 }),
      ...tide(100, { startMs: 20_000, stepMs: 100 }),
    ];
    const result = await runRecords({
      monitor,
      reference,
      records: events.map((event) => jsonRecord(event)),
      partitionCount: 1,
    });
    expect(result.reports.map((report) => report.verdict)).toEqual([
      'drift',
      'insufficient-data',
      'ok',
    ]);
    expect(result.alerts.map((alert) => [alert.state, alert.windowEnd])).toEqual([
      ['firing', '1970-01-01T00:00:10.000Z'],
      ['resolved', '1970-01-01T00:00:30.000Z'],
    ]);
  });

  it('reports slices apart, and one drift of the whole stays one alert', async () => {
    const sliced = stationMonitor({ slices: ['station'] });
    const events = [
      ...tide(300, { startMs: 0, stepMs: 33, shift: 60 }),
      ...tide(300, { startMs: 10_000, stepMs: 33 }).map((event) =>
        event.station === 'Brest' ? { ...event, level: event.level! + 60 } : event,
      ),
    ];
    const result = await runRecords({
      monitor: sliced,
      reference: referenceOf(sliced, tide(3_000, { startMs: 0, stepMs: 10 })),
      records: events.map((event) => jsonRecord(event)),
      partitionCount: 1,
    });
    expect(result.reports.map((report) => report.slice)).toEqual([
      '',
      'station=Brest',
      'station=Cuxhaven',
      'station=Newlyn',
      '',
      'station=Brest',
      'station=Cuxhaven',
      'station=Newlyn',
    ]);
    const fired = result.alerts.filter((alert) => alert.state === 'firing');
    expect(fired.map((alert) => [alert.column, alert.slice])).toEqual([
      ['level', ''],
      ['level', 'station=Brest'],
    ]);
  });

  it('gives the same reports and alerts whatever the number of partitions', async () => {
    const events = [
      ...tide(300, { startMs: 0, stepMs: 100 }),
      ...tide(300, { startMs: 30_000, stepMs: 100, shift: 60 }),
    ];
    const outcomes = [];
    for (const partitionCount of [1, 2, 5]) {
      const result = await runRecords({
        monitor,
        reference,
        records: events.map((event, i) => jsonRecord(event, i % partitionCount)),
        partitionCount,
      });
      outcomes.push({
        verdicts: result.reports.map((report) => [
          report.windowStartMs,
          report.count,
          report.verdict,
        ]),
        alerts: result.alerts.map((alert) => [alert.state, alert.column, alert.windowEnd]),
      });
    }
    expect(outcomes[1]).toEqual(outcomes[0]);
    expect(outcomes[2]).toEqual(outcomes[0]);
  });
});
