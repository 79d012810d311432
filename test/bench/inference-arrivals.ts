/**
 * Single rows that arrive at random, at a rate that does not depend on how fast they are answered.
 */
import { performance } from 'node:perf_hooks';
import { createDraw, drawGap } from '../support/draw.ts';
import type { OnScore, RowServer } from './inference-rivals.ts';
import type { Subject } from './inference-subjects.ts';

export interface PoissonLoad {
  readonly rowsPerMs: number;
  readonly durationMs: number;
  readonly seed: number;
}

/** The waits of one turn, in the order of arrival. */
export async function arrivals(
  subject: Subject,
  create: (onScore: OnScore) => RowServer,
  load: PoissonLoad,
): Promise<Float64Array> {
  const dueMs = poisson(load);
  const doneMs = new Float64Array(dueMs.length).fill(Number.POSITIVE_INFINITY);
  let scoreSum = 0;
  const server = create((token, score) => {
    doneMs[token] = performance.now();
    scoreSum += score;
  });
  const startMs = performance.now();
  let next = 0;
  const endMs = await new Promise<number>((resolve) => {
    function turn(): void {
      const nowMs = performance.now() - startMs;
      while (next < dueMs.length && dueMs[next]! <= nowMs) {
        server.submit(next, next);
        next += 1;
      }
      if (next < dueMs.length) setImmediate(turn);
      // The last ones are answered, or are too late by any standard.
      else setTimeout(() => resolve(performance.now()), 50);
    }
    turn();
  });
  await server.stop();
  if (Number.isNaN(scoreSum)) throw new Error(`${subject.name}: a score is not a number`);
  return dueMs.map((due, row) => {
    return Math.min(doneMs[row]!, endMs) - startMs - due - subject.oneRowMs;
  });
}

function poisson({ rowsPerMs, durationMs, seed }: PoissonLoad): Float64Array {
  const draw = createDraw(1_000 + seed);
  const dueMs: number[] = [];
  for (let atMs = 0; ; ) {
    atMs += drawGap(draw, rowsPerMs);
    if (atMs >= durationMs) return Float64Array.from(dueMs);
    dueMs.push(atMs);
  }
}
