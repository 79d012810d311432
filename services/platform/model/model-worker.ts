/**
 * One model worker thread as the pool sees it: starts, runs batches, tells when it died.
 *
 * A batch is answered exactly once: with outputs, with the model's failure, or with `inference.run`
 * when the thread ends first. Batches sent before the thread is ready wait in its message queue.
 */
import { Worker } from 'node:worker_threads';
import { CodedError } from '../../core/errors.ts';
import { messageOf } from './model-error.ts';
import type { ModelBatch, ModelOutputs } from './model-runtime.ts';
import {
  copyBatch,
  tensorBuffers,
  type WorkerModel,
  type WorkerReply,
  type WorkerRequest,
} from './model-worker-protocol.ts';

interface PendingBatch {
  readonly rowCount: number;
  readonly resolve: (outputs: ModelOutputs) => void;
  readonly reject: (error: Error) => void;
}

export interface ModelWorkerEvents {
  /** The model is loaded and warm. */
  onReady(): void;
  /** The thread has ended, for whatever reason; its batches were rejected with `error`. */
  onEnded(error: CodedError): void;
}

export interface ModelWorker {
  /** Rows sent and not answered. */
  rowsInFlight(): number;
  run(batch: ModelBatch): Promise<ModelOutputs>;
  /**
   * Resolves when the thread has ended. It is asked, not terminated: a thread stopped inside ONNX
   * Runtime aborts the whole process. So a run that has begun is waited for, and its batch, like
   * those behind it, fails with `inference.run` at once.
   */
  close(): Promise<void>;
}

export function startModelWorker(
  entry: URL,
  model: WorkerModel,
  events: ModelWorkerEvents,
): ModelWorker {
  const worker = new Worker(entry, { workerData: model });
  const pending = new Map<number, PendingBatch>();
  let rowsInFlight = 0;
  let nextId = 0;
  let reason = '';
  let hasEnded = false;

  function send(request: WorkerRequest, moved: ArrayBuffer[] = []): void {
    worker.postMessage(request, moved);
  }

  function take(id: number): PendingBatch | undefined {
    const batch = pending.get(id);
    if (batch === undefined) return undefined;
    pending.delete(id);
    rowsInFlight -= batch.rowCount;
    return batch;
  }

  function rejectPending(error: CodedError): void {
    for (const id of [...pending.keys()]) take(id)?.reject(error);
  }

  worker.on('message', (reply: WorkerReply) => {
    if (reply.kind === 'ready') events.onReady();
    else if (reply.kind === 'done') take(reply.id)?.resolve(reply.outputs);
    else take(reply.id)?.reject(new CodedError('inference.run', reply.message));
  });
  worker.on('error', (error) => {
    reason = `: ${messageOf(error)}`;
  });
  // An answer that cannot be read would leave its batch waiting for ever.
  worker.on('messageerror', (error) => {
    reason = `: ${messageOf(error)}`;
    send({ kind: 'close' });
  });
  worker.on('exit', (code) => {
    const error = new CodedError(
      'inference.run',
      `the model's worker thread ended with code ${code}${reason}`,
    );
    rejectPending(error);
    hasEnded = true;
    events.onEnded(error);
  });

  return {
    rowsInFlight: () => rowsInFlight,
    run(batch) {
      return new Promise((resolve, reject) => {
        const id = nextId++;
        const copy = copyBatch(batch);
        send({ kind: 'run', id, batch: copy }, tensorBuffers(copy.inputs.values()));
        pending.set(id, { rowCount: batch.rowCount, resolve, reject });
        rowsInFlight += batch.rowCount;
      });
    },
    close() {
      if (hasEnded) return Promise.resolve();
      return new Promise((resolve) => {
        worker.once('exit', () => resolve());
        send({ kind: 'close' });
        rejectPending(new CodedError('inference.run', 'the model was closed'));
      });
    },
  };
}
