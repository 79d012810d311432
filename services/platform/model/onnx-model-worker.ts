/**
 * Entry of a model worker thread: opens its own session over the model it was given, warms it up,
 * reports ready, then answers requests in their order until it is told to close. A failure to open
 * ends the thread with the error, which the pool hears; a failed batch is an answer like any other.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { BATCH_RUN_MS_MAX } from '../../core/limits.ts';
import { sampleCost } from './model-cost.ts';
import { messageOf } from './model-error.ts';
import type { ModelBatch } from './model-runtime.ts';
import {
  tensorBuffers,
  type WorkerModel,
  type WorkerReply,
  type WorkerRequest,
} from './model-worker-protocol.ts';
import { createSessionRun, exampleBatch, openSession } from './onnx-session.ts';

if (parentPort === null) throw new Error('onnx-model-worker runs as a worker thread only');
const port = parentPort;

/**
 * The next size takes about twice as long, and no batch is sent that would run for longer than
 * `BATCH_RUN_MS_MAX`: so the warm-up of the heaviest model is over after twice that.
 */
const WARM_UP_RUN_MS_ENOUGH = BATCH_RUN_MS_MAX / 2;

const { model, threadCount, warmUpRows, ...described } = workerData as WorkerModel;
const session = await openSession(model, threadCount);
const run = createSessionRun(session, described);
const costSamples = await sampleCost(
  (rowCount) => run(exampleBatch(described, rowCount)),
  warmUpRows,
  WARM_UP_RUN_MS_ENOUGH,
);

function send(reply: WorkerReply, moved: readonly ArrayBuffer[] = []): void {
  port.postMessage(reply, moved);
}

async function answer(id: number, batch: ModelBatch): Promise<void> {
  try {
    const done = await run(batch);
    send({ kind: 'done', id, run: done }, tensorBuffers(done.outputs.values()));
  } catch (error) {
    send({ kind: 'failed', id, message: messageOf(error) });
  }
}

async function close(): Promise<void> {
  // Runs still waiting for their turn fail on the released session; then nothing holds the thread.
  await session.release();
  port.close();
}

port.on('message', (request: WorkerRequest) => {
  void (request.kind === 'run' ? answer(request.id, request.batch) : close());
});
send({ kind: 'ready', costSamples });
