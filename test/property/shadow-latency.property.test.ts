/**
 * What a primary's callers feel of a shadow that cannot keep up, on a clock where nothing else disturbs
 * anybody: the 99th percentile of the time from arrival to answer, with the shadow ÷ without. What
 * taking in the shadow's answers costs is not on that clock; `npm run bench:rollout` measures it all.
 */
import { describe, expect, it } from 'vitest';
import type { RunPlace } from '../../services/core/batch/place-runs.ts';
import { createBatcher } from '../../services/inference-worker/batcher.ts';
import { createVirtualClock } from '../../services/platform/clock/virtual-clock.ts';
import { createDraw, drawGap } from '../support/draw.ts';
import { createVirtualModel, rowsOfValues } from '../support/virtual-model.ts';

const SEED = 7;
/** Eight rests of a shadow that runs for half a millisecond on this thread. */
const DURATION_MS = 8_000;
const CORES = 2;
const P99_RATIO_MAX = 1.1;

interface Version {
  readonly place: RunPlace;
  readonly fixedMs: number;
  readonly perRowMs: number;
}

interface Served {
  /** Ascending. */
  readonly latenciesMs: Float64Array;
  readonly shadowRows: number;
  readonly shedRows: number;
}

const INLINE: Version = { place: 'inline', fixedMs: 0.05, perRowMs: 0.02 };
const ON_WORKERS: Version = { place: 'workers', fixedMs: 0.1, perRowMs: 0.04 };

/** The same Poisson arrivals of single rows each time; every answered row is asked of the shadow. */
async function serve(primary: Version, shadow: Version | null, load: number): Promise<Served> {
  const clock = createVirtualClock();
  let shedRows = 0;
  const batcher = createBatcher({
    clock,
    limits: { rowsMax: 256, bytesMax: 4 * 1_048_576, runMsMax: 50 },
    placement: 'auto',
    workerCount: CORES,
    coreCount: CORES,
    onShed: () => {
      shedRows += 1;
    },
  });
  const serveAs = (name: string, { place, fixedMs, perRowMs }: Version) => {
    const runMs = (rows: number) => fixedMs + rows * perRowMs;
    const stays = { placement: place, workerCount: CORES, placeMs: 1e9 };
    batcher.serve(name, createVirtualModel(clock, { ...stays, runMs }), {
      shadow: name === 'shadow',
    });
  };
  serveAs('primary', primary);
  if (shadow !== null) serveAs('shadow', shadow);

  const draw = createDraw(SEED);
  const rowsAMs = load / primary.perRowMs;
  const rowCount = DURATION_MS * rowsAMs;
  const latenciesMs = new Float64Array(rowCount);
  let shadowRows = 0;
  for (let row = 0; row < rowCount; row += 1) {
    await clock.advance(drawGap(draw, rowsAMs));
    const arrivedMs = clock.monotonicMs();
    const asked = { rows: rowsOfValues([row]), deadlineMs: Number.POSITIVE_INFINITY };
    batcher.submit({
      ...{ ...asked, version: 'primary' },
      settle() {
        latenciesMs[row] = clock.monotonicMs() - arrivedMs;
        if (shadow === null) return;
        batcher.submit({
          ...{ ...asked, version: 'shadow' },
          settle: () => {
            shadowRows += 1;
          },
        });
      },
    });
  }
  await clock.advance(1_000);
  return { latenciesMs: latenciesMs.sort(), shadowRows, shedRows };
}

const p99 = ({ latenciesMs }: Served) => latenciesMs[Math.ceil(0.99 * latenciesMs.length) - 1]!;

describe.each([
  ['both on this thread', INLINE, { place: 'inline', fixedMs: 0.05, perRowMs: 0.05 }],
  [
    'a row of it longer than what it may take',
    INLINE,
    { place: 'inline', fixedMs: 0, perRowMs: 1 },
  ],
  ['the shadow on workers', INLINE, { place: 'workers', fixedMs: 0.1, perRowMs: 0.5 }],
  ['both on workers', ON_WORKERS, { place: 'workers', fixedMs: 0.1, perRowMs: 0.5 }],
  ['the primary on workers', ON_WORKERS, { place: 'inline', fixedMs: 0.05, perRowMs: 0.05 }],
] as const)('%s', (_, primary, shadow) => {
  it.each([0.1, 0.3])('at a load of %d: the p99 stays what it is', async (load) => {
    const without = await serve(primary, null, load);
    const beside = await serve(primary, shadow, load);
    expect(beside.shadowRows).toBeGreaterThan(0);
    expect(beside.shedRows).toBeGreaterThan(0);
    expect(p99(beside) / p99(without)).toBeLessThan(P99_RATIO_MAX);
  });
});
