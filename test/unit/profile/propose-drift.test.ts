/** How the proposed monitor judges: by which budget, from how many rows, and which columns otherwise. */
import { describe, expect, it } from 'vitest';
import { explainProfile } from '../../../services/profile/explain.ts';
import { formatMonitorDocument } from '../../../services/profile/monitor-document.ts';
import { type ProfileOptions, profileDataset } from '../../../services/profile/profile.ts';
import { tableOf } from '../../support/dataset-files.ts';

type Cells = Readonly<Record<string, (row: number) => string>>;

const profile = (cells: Cells, rowCount: number, options: Partial<ProfileOptions> = {}) => {
  const names = Object.keys(cells);
  const dataset = tableOf(names, rowCount, (row) => names.map((name) => cells[name]!(row)));
  return profileDataset({ dataset, sliceColumns: [], ...options });
};

/** Without order: a Lehmer generator's value at a row. */
const mixed = (row: number, salt = 0) => (((row + 1 + salt) * 48_271) % 2_147_483_647) % 10_007;
const x = (row: number) => String(mixed(row) / 7);
const every = (ms: number) => (row: number) =>
  new Date(Date.UTC(2024, 0, 1) + row * ms).toISOString();
const HOUR_MS = 3_600_000;
/** Level after level, as in a table ordered by place: 500 rows on each of eight. */
const level = (row: number) =>
  String([3, 7, 1, 5, 8, 2, 6, 4][Math.floor(row / 500) % 8]! + mixed(row) / 5e4);

describe('the budget', () => {
  it('is one a month where event time is named and a month holds many windows', async () => {
    const { drift, window } = await profile({ at: every(1_000), x }, 3_000, {
      eventTimeColumn: 'at',
    });
    expect(window.text).toBe('15m');
    expect(drift).toMatchObject({
      falseAlarms: { max: 1, per: 'month' },
      countMin: 100,
      rowsPerWindow: 900,
    });
  });

  it('is a share of the windows where it does not, or only the row number serves', async () => {
    const perWindow = { falseAlarms: { max: 0.01, per: 'window' } };
    const slow = await profile({ at: every(HOUR_MS), x }, 3_000, { eventTimeColumn: 'at' });
    expect(slow.window.text).toBe('60d');
    expect(slow.drift).toMatchObject(perWindow);
    expect((await profile({ x }, 3_000)).drift).toMatchObject(perWindow);
  });

  it('asks for fewer rows where a window holds few', async () => {
    expect((await profile({ x }, 120)).drift).toMatchObject({ rowsPerWindow: 120, countMin: 60 });
    expect((await profile({ x }, 1)).drift.countMin).toBe(1);
  });

  it('is shared by columns and slices, so that each needs a larger change', async () => {
    const cells = { x, kind: (row: number) => 'abcd'[mixed(row, 7) % 4]! };
    const shiftOf = async (some: Cells, options: Partial<ProfileOptions> = {}) =>
      (await profile(some, 2_000, options)).drift.columns.get('x')!.detectable.shift!;
    const alone = await shiftOf({ x });
    const shared = await shiftOf(cells);
    const sliced = await shiftOf(cells, { sliceColumns: ['kind'] });
    expect(shared).toBeGreaterThan(alone);
    expect(sliced).toBeGreaterThan(shared);
  });
});

describe('a column whose neighbouring rows are alike', () => {
  it('gets a fixed threshold beyond the reference’s own stretches, where that hears more', async () => {
    const result = await profile({ x, level }, 4_000);
    const { columns, countMin } = result.drift;
    expect(columns.get('x')!.rule).toEqual({ kind: 'budget' });
    const { detectable, rule } = columns.get('level')!;
    if (rule.kind !== 'threshold') throw new Error(rule.kind);
    expect(rule.threshold).toBe(0.5);
    expect(rule.threshold).toBeLessThan(detectable.distance);
    expect(rule.strayed).toBeGreaterThan(0.5);
    expect(countMin).toBe(450);
    expect(result.notes).toEqual([expect.stringMatching(/^level: neighbouring rows are so alike/)]);

    const text = formatMonitorDocument(result, 'test');
    expect(text).toContain('    drift: { threshold: 0.5 }\n');
    expect(text).toContain('so that windows like those of the data itself alarm as well');
    const { detection } = explainProfile(result).columns.find(({ name }) => name === 'level')!;
    expect(detection).toMatch(/^ks of 0\.5, fixed: under the budget a window of 900 rows alarms/);
  });

  it('leaves the others the whole budget', async () => {
    const fixed = await profile({ x, level }, 4_000);
    const alone = await profile({ x }, 4_000);
    const shiftOf = ({ drift }: typeof fixed) => drift.columns.get('x')!.detectable.shift;
    expect(shiftOf(fixed)).toBe(shiftOf(alone));
  });

  it('is measured only where it never falls: every window lies elsewhere', async () => {
    const result = await profile(
      { x, year: (row) => String(2_000 + Math.floor(row / 90) / 4) },
      4_000,
    );
    expect(result.drift.columns.get('year')!.rule).toEqual({ kind: 'unjudged' });
    expect(formatMonitorDocument(result, 'test')).toMatch(
      / {2}year:\n( {4}.*\n)* {4}drift: false\n/,
    );
  });

  it('stays with the budget where the order of time is not known', async () => {
    const at = (row: number) => every(60_000)(row === 3_000 ? 0 : row);
    const { drift } = await profile({ at, x, level }, 4_000, { eventTimeColumn: 'at' });
    expect(drift.columns.get('level')!.rule).toEqual({ kind: 'budget' });
  });
});

describe('what a window alarms at, in words', () => {
  it('is said for every column', async () => {
    const result = await profile(
      {
        x,
        kind: (row) => (mixed(row, 3) % 10 < 7 ? 'often' : 'rare'),
        rate: () => '4.5',
        label: (row) => String(row % 2),
      },
      3_000,
      { labelColumn: 'label' },
    );
    const detection = Object.fromEntries(
      explainProfile(result).columns.map((column) => [column.name, column.detection]),
    );
    expect(detection).toEqual({
      x: expect.stringMatching(
        /^a window of 900 rows alarms from a shift of about 0\.\d\d standard deviations, or \d+ % of the values lying elsewhere$/,
      ),
      kind: expect.stringMatching(
        /^a window of 900 rows alarms when the share of "often" goes from [67]\d(\.\d)? % to about \d+(\.\d)? %$/,
      ),
      rate: expect.stringMatching(
        /^a window of 900 rows alarms from \d+ % of the values lying elsewhere$/,
      ),
      label: 'none: it is not judged',
    });
  });
});
