/**
 * The profile on data nobody here wrote: what it makes of it, that the bundle loads, and that a replay
 * of the profiled rows breaks none of the rules proposed from them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createEventReader } from '../../services/core/codec/event-reader.ts';
import { createRowToEvent } from '../../services/core/monitor/event-from-row.ts';
import { loadBundle } from '../../services/platform/config/load-bundle.ts';
import { openDataset } from '../../services/platform/dataset/open-dataset.ts';
import {
  type ProfileOptions,
  type ProfileResult,
  profileDataset,
} from '../../services/profile/profile.ts';
import { writeBundle } from '../../services/profile/write-bundle.ts';
import { createValidate } from '../../services/validator/validate.ts';
import { temporaryFolder } from '../support/dataset-files.ts';
import { describeWithSharedData, sharedData } from '../support/shared-data.ts';

type Named = Partial<Omit<ProfileOptions, 'dataset'>>;

async function profile(file: string, named: Named = {}) {
  const dataset = await openDataset(sharedData(file));
  const result = await profileDataset({ dataset, sliceColumns: [], ...named });
  await dataset.close();
  const directory = join(temporaryFolder(), 'bundle');
  await writeBundle(directory, result, { name: 'shared' });
  const loaded = await loadBundle(directory);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return { result, directory, bundle: loaded.bundle };
}

/** How many rows of a file become events that the bundle's own rules let through. */
async function replay({ bundle }: Awaited<ReturnType<typeof profile>>, file: string) {
  const dataset = await openDataset(sharedData(file));
  if (dataset.kind !== 'table') throw new Error(`${file} is not a table`);
  const toEvent = createRowToEvent({ headers: dataset.columns, schema: bundle.eventSchema });
  const reader = createEventReader({
    schema: bundle.eventSchema,
    mapping: bundle.monitor,
    needsRoot: true,
  });
  const validate = createValidate({ ...bundle.monitor, futureSkewMs: 0 });
  const refused = new Map<string, number>();
  let valid = 0;
  for await (const batch of dataset.rows()) {
    for (const { index, cells } of batch) {
      const outcome = reader.read(Buffer.from(JSON.stringify(toEvent(index, cells))));
      const rejection =
        outcome.kind === 'event'
          ? validate(outcome.event, 0)
          : 'rejection' in outcome
            ? outcome.rejection
            : null;
      if (outcome.kind === 'event' && rejection === null) valid += 1;
      else
        refused.set(String(rejection?.message), (refused.get(String(rejection?.message)) ?? 0) + 1);
    }
  }
  return { valid, refused: Object.fromEntries(refused) };
}

const rolesOf = ({ columns }: ProfileResult) =>
  columns.map(({ name, type, role }) => `${name} ${type} ${role}`);

const CALIFORNIA = 'labels/california_housing_reference.csv.gz';
const CALIFORNIA_NAMED = {
  idColumn: 'id',
  eventTimeColumn: 'timestamp',
  labelColumn: 'clf_target',
  predictionColumn: 'y_pred_proba',
};

describeWithSharedData('profile of shared data', () => {
  it('california: eight features, a score, a label; its rows and the period after pass its rules', async () => {
    const profiled = await profile(CALIFORNIA, CALIFORNIA_NAMED);
    const { result } = profiled;
    expect(rolesOf(result)).toEqual([
      ...[
        'MedInc',
        'HouseAge',
        'AveRooms',
        'AveBedrms',
        'Population',
        'AveOccup',
        'Latitude',
        'Longitude',
      ].map((name) => `${name} numeric feature`),
      'clf_target numeric label',
      'y_pred_proba numeric prediction',
      'y_pred numeric feature',
    ]);
    expect(result).toMatchObject({ rowCount: 5_832, window: { text: '60d' } });
    // The table is ordered by place: a window's rows are worth about one.
    expect(result.notes).toEqual([expect.stringContaining('neighbouring rows are so alike')]);
    for (const place of ['Latitude', 'Longitude']) {
      const { detectable, rule } = result.drift.columns.get(place)!;
      expect(detectable.distance).toBeGreaterThan(0.9);
      expect(rule).toMatchObject({ kind: 'threshold', threshold: 0.5 });
    }
    expect(profiled.bundle.monitor.falseAlarms).toEqual({ max: 0.01, per: 'window' });
    expect(result.event).toMatchObject({
      id: { path: ['id'] },
      eventTime: { path: ['timestamp'], unit: 'iso8601' },
    });
    expect(await replay(profiled, CALIFORNIA)).toEqual({ valid: 5_832, refused: {} });
    const later = await replay(profiled, 'labels/california_housing_analysis.csv.gz');
    expect(later).toEqual({ valid: 8_232, refused: {} });
  });

  it('california twice: the same files to the byte', async () => {
    const [first, second] = [
      await profile(CALIFORNIA, CALIFORNIA_NAMED),
      await profile(CALIFORNIA, CALIFORNIA_NAMED),
    ];
    for (const file of ['monitor.yaml', 'event.avsc', 'reference.json']) {
      expect(readFileSync(join(first.directory, file))).toEqual(
        readFileSync(join(second.directory, file)),
      );
    }
  });

  it('titanic: missing values and names, sliced by sex and class', async () => {
    const file = 'labels/titanic_reference.csv.gz';
    const profiled = await profile(file, {
      idColumn: 'PassengerId',
      labelColumn: 'Survived',
      sliceColumns: ['Sex', 'Pclass'],
    });
    const { result } = profiled;
    expect(rolesOf(result)).toEqual([
      'Pclass categorical feature',
      'Name categorical context',
      'Sex categorical feature',
      'Age numeric feature',
      'SibSp numeric feature',
      'Parch numeric feature',
      'Ticket categorical context',
      'Fare numeric feature',
      'Cabin categorical context',
      'Embarked categorical feature',
      'boat categorical feature',
      'body numeric feature',
      'home.dest categorical context',
      'Survived numeric label',
    ]);
    expect(result.columns.find(({ name }) => name === 'Age')).toMatchObject({ missingCount: 177 });
    expect([...result.reference.slices.keys()]).toEqual([
      'Pclass=3',
      'Pclass=1',
      'Pclass=2',
      'Sex=male',
      'Sex=female',
    ]);
    expect(result.reference.slices.get('Sex=female')!.get('Fare')).toMatchObject({ count: 314 });
    expect(await replay(profiled, file)).toEqual({ valid: 891, refused: {} });
  });

  it('phishing: headers that are numbers, no id, no time', async () => {
    const file = 'streams/phishing.csv.gz';
    const profiled = await profile(file, { labelColumn: 'target' });
    expect(profiled.result.columns.slice(0, 2).map(({ name }) => name)).toEqual([
      'column_0',
      'column_1',
    ]);
    expect(profiled.result.columns).toHaveLength(47);
    expect(profiled.bundle.monitor).toMatchObject({
      id: ['row'],
      eventTime: { path: ['eventTime'], unit: 'ms' },
    });
    expect(await replay(profiled, file)).toEqual({ valid: 11_055, refused: {} });
  });

  it('stagger: the drift after the profiled rows is let through to be measured', async () => {
    const file = 'streams/stagger_0120_abrupto.csv.gz';
    const profiled = await profile(file, { labelColumn: 'class', rows: { from: 0, to: 8_000 } });
    expect(rolesOf(profiled.result)).toEqual([
      'X1 numeric feature',
      'X2 numeric feature',
      'X3 numeric feature',
      'class numeric label',
    ]);
    expect(profiled.result).toMatchObject({ rowCount: 8_000, window: { text: '15m' } });
    expect(await replay(profiled, file)).toEqual({ valid: 40_000, refused: {} });
  });

  it('the electricity market: constant columns that start to move later are not refused', async () => {
    const file = 'streams/elec2.csv.gz';
    const profiled = await profile(file, { labelColumn: 'class', rows: { from: 0, to: 10_000 } });
    const constant = profiled.result.columns.filter(({ name }) => /^(vic|transfer)/.test(name));
    expect(constant.map(({ range }) => range)).toEqual([null, null, null]);
    const { valid, refused } = await replay(profiled, file);
    expect(valid, JSON.stringify(refused).slice(0, 300)).toBeGreaterThan(45_300);
    expect(profiled.result.notes).toEqual([
      expect.stringMatching(/^date: never falls/),
      ...constant.map(({ name }) => expect.stringMatching(`^${name}: is constant`)),
      expect.stringMatching(/nswprice.*: windows of 900 rows of the data itself differ so much/),
    ]);
    expect(profiled.result.drift.columns.get('date')!.rule.kind).toBe('unjudged');
  });
});
