/** Threads of a pool that a test makes ready, answers for, ends and leaves hanging. */
import { CodedError } from '../../../../services/core/errors.ts';
import type { ModelBatch } from '../../../../services/platform/model/model-runtime.ts';
import type {
  ModelWorker,
  ModelWorkerEvents,
  PendingBatch,
} from '../../../../services/platform/model/model-worker.ts';

export interface StandInWorker {
  readonly batches: PendingBatch[];
  readonly isReady: boolean;
  readonly isAbandoned: boolean;
  readonly hasEnded: boolean;
  becomeReady(): void;
  /** Answers its first batch. */
  answer(): void;
  /** The thread ends: it died, or was given up and has come back. */
  end(): void;
}

export function rowsOf(rowCount: number): ModelBatch {
  return { rowCount, inputs: new Map() };
}

/** The workers a pool has started, in order; `refuses` makes the machine give no thread. */
export function createStandInWorkers(monotonicMs: () => number) {
  const workers: StandInWorker[] = [];
  let refuses = false;

  function start(events: ModelWorkerEvents): ModelWorker {
    if (refuses) throw new Error('no thread left');
    const batches: PendingBatch[] = [];
    let isReady = false;
    let isAbandoned = false;
    let hasEnded = false;
    let answeredCount = 0;
    let sinceMs = 0;

    function rejectAll(error: CodedError): void {
      for (const batch of batches.splice(0)) batch.reject(error);
    }

    function end(): void {
      if (hasEnded) return;
      hasEnded = true;
      const error = new CodedError('inference.worker', 'the thread ended');
      rejectAll(error);
      events.onEnded(error);
    }

    workers.push({
      batches,
      get isReady() {
        return isReady;
      },
      get isAbandoned() {
        return isAbandoned;
      },
      get hasEnded() {
        return hasEnded;
      },
      becomeReady() {
        isReady = true;
        events.onReady([{ rowCount: 1, durationMs: 1 }]);
      },
      answer() {
        const batch = batches.shift();
        if (batch === undefined) return;
        answeredCount += 1;
        sinceMs = monotonicMs();
        batch.resolve({ outputs: new Map(), durationMs: batch.batch.rowCount });
        events.onAnswered();
      },
      end,
    });

    return {
      batchesInFlight: () => batches.length,
      rowsInFlight: () => batches.reduce((sum, { batch }) => sum + batch.rowCount, 0),
      running() {
        const [head] = batches;
        return head ? { id: answeredCount, rowCount: head.batch.rowCount, sinceMs } : null;
      },
      send(batch) {
        if (!isReady || hasEnded) throw new Error('sent to a thread that is not there');
        if (batches.length === 0) sinceMs = monotonicMs();
        batches.push(batch);
      },
      abandon(error) {
        isAbandoned = true;
        rejectAll(error);
      },
      async close() {
        rejectAll(new CodedError('inference.run', 'the model was closed'));
        end();
      },
    };
  }

  return {
    workers,
    start,
    refuse(isRefusing: boolean): void {
      refuses = isRefusing;
    },
    living: () => workers.filter((worker) => !worker.hasEnded && !worker.isAbandoned),
  };
}
