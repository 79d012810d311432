/** Two columns that each stay as they are while what ties them turns round: seen by their set alone. */
import { describe, expect, it } from 'vitest';
import type { Column, Monitor } from '../../services/core/monitor/monitor.ts';
import type { Reference } from '../../services/core/monitor/reference.ts';
import { createColumnSketch } from '../../services/core/sketch/column-sketch.ts';
import type { Baseline } from '../../services/core/window/baseline.ts';
import { jsonRecord, runRecords, stationMonitor } from '../support/embedded-run.ts';
import { sampleRows, setReference } from '../unit/core/sketch/set-samples.ts';

const EVENT = {
  type: 'record',
  name: 'Gauge',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'at', type: 'long' },
    { name: 'flow', type: 'double' },
    { name: 'level', type: 'double' },
    { name: 'station', type: 'string' },
  ],
};
const WINDOW_MS = 10_000;
const ROWS_PER_WINDOW = 1_000;

/** Both standard normal, whatever the correlation. */
function rowsOf(correlation: number, seed: number, count: number): Float64Array[] {
  return sampleRows(
    (normal) => {
      const flow = normal();
      return [flow, correlation * flow + Math.sqrt(1 - correlation ** 2) * normal()];
    },
    seed,
    count,
  );
}

function monitorOf(baselines: readonly Baseline[]): Monitor {
  const [level, station] = stationMonitor().columns as [Column, Column];
  const drift = { kind: 'budget', priority: 1 } as const;
  return stationMonitor({
    columns: [
      { ...level, name: 'flow', path: ['flow'], drift },
      { ...level, drift },
      { ...station, drift: null },
    ],
    slices: ['station'],
    sets: [{ name: 'inputs', columns: ['flow', 'level'], drift }],
    falseAlarms: { max: 1, per: 'year' },
    countMin: 200,
    baselines,
  });
}

function referenceOf(rows: readonly Float64Array[]): Reference {
  const names = ['flow', 'level'];
  const columns = new Map(
    names.map((name, index) => {
      const sketch = createColumnSketch('numeric');
      for (const row of rows) if (sketch.kind === 'numeric') sketch.add(row[index]!);
      return [name, sketch];
    }),
  );
  const sets = new Map([['inputs', setReference(rows, 1, names)]]);
  return { rowCount: rows.length, columns, slices: new Map(), calibrations: new Map(), sets };
}

async function run(baseline: Baseline, partitionCount: number) {
  const windows = [0.7, 0.7, 0.7, 0.7, -0.7, -0.7];
  const records = windows.flatMap((correlation, window) =>
    rowsOf(correlation, 100 + window, ROWS_PER_WINDOW).map(([flow, level], index) => {
      const at = window * WINDOW_MS + index * (WINDOW_MS / ROWS_PER_WINDOW);
      const event = { id: `${at}`, at, flow, level, station: index % 2 === 0 ? 'Brest' : 'Newlyn' };
      return jsonRecord(event, index % partitionCount);
    }),
  );
  const reference = referenceOf(rowsOf(0.7, 1, 20_000));
  return runRecords({
    ...{ monitor: monitorOf([baseline]), reference, records, partitionCount },
    eventSchema: EVENT,
  });
}

describe('a correlation that turns round while both columns stay', () => {
  it.each<[string, Baseline, number]>([
    ['the reference', { kind: 'reference' }, 1],
    ['the reference, over partitions', { kind: 'reference' }, 3],
    ['the windows before', { kind: 'trailing', windows: 3 }, 2],
  ])('against %s fires once, on the set and on no column', async (_, baseline, partitions) => {
    const { reports, alerts } = await run(baseline, partitions);
    expect(alerts).toMatchObject([
      {
        ...{ state: 'firing', column: 'inputs', slice: '' },
        windowEnd: '1970-01-01T00:00:50.000Z',
      },
    ]);
    expect(JSON.stringify(alerts[0])).toContain(
      'inputs: the correlation of flow and level moved from 0.7',
    );
    const whole = reports.filter(({ slice }) => slice === '');
    const named = (name: string) =>
      whole.map(({ columns }) => columns.find((column) => column.name === name)!.verdict);
    for (const name of ['flow', 'level']) expect(named(name)).not.toContain('drift');
    expect(named('inputs').slice(1)).toEqual(['ok', 'ok', 'ok', 'drift', 'drift']);
    const sliced = reports.filter(({ slice }) => slice !== '');
    expect(sliced.some(({ columns }) => columns.some(({ type }) => type === 'set'))).toBe(false);
  });
});
