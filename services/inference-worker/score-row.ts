/** A row to be scored, its answer, and the row on its way from the one to the other. */
import type { Rejection } from '../core/errors.ts';
import type { BusRecord } from '../core/message/record.ts';
import type { Variant } from '../core/rollout/rollout-plan.ts';
import type { BatchFacts, BatchRequest } from './batcher.ts';
import type { Cells } from './model-batch.ts';
import type { Flight } from './prediction-cache.ts';
import type { ServedModel } from './served-model.ts';

export interface ScoreRow {
  readonly id: string;
  readonly cells: Cells;
  /** The event as it was read, for policies and rules; `null` where the monitor has none. */
  readonly root: Record<string, unknown> | null;
  /** The event on the bus; absent where the row came from elsewhere. */
  readonly source?: EventSource;
}

export interface EventSource {
  readonly record: BusRecord;
  readonly eventTimeMs: number;
}

export type RowAnswer =
  | {
      readonly kind: 'answered';
      readonly variant: Variant;
      readonly version: string;
      readonly digest: string;
      readonly outputs: readonly number[];
      readonly rawOutputs: readonly number[];
      readonly policies: readonly string[];
      readonly suppressed: boolean;
      readonly fallbackReason: string;
    }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

/** `batch` is the one that gave the answer, `null` where none did. */
export type OnAnswer = (index: number, answer: RowAnswer, batch: BatchFacts | null) => void;

/** What a shadow said of a row, beside what was answered. */
export interface ShadowAnswer {
  readonly row: ScoreRow;
  readonly version: string;
  readonly digest: string;
  readonly outputs: readonly number[];
  readonly answeredVersion: string;
  readonly answeredOutputs: readonly number[];
  readonly rowMs: number;
}

/** A row on its way to its answer. One object all the way: another version may be asked in the end. */
export interface PendingRow {
  readonly row: ScoreRow;
  readonly index: number;
  readonly answer: OnAnswer;
  deadlineMs: number;
  variant: Variant;
  served: ServedModel;
  /** Why the version that was chosen did not answer; `null`: it may still. */
  reason: Rejection | null;
  /** What the cache has to hear of its outcome; `null` where it has not asked. */
  flight: Flight<PendingRow> | null;
}

/** A request of the scorer's, so that a span can link to its rows. */
export interface ScoreRequest extends BatchRequest {
  readonly pending: readonly PendingRow[];
}

export function isRejection(value: readonly number[] | Rejection): value is Rejection {
  return !Array.isArray(value);
}
