/**
 * Real data with real drift: the California housing stream of NannyML, profiled and replayed by the
 * command as its users would, its own `y_pred_proba` as the prediction of a model served elsewhere.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithSharedData, sharedData } from '../support/shared-data.ts';
import { tidegauge } from '../support/tidegauge.ts';

const FEATURES = [
  'MedInc',
  'HouseAge',
  'AveRooms',
  'AveBedrms',
  'Population',
  'AveOccup',
  'Latitude',
  'Longitude',
];

interface WindowJson {
  readonly start: string;
  readonly end: string;
  readonly n: number;
  readonly verdict: string;
  readonly columns: Record<
    string,
    { distances: Record<string, number>; threshold: number; verdict: string }
  >;
}

describeWithSharedData('california housing', () => {
  let bundle: string;

  beforeAll(async () => {
    bundle = await mkdtemp(join(tmpdir(), 'tidegauge-california-'));
  });
  afterAll(() => rm(bundle, { recursive: true }));

  it('is profiled and replayed, and Longitude and Latitude are found drifting', async () => {
    const profiled = await tidegauge([
      'profile',
      '--data',
      sharedData('labels/california_housing_reference.csv.gz'),
      '--out',
      bundle,
      '--id',
      'id',
      '--event-time',
      'timestamp',
      '--label',
      'clf_target',
      '--prediction',
      'y_pred_proba',
      '--json',
    ]);
    expect(profiled.stderr).toContain('profiling');
    expect(profiled.code).toBe(0);
    expect(profiled.json()).toMatchObject({ rows: 5_832 });
    expect((await tidegauge(['check', bundle])).code).toBe(0);

    const replayed = await tidegauge([
      'replay',
      '--bundle',
      bundle,
      '--data',
      sharedData('labels/california_housing_analysis.csv.gz'),
      '--labels',
      sharedData('labels/california_housing_analysis_gt.csv.gz'),
      '--window',
      '30d',
      '--json',
    ]);
    expect(replayed.code).toBe(0);
    const result = replayed.json() as { windows: WindowJson[] } & Record<string, unknown>;
    expect(result).toMatchObject({ events: 8_232, predictions: 0, late: 0 });
    expect(result.labels).toEqual({ rows: 8_232, matched: 8_232, unlabelledEvents: 0 });
    const [valid, quarantined] = [result.valid, result.quarantined] as number[];
    expect(valid! + quarantined!).toBe(8_232);
    expect(result.windows.reduce((sum, window) => sum + window.n, 0)).toBe(valid);

    const full = result.windows.filter((window) => window.n >= 700);
    expect(full.length).toBeGreaterThanOrEqual(10);
    for (const window of full) {
      expect(window.verdict).toBe('drift');
      for (const feature of FEATURES) {
        expect(window.columns[feature]?.distances.ks).toBeGreaterThan(0);
        expect(window.columns[feature]?.distances.ks).toBeLessThanOrEqual(1);
      }
      for (const feature of ['Longitude', 'Latitude']) {
        expect(window.columns[feature]?.verdict).toBe('drift');
        expect(window.columns[feature]?.distances.ks).toBeGreaterThan(0.3);
      }
    }
  });

  it('does not call the reference itself drifting when its rows are shuffled in time', async () => {
    const replayed = await tidegauge([
      'replay',
      '--bundle',
      bundle,
      '--data',
      sharedData('labels/california_housing_reference.csv.gz'),
      '--window',
      '36500d',
      '--json',
    ]);
    const [window] = (replayed.json() as { windows: WindowJson[] }).windows;
    expect(window).toMatchObject({ n: 5_832, verdict: 'ok' });
    for (const column of Object.values(window!.columns)) {
      for (const distance of Object.values(column.distances)) expect(distance).toBeLessThan(0.01);
    }
  });
});
