/**
 * One model worker thread as its seat sees it: starts, runs batches, tells when it ended.
 *
 * A batch is answered exactly once: with outputs, with the model's failure, or with `inference.worker`
 * when the thread ends or is given up first.
 */
import { Worker } from 'node:worker_threads';
import { CodedError } from '../../core/errors.ts';
import { messageOf } from './model-error.ts';
import type { CostSample, ModelBatch, ModelRun } from './model-runtime.ts';
import {
  movableBatch,
  tensorBuffers,
  type WorkerModel,
  type WorkerReply,
  type WorkerRequest,
} from './model-worker-protocol.ts';

export interface PendingBatch {
  readonly batch: ModelBatch;
  readonly isOwned: boolean;
  resolve(run: ModelRun): void;
  reject(error: Error): void;
}

export interface ModelWorkerEvents {
  /** The model is loaded and warm. */
  onReady(costSamples: readonly CostSample[]): void;
  /** A batch was answered, so that there is room for another. */
  onAnswered(): void;
  /** The thread has ended, for whatever reason; its batches were rejected with `error`. */
  onEnded(error: CodedError): void;
}

/** The batch a thread is at. */
export interface RunningBatch {
  readonly id: number;
  readonly rowCount: number;
  /** When it was sent, or the one before it answered. */
  readonly sinceMs: number;
}

export interface ModelWorker {
  batchesInFlight(): number;
  /** Rows sent and not answered. */
  rowsInFlight(): number;
  running(): RunningBatch | null;
  send(batch: PendingBatch): void;
  /** Rejects its batches with `error` and lets the thread end when it comes back, unwaited for. */
  abandon(error: CodedError): void;
  /**
   * Resolves when the thread has ended. It is asked, not terminated: a thread stopped inside ONNX
   * Runtime aborts the whole process. So a run that has begun is waited for, and its batch, like
   * those behind it, fails with `inference.run` at once.
   */
  close(): Promise<void>;
}

/** Starts the thread; events come later, never during the call. */
export type StartModelWorker = (events: ModelWorkerEvents) => ModelWorker;

export function startModelWorker(options: {
  readonly entry: URL;
  readonly model: WorkerModel;
  readonly monotonicMs: () => number;
  readonly events: ModelWorkerEvents;
}): ModelWorker {
  const { monotonicMs, events } = options;
  const worker = new Worker(options.entry, { workerData: options.model });
  /** In the order they were sent, which is the order they run in. */
  const pending = new Map<number, PendingBatch>();
  let rowsInFlight = 0;
  let nextId = 0;
  let headSinceMs = 0;
  let reason = '';
  let hasEnded = false;

  function post(request: WorkerRequest, moved: readonly ArrayBuffer[] = []): void {
    worker.postMessage(request, moved);
  }

  function take(id: number): PendingBatch | undefined {
    const taken = pending.get(id);
    if (taken === undefined) return undefined;
    pending.delete(id);
    rowsInFlight -= taken.batch.rowCount;
    headSinceMs = monotonicMs();
    return taken;
  }

  function rejectPending(error: CodedError): void {
    for (const id of [...pending.keys()]) take(id)?.reject(error);
  }

  function hear(reply: WorkerReply): void {
    if (reply.kind === 'ready') return events.onReady(reply.costSamples);
    const answered = take(reply.id);
    if (answered === undefined) return;
    if (reply.kind === 'done') answered.resolve(reply.run);
    else answered.reject(new CodedError('inference.run', reply.message));
    events.onAnswered();
  }

  worker.on('message', hear);
  worker.on('error', (error) => {
    reason = `: ${messageOf(error)}`;
  });
  // An answer that cannot be read would leave its batch waiting for ever.
  worker.on('messageerror', (error) => {
    reason = `: ${messageOf(error)}`;
    post({ kind: 'close' });
  });
  worker.on('exit', (code) => {
    const message = `the model's worker thread ended with code ${code}${reason}`;
    const error = new CodedError('inference.worker', message);
    rejectPending(error);
    hasEnded = true;
    events.onEnded(error);
  });

  return {
    batchesInFlight: () => pending.size,
    rowsInFlight: () => rowsInFlight,
    running() {
      for (const [id, { batch }] of pending) {
        return { id, rowCount: batch.rowCount, sinceMs: headSinceMs };
      }
      return null;
    },
    send(batch) {
      const id = nextId++;
      const movable = movableBatch(batch.batch, batch.isOwned);
      try {
        post({ kind: 'run', id, batch: movable }, tensorBuffers(movable.inputs.values()));
      } catch (error) {
        batch.reject(new CodedError('inference.input', messageOf(error), { cause: error }));
        return;
      }
      if (pending.size === 0) headSinceMs = monotonicMs();
      pending.set(id, batch);
      rowsInFlight += batch.batch.rowCount;
    },
    abandon(error) {
      rejectPending(error);
      worker.unref();
      post({ kind: 'close' });
    },
    close() {
      if (hasEnded) return Promise.resolve();
      return new Promise((resolve) => {
        worker.once('exit', () => resolve());
        post({ kind: 'close' });
        rejectPending(new CodedError('inference.run', 'the model was closed'));
      });
    },
  };
}
