/** What goes into the batcher and what comes out of it: a request, one run of a model, a part's result. */
import type { Trigger } from '../core/batch/batch-queue.ts';
import type { Rejection } from '../core/errors.ts';
import type {
  LoadedModel,
  ModelBatch,
  ModelOutputs,
  Placement,
} from '../platform/model/model-runtime.ts';

/** One run of a model. */
export interface BatchFacts {
  readonly version: string;
  readonly rows: number;
  readonly trigger: Trigger;
  readonly placement: Placement;
  /** Of the run; 0 until it has ended. */
  readonly durationMs: number;
}

export type PartResult =
  | {
      readonly kind: 'outputs';
      readonly outputs: ModelOutputs;
      /** Of the part's first row. */
      readonly outputRow: number;
      readonly batch: BatchFacts;
    }
  | {
      readonly kind: 'failed';
      readonly rejection: Rejection;
      /** The run that failed; `null` where there was none. */
      readonly batch: BatchFacts | null;
    };

export interface BatchRequest {
  readonly version: string;
  /** At least one row. Its arrays are read until the last row is settled, and never written. */
  readonly rows: ModelBatch;
  /** Monotonic; rows that do not run before it fail. Infinity: none. */
  readonly deadlineMs: number;
  /** Taken also where the queue is full: the caller has asked for room and cannot send it back. */
  readonly isAdmitted?: boolean;
  /**
   * Called once for each part of the rows, in any order; the parts cover them. Never within `submit`.
   * What it throws is thrown on outside of the loop, so that it ends the process and not the batcher.
   */
  settle(fromRow: number, toRow: number, result: PartResult): void;
}

export interface BatchObserver {
  onBatchStart?(facts: BatchFacts, requests: readonly BatchRequest[]): void;
  onBatchEnd?(facts: BatchFacts, error?: unknown): void;
}

/** A version as it is served now. */
export interface Served {
  readonly version: string;
  model: LoadedModel;
  unsettledRows: number;
  isRetired: boolean;
}

/** A request in its queue. */
export interface Queued {
  readonly request: BatchRequest;
  readonly served: Served;
  readonly rows: ModelBatch;
  readonly rowCount: number;
  readonly byteCount: number;
  readonly deadlineMs: number;
}
