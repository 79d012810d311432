/**
 * Seeds over threads: each takes the next one when it is done with its last. Results come in the order
 * they are ready; what they are depends on their seed alone.
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

/** Rejects where a thread dies. */
export async function runAll(options: PoolOptions): Promise<void> {
  const seeds = options.seeds.values();
  const workerCount = Math.min(options.workerCount, options.seeds.length);
  const workers = Array.from(
    { length: workerCount },
    () =>
      new Worker(new URL('worker.js', import.meta.url), {
        workerData: { without: options.without },
      }),
  );
  try {
    await Promise.all(workers.map((worker) => work(worker, seeds, options)));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function work(
  worker: Worker,
  seeds: IterableIterator<number>,
  { onResult }: PoolOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = () => {
      const { done, value } = seeds.next();
      if (done === true) resolve();
      else worker.postMessage(value);
    };
    worker.on('error', reject);
    worker.on('message', (result: RunResult) => {
      onResult(result);
      next();
    });
    next();
  });
}
