/** A thread of the simulation: runs the seeds it is sent, one after the other. */
import { setMaxListeners } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import type { DisruptionKind } from './plan.ts';
import { runSeed } from './run.ts';

// Claims of ended tenures wait on their process's one signal, each until its retry is over.
setMaxListeners(0);

const { without } = workerData as { readonly without: readonly DisruptionKind[] };

parentPort!.on('message', async (seed: number) => {
  parentPort!.postMessage(await runSeed(seed, new Set(without)));
});
