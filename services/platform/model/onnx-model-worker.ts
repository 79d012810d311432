/**
 * Entry of a model worker thread: opens its own session over the model it was given, warms it up,
 * reports ready, then answers requests in their order until it is told to close. A failure to open
 * ends the thread with the error, which the pool hears; a failed batch is an answer like any other.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from './model-error.ts';
import type { ModelBatch } from './model-runtime.ts';
import {
  tensorBuffers,
  type WorkerModel,
  type WorkerReply,
  type WorkerRequest,
} from './model-worker-protocol.ts';
import { blankBatch, openSession, runSession } from './onnx-session.ts';

if (parentPort === null) throw new Error('onnx-model-worker runs as a worker thread only');
const port = parentPort;

const { model, inputs, warmUpRows } = workerData as WorkerModel;
const session = await openSession(model);
for (const rowCount of warmUpRows) await runSession(session, inputs, blankBatch(inputs, rowCount));

async function answer(id: number, batch: ModelBatch): Promise<void> {
  try {
    const outputs = await runSession(session, inputs, batch);
    const reply: WorkerReply = { kind: 'done', id, outputs };
    port.postMessage(reply, tensorBuffers(outputs.values()));
  } catch (error) {
    const reply: WorkerReply = { kind: 'failed', id, message: messageOf(error) };
    port.postMessage(reply);
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
const ready: WorkerReply = { kind: 'ready' };
port.postMessage(ready);
