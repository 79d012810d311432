/** A run whose windows are revised: late events reach a report, and raise no alert of their own. */
import { describe, expect, it } from 'vitest';
import { createDraw } from '../support/draw.ts';
import { jsonRecord, referenceOf, runRecords, stationMonitor } from '../support/embedded-run.ts';

const PARTITION_COUNT = 2;
const EVENT_COUNT = 2_000;

/** Of 200 seconds; soon half are late by one window or two, and far from all others. */
function events() {
  const draw = createDraw(7);
  return Array.from({ length: EVENT_COUNT }, (_, index) => {
    const isLate = index > 300 && index % 4 < 2;
    const at = index * 100 - (isLate ? draw(10_000, 20_000) : 0);
    const level = isLate ? 1_000 : draw(0, 99);
    return { id: String(index), at, level, station: 'Brest' };
  });
}

async function run(reviseMs: number) {
  const monitor = stationMonitor({ reviseMs, slices: ['station'] });
  const calm = events().map((event, index) => ({ ...event, level: index % 100 }));
  const records = events().map((event, index) => jsonRecord(event, index % PARTITION_COUNT));
  const result = await runRecords({
    ...{ monitor, records, partitionCount: PARTITION_COUNT },
    reference: referenceOf(monitor, calm),
  });
  const whole = result.reports.filter(({ slice }) => slice === '');
  const total = whole.reduce((sum, { count }) => sum + count, 0);
  return { ...result, whole, total };
}

describe('a run with late events', () => {
  it('counts them beside its windows where these are not revised', async () => {
    const { whole, total, late, alerts } = await run(0);
    expect(late).toBeGreaterThan(800);
    expect(total + late).toBe(EVENT_COUNT);
    expect(whole.filter(({ revision }) => revision > 0)).toEqual([]);
    expect(whole.filter(({ verdict }) => verdict === 'drift')).toEqual([]);
    expect(alerts).toEqual([]);
  });

  it('has every one of them in a revised window where there is time for it', async () => {
    const { whole, total, late, alerts, reports } = await run(60_000);
    const revised = whole.filter(({ revision }) => revision === 1);
    expect(late).toBeGreaterThan(800);
    expect(total).toBe(EVENT_COUNT);
    expect(revised.filter(({ verdict }) => verdict === 'drift').length).toBeGreaterThan(10);
    const slices = reports.filter(({ slice }) => slice !== '');
    expect(slices.map(({ count }) => count)).toEqual(whole.map(({ count }) => count));
    expect(alerts).toEqual([]);
  });
});
