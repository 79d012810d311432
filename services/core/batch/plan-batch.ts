/**
 * When a micro-batch runs, pure: as soon as it is full, or when its first row has waited long enough.
 *
 * A plain size-and-time rule; it never waits once `rowsMax` rows are there, and never longer than
 * `lingerMsMax` after the first.
 */

export interface BatchLimits {
  readonly rowsMax: number;
  readonly lingerMsMax: number;
}

export type BatchPlan =
  | { readonly kind: 'run'; readonly rows: number; readonly trigger: 'rows' | 'time' | 'drain' }
  | { readonly kind: 'wait'; readonly waitMs: number };

export interface WaitingRows {
  readonly count: number;
  /** How long the first of them has waited; 0 where there is none. */
  readonly waitedMs: number;
  /** No more rows will come: run what is there. */
  readonly draining: boolean;
}

/** `idleWaitMs` is how long to wait when there is nothing to run. */
export function planBatch(
  waiting: WaitingRows,
  limits: BatchLimits,
  idleWaitMs: number,
): BatchPlan {
  if (waiting.count >= limits.rowsMax)
    return { kind: 'run', rows: limits.rowsMax, trigger: 'rows' };
  if (waiting.count === 0) return { kind: 'wait', waitMs: idleWaitMs };
  if (waiting.draining) return { kind: 'run', rows: waiting.count, trigger: 'drain' };
  const remainingMs = limits.lingerMsMax - waiting.waitedMs;
  if (remainingMs <= 0) return { kind: 'run', rows: waiting.count, trigger: 'time' };
  return { kind: 'wait', waitMs: remainingMs };
}
