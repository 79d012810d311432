/**
 * Published streams with known drifts, profiled on their first 8 000 rows and replayed by the command
 * as its users would, under the budget that the profile proposes. What moves is found when it moves,
 * and what does not is left alone.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithSharedData, sharedData } from '../support/shared-data.ts';
import { tidegauge } from '../support/tidegauge.ts';

interface WindowJson {
  readonly start: string;
  readonly end: string;
  readonly baseline: string;
  readonly n: number;
  readonly verdict: string;
  readonly columns: Readonly<Record<string, { readonly verdict: string }>>;
}

interface AlertJson {
  readonly state: string;
  readonly baseline: string;
  readonly windowStart: string;
  readonly windowEnd: string;
}

/** Rows without a time of their own are a second apart from here. */
const ROW_0_MS = Date.UTC(2000, 0, 1);
const rowOf = (iso: string) => (Date.parse(iso) - ROW_0_MS) / 1_000;
const REFERENCE_ROWS = 8_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidegauge-streams-'));
});
afterAll(() => rm(folder, { recursive: true }));

/** A bundle as proposed, with one more baseline. */
async function profiled(
  name: string,
  options: {
    readonly data: string;
    readonly rows: string;
    readonly label: string;
    readonly args?: readonly string[];
    readonly baselines: string;
  },
): Promise<string> {
  const bundle = join(folder, name);
  const { data, rows, label, args = [] } = options;
  const result = await tidegauge([
    ...['profile', '--data', data, '--rows', rows, '--label', label, '--out', bundle, ...args],
  ]);
  expect([result.code, result.stderr]).toEqual([0, expect.any(String)]);
  const file = join(bundle, 'monitor.yaml');
  const proposed = await readFile(file, 'utf8');
  const text = proposed.replace('drift:\n', `drift:\n  baselines: ${options.baselines}\n`);
  expect(text).toContain('falseAlarms:');
  await writeFile(file, text);
  expect((await tidegauge(['check', bundle])).stdout).not.toContain('monitor.yaml:');
  return bundle;
}

async function replayed(bundle: string, data: string, args: readonly string[]) {
  const { code, json } = await tidegauge([
    ...['replay', '--bundle', bundle, '--data', data, '--json', ...args],
  ]);
  expect(code).toBe(0);
  const result = json() as {
    readonly quarantined: number;
    readonly late: number;
    readonly windows: readonly WindowJson[];
    readonly alerts: readonly AlertJson[];
  };
  expect(result).toMatchObject({ quarantined: 0, late: 0 });
  return result;
}

/** Windows of 500 and of 2 000 rows against the reference and against the four windows before. */
async function streamOf(name: string, label = 'class') {
  const data = sharedData(`streams/${name}.csv.gz`);
  const baselines = '[reference, { trailing: 4 }]';
  const bundle = await profiled(name, {
    ...{ data, label, baselines },
    rows: `0:${REFERENCE_ROWS}`,
  });
  const { windows, alerts } = await replayed(bundle, data, [
    '--window',
    '500s',
    '--window',
    '2000s',
  ]);
  return {
    alerts,
    /** First rows of the drifting windows of so many rows after the reference. */
    drifting(rows: number, baseline = 'reference'): readonly number[] {
      return windows
        .filter((window) => rowOf(window.end) - rowOf(window.start) === rows)
        .filter((window) => window.baseline === baseline && rowOf(window.start) >= REFERENCE_ROWS)
        .filter(({ verdict }) => verdict === 'drift')
        .map(({ start }) => rowOf(start));
    },
  };
}

const everyWindow = (rows: number, from: number, to: number) =>
  Array.from({ length: (to - from) / rows }, (_, index) => from + index * rows);

describeWithSharedData('published streams', () => {
  it('SEA: drifts from the first full window of 2 000 after row 10000 to the end', async () => {
    const { drifting } = await streamOf('sea_0123_abrupto_noise_0.2');
    expect(drifting(2_000)).toEqual(everyWindow(2_000, 10_000, 40_000));
    // Against the windows before, each change is found at once, and is over when they have it too.
    const trailing = drifting(2_000, 'trailing 4');
    for (const change of [10_000, 20_000, 30_000]) {
      expect(trailing).toContain(change);
      expect(trailing).not.toContain(change - 2_000);
    }
  });

  it('STAGGER: found in the first 500 rows of each change, and well again where they return', async () => {
    const { drifting, alerts } = await streamOf('stagger_0120_abrupto');
    expect(drifting(500)).toEqual(everyWindow(500, 10_000, 30_000));
    const trailing = drifting(500, 'trailing 4');
    expect(trailing).toEqual(expect.arrayContaining([10_000, 20_000, 30_000]));
    const against = alerts.filter(({ baseline }) => baseline === 'reference');
    const resolved = against.filter(({ state }) => state === 'resolved');
    expect(resolved).toHaveLength(against.length / 2);
    for (const { windowStart } of resolved)
      expect(rowOf(windowStart)).toBeGreaterThanOrEqual(10_000);
    expect(Math.max(...resolved.map(({ windowEnd }) => rowOf(windowEnd)))).toBeLessThanOrEqual(
      30_000 + 2 * 2_000,
    );
  });

  it('SINE: silent where only the concept moves, found where the inputs do', async () => {
    const { drifting } = await streamOf('sine_0123_abrupto');
    for (const rows of [500, 2_000]) {
      expect(drifting(rows).filter((row) => row < 20_000)).toEqual([]);
    }
    expect(drifting(2_000)).toEqual(everyWindow(2_000, 20_000, 40_000));
  });

  it('gradual SEA: found by row 12000', async () => {
    const { drifting } = await streamOf('sea_0123_gradual_noise_0.2');
    const [first] = drifting(2_000);
    expect(first).toBeGreaterThanOrEqual(8_000);
    expect(first! + 2_000).toBeLessThanOrEqual(12_000);
  });

  it.each([
    ['sea_training_50k', 'class'],
    ['phishing', 'target'],
  ])('%s: silent, as its inputs never move', async (name, label) => {
    const { drifting, alerts } = await streamOf(name, label);
    expect([drifting(500), drifting(2_000), alerts]).toEqual([[], [], []]);
  });

  it('Elec2: the onset is found, and the seasons do not page against the same days of earlier weeks', async () => {
    const { file, onset } = await elec2WithTimes();
    const bundle = await profiled('elec2', {
      data: file,
      rows: `0:${REFERENCE_ROWS}`,
      label: 'class',
      args: ['--event-time', 'time', '--window', '1d'],
      baselines: '[reference, { calendar: 4 }]',
    });
    const { windows } = await replayed(bundle, file, []);
    for (const baseline of ['reference', 'calendar 4']) {
      const against = windows.filter((window) => window.baseline === baseline);
      const before = against.filter(({ end }) => end <= onset);
      expect(before.length).toBeGreaterThan(350);
      expect(before.filter(({ verdict }) => verdict === 'drift')).toEqual([]);
      const first = against.find(({ start }) => start >= onset)!;
      const moved = ['vicprice', 'vicdemand', 'transfer'].map(
        (name) => first.columns[name]?.verdict,
      );
      expect([first.n, moved]).toEqual([48, ['drift', 'drift', 'drift']]);
    }
  });
});

/** With a time per row in place of its three columns of the clock: half-hours from 1996-05-07. */
async function elec2WithTimes(): Promise<{ readonly file: string; readonly onset: string }> {
  const START_MS = Date.UTC(1996, 4, 7);
  const HALF_HOUR_MS = 30 * 60_000;
  const timeOf = (row: number) => new Date(START_MS + row * HALF_HOUR_MS).toISOString();
  const text = gunzipSync(await readFile(sharedData('streams/elec2.csv.gz'))).toString('utf8');
  const [header, ...rows] = text.trimEnd().split('\n');
  expect(header!.startsWith('date,day,period,')).toBe(true);
  const withoutClock = (line: string) => line.split(',').slice(3).join(',');
  const lines = rows.map((line, row) => `${timeOf(row)},${withoutClock(line)}`);
  const file = join(folder, 'elec2.csv');
  await writeFile(file, [`time,${withoutClock(header!)}`, ...lines, ''].join('\n'));
  return { file, onset: timeOf(17_424) };
}
