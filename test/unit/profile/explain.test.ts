/** What the profile says of its choices: of ids and constants, and when it calibrates and when not. */
import { describe, expect, it } from 'vitest';
import { explainProfile } from '../../../services/profile/explain.ts';
import { type ProfileOptions, profileDataset } from '../../../services/profile/profile.ts';
import { tableOf } from '../../support/dataset-files.ts';

type Cells = Readonly<Record<string, (row: number) => string>>;

const profile = (cells: Cells, options: Partial<ProfileOptions> = {}, rowCount = 3_000) => {
  const names = Object.keys(cells);
  const dataset = tableOf(names, rowCount, (row) => names.map((name) => cells[name]!(row)));
  return profileDataset({ dataset, sliceColumns: [], ...options });
};

/** Without order: a Lehmer generator's value at a row. */
const mixed = (row: number, salt = 0) => (((row + 1 + salt) * 48_271) % 2_147_483_647) % 10_007;
const x = (row: number) => String(mixed(row) / 7);
const at = (row: number) => new Date(Date.UTC(2024, 0, 1) + row * 60_000).toISOString();

describe('ids and constants', () => {
  it('ids are context, by their name or because they number the rows; measures are not', async () => {
    const { columns, notes } = await profile({
      customer_id: (row) => String(100_000 + mixed(row) * 97),
      accountId: (row) => String(5_000_000 + mixed(row, 5) * 31),
      shuffled: (row) => String((row * 7_919) % 3_000),
      humid: (row) => String(mixed(row, 9)),
      population: (row) => String(mixed(row) * 13),
      region_id: (row) => String(row % 12),
      x,
    });
    const roles = Object.fromEntries(columns.map(({ name, role }) => [name, role]));
    expect(roles).toEqual({
      customer_id: 'context',
      accountId: 'context',
      shuffled: 'context',
      humid: 'feature',
      population: 'feature',
      region_id: 'feature',
      x: 'feature',
    });
    expect(notes).toEqual([
      'customer_id: looks like an id',
      'accountId: looks like an id',
      'shuffled: numbers the rows, in some other order',
    ]);
  });

  it('a constant is noted and stays judged, without a range', async () => {
    const { columns, notes } = await profile({ rate: () => '4.5', country: () => 'DE', x });
    expect(columns.map(({ role, range }) => [role, range === null])).toEqual([
      ['feature', true],
      ['feature', true],
      ['feature', false],
    ]);
    expect(notes).toEqual([
      expect.stringMatching(/^rate: is constant/),
      expect.stringMatching(/^country: is constant/),
    ]);
  });
});

describe('calibration', () => {
  const walk = (row: number) => String(Math.sin(row / 200) * 10 + mixed(row) / 10_007);
  const cells = {
    at,
    x,
    walk,
    kind: (row: number) => 'abc'[mixed(row) % 3]!,
    label: (row: number) => String(row % 2),
  };
  const named = { eventTimeColumn: 'at', labelColumn: 'label' };

  it('is there for every judged column of data in the order of time', async () => {
    const result = await profile(cells, named);
    expect([...result.reference.calibrations.keys()]).toEqual(['x', 'walk', 'kind']);
    const { columns } = explainProfile(result);
    const texts = Object.fromEntries(columns.map(({ name, calibration }) => [name, calibration]));
    expect(texts.walk).toMatch(
      /^values hang together in time: 1 440 rows tell as much as \d+ independent/,
    );
    expect(texts.label).toBe('none: it is not judged');
  });

  it('goes by the order of the rows where the data names no time, which a replay gives them', async () => {
    const { at: _, ...untimed } = cells;
    const timed = await profile(cells, named);
    const result = await profile(untimed, { labelColumn: 'label' });
    expect(result.reference.calibrations).toEqual(timed.reference.calibrations);
    const column = explainProfile(result).columns.find(({ name }) => name === 'walk')!;
    expect(column.calibration).toMatch(
      /^values hang together from row to row: 900 rows tell as much/,
    );
  });

  it.each<[string, Cells, Partial<ProfileOptions>, RegExp]>([
    [
      'is out of order once',
      { ...cells, at: (row) => at(row === 2_000 ? 1_998 : row) },
      named,
      /not in the order of event time/,
    ],
    ['has one time only', { ...cells, at: () => at(0) }, named, /the same event time/],
  ])('is not there where the data %s, and that is said', async (_, some, options, reason) => {
    const result = await profile(some, options);
    expect(result.reference.calibrations.size).toBe(0);
    const column = explainProfile(result).columns.find(({ name }) => name === 'walk')!;
    expect(column.calibration).toMatch(reason);
  });

  it('needs a few stretches of data', async () => {
    const result = await profile(cells, named, 60);
    expect(result.reference.calibrations.size).toBe(0);
    expect(explainProfile(result).columns[0]!.calibration).toMatch(/too few rows/);
  });
});

describe('the explanation', () => {
  it('gives the evidence for type, role, range, missing values and the window', async () => {
    const result = await profile(
      {
        at,
        x: (row) => (row % 10 === 0 ? '' : String(mixed(row) / 7)),
        zip: (row) => `0${1_000 + (row % 9)}`,
        spent: (row) => String(mixed(row, 4_000)),
        limit: (row) => String(mixed(row, 4_000) + (row % 50)),
      },
      { eventTimeColumn: 'at' },
    );
    const { columns, window, relations } = explainProfile(result);
    expect(columns[0]).toMatchObject({
      name: 'x',
      type: 'numeric: all 2 700 values are numbers; more than 1 024 different values',
      role: 'feature: judged',
      missing: 'missing in 10.0 % of the rows (300 of 3 000)',
      range: expect.stringMatching(/^\[0, [0-9]+\]: seen /),
    });
    expect(columns[1]!.type).toBe(
      'categorical: digits with leading zeros, which are codes; 9 different values',
    );
    expect(window).toMatch(/^1d: the shortest round length that holds 900 rows .* about 1 440$/);
    expect(relations).toEqual(['event.spent <= event.limit, on all 3 000 rows with both']);
  });
});
