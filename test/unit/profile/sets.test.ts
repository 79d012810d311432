/** Sets named for a profile: the bundle is loaded with them, and what cannot be in a set is refused. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { correlations } from '../../../services/core/distance/correlation-change.ts';
import { formatReference } from '../../../services/core/monitor/reference.ts';
import { loadBundle } from '../../../services/platform/config/load-bundle.ts';
import type { NamedSet } from '../../../services/profile/named-sets.ts';
import { type ProfileOptions, profileDataset } from '../../../services/profile/profile.ts';
import { FIT_ROWS } from '../../../services/profile/set-survey.ts';
import { writeBundle } from '../../../services/profile/write-bundle.ts';
import { tableOf, temporaryFolder } from '../../support/dataset-files.ts';
import { sampleRows } from '../core/sketch/set-samples.ts';

const ROW_COUNT = 9_000;
const ROWS = sampleRows(
  (normal) => {
    const flow = normal();
    return [flow, 0.6 * flow + 0.8 * normal()];
  },
  3,
  ROW_COUNT,
);
const HEADERS = ['flow rate', 'level', 'station', 'score'];
const cellsOf = (row: number): string[] => {
  const [flow, level] = ROWS[row]!;
  const isMissing = row % 100 === 3;
  return [String(flow), isMissing ? '' : String(level), 'abc'[row % 3]!, String(row % 7)];
};

const profile = (
  sets: readonly NamedSet[],
  options: Partial<ProfileOptions> = {},
  count = ROW_COUNT,
) =>
  profileDataset({
    ...{ dataset: tableOf(HEADERS, count, cellsOf), sliceColumns: [], labelColumn: 'score' },
    ...options,
    sets,
  });
const INPUTS = { name: 'inputs', columns: ['level', 'flow rate'] };

describe('a set of a profile', () => {
  it('is in the bundle, which is loaded with it', async () => {
    const result = await profile([INPUTS]);
    const directory = join(temporaryFolder(), 'bundle');
    await writeBundle(directory, result, { name: 'gauges' });
    const loaded = await loadBundle(directory);
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
    const { monitor, reference } = loaded.bundle;
    const flow = result.columns.find(({ header }) => header === 'flow rate')!.name;
    expect(monitor.sets).toEqual([
      { name: 'inputs', columns: ['level', flow], drift: { kind: 'budget', priority: 1 } },
    ]);
    const { sketch, calibration } = reference!.sets.get('inputs')!;
    expect([sketch.count, sketch.leftOutCount]).toEqual([ROW_COUNT - 90, 90]);
    expect(correlations(sketch)[0]).toBeCloseTo(0.6, 1);
    // Independent rows: hardly more than the caution of the estimate.
    expect(Object.keys(calibration!.inflation)).toContain('correlation');
    for (const points of Object.values(calibration!.inflation)) {
      for (const { inflation } of points) expect(inflation).toBeLessThan(3);
    }
  });

  it('counts every row once, whether the fit comes before the end of the data or at it', async () => {
    for (const count of [150, FIT_ROWS - 1, FIT_ROWS, FIT_ROWS + 1, FIT_ROWS + 60]) {
      const { reference } = await profile([INPUTS], {}, count);
      const { sketch } = reference.sets.get('inputs')!;
      expect(sketch.count + sketch.leftOutCount).toBe(count);
    }
  });

  it('is the same to the byte for the same data', async () => {
    const [one, other] = [await profile([INPUTS]), await profile([INPUTS])];
    expect(formatReference(other.reference)).toBe(formatReference(one.reference));
    expect((await profile([])).reference.sets.size).toBe(0);
  });

  it.each<[string, NamedSet, RegExp]>([
    [
      'a column there is not',
      { name: 's', columns: ['level', 'height'] },
      /set s: column "height" is not in the data/,
    ],
    [
      'a categorical column',
      { name: 's', columns: ['level', 'station'] },
      /"station" is categorical, expected a numeric/,
    ],
    ['a label', { name: 's', columns: ['level', 'score'] }, /column "score" is/],
    [
      'the name of a column',
      { name: 'level', columns: INPUTS.columns },
      /set level: a column has this name too/,
    ],
  ])('with %s is refused', async (_, set, message) => {
    await expect(profile([set])).rejects.toThrow(message);
  });

  it('with too few complete rows is refused', async () => {
    await expect(profile([INPUTS], {}, 90)).rejects.toThrow(
      /set inputs: too few rows have a value/,
    );
  });
});
