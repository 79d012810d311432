/** What an orderly stop waits for: every answer, and nothing else. */
import { expect, it } from 'vitest';
import { createScoringBench } from '../../support/scoring-bench.ts';

const SHADOW_RUN_MS = 1_000;
const ROWS = 50;

it('a drain waits for every answer, and not for a shadow that is behind', async () => {
  const bench = createScoringBench({
    versions: { '1': {}, '2': { batchRowsFixed: 1, wait: () => bench.clock.sleep(SHADOW_RUN_MS) } },
    plan: { shadow: '2' },
  });
  await bench.ask(
    Array.from({ length: ROWS }, () => 1),
    10,
  );
  const answered: number[] = [];
  const row = { id: 'last', cells: [8, 'Brest'], root: null };
  bench.scorer.score([row], (index) => answered.push(index));
  let isDrained = false;
  void bench.scorer.drain().then(() => {
    isDrained = true;
  });
  // One run of the shadow is under way, on this thread.
  await bench.clock.advance(SHADOW_RUN_MS + 10);
  expect({ answered, isDrained }).toEqual({ answered: [0], isDrained: true });
  expect(bench.shadows.length).toBeLessThan(5);
});
