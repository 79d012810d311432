/**
 * Whatever is lost, repeated, emptied or killed, every event is counted once: some runs of the
 * simulation (test/sim), of seeds that are new every time. `npm run sim` makes thousands.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DISRUPTION_KINDS } from '../sim/plan.ts';
import { runSeed } from '../sim/run.ts';

const RUN_COUNT = 60;

describe('the services among faults', () => {
  it('count every event once and write the same bytes as without', async () => {
    const happened = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const { findings, faults } = await runSeed(seed);
        for (const fault of Object.keys(faults)) happened.add(fault);
        expect(findings, `npm run sim -- --seed ${seed} --runs 1`).toEqual([]);
      }),
      { numRuns: RUN_COUNT, endOnFailure: true },
    );
    expect([...happened]).toEqual(expect.arrayContaining([...DISRUPTION_KINDS]));
  }, 240_000);

  it('do the same again from the same seed, whatever ran before', async () => {
    const first = await runSeed(7);
    await runSeed(8);
    const second = await runSeed(7);
    expect(second).toEqual(first);
    expect(first.fingerprint).toMatch(/^[0-9a-f]{64}$/);
  }, 60_000);
});
