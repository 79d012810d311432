/**
 * Seeds over threads: each takes the next one when it is done with its last. Results come in the order
 * they are ready; what they are depends on their seed alone.
 *
 * A killed process is one whose calls never return, so what it held is never freed: a thread makes so
 * many runs and is replaced.
 */
import { Worker } from 'node:worker_threads';
import type { DisruptionKind } from './plan.ts';
import type { RunResult } from './run.ts';

export interface PoolOptions {
  readonly seeds: readonly number[];
  readonly workerCount: number;
  readonly without: readonly DisruptionKind[];
  onResult(result: RunResult): void;
}

const RUNS_PER_THREAD = 50;

/** Rejects where a thread dies. */
export async function runAll(options: PoolOptions): Promise<void> {
  const seeds = [...options.seeds].reverse();
  const lanes = Array.from({ length: options.workerCount }, async () => {
    while (seeds.length > 0) await workOnce(seeds, options);
  });
  await Promise.all(lanes);
}

async function workOnce(seeds: number[], { without, onResult }: PoolOptions): Promise<void> {
  const worker = new Worker(new URL('worker.js', import.meta.url), { workerData: { without } });
  try {
    for (let count = 0; count < RUNS_PER_THREAD && seeds.length > 0; count += 1) {
      onResult(await run(worker, seeds.pop()!));
    }
  } finally {
    await worker.terminate();
  }
}

function run(worker: Worker, seed: number): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    worker.removeAllListeners();
    worker.on('error', reject);
    worker.on('message', resolve);
    worker.postMessage(seed);
  });
}
