/**
 * A circuit: whether a model version is asked at all, by how its last rows went. Pure: the time, which
 * is monotonic, comes as an argument.
 *
 *     closed ──── failureShare of the last rowCount rows failed ────▶ open
 *       ▲                                                            │  ▲
 *       │                                     openMs × 2ⁿ have passed│  │ too many trial rows failed:
 *       │                                                            ▼  │ n grows by one, to a limit
 *       └───────── enough trial rows were answered ──────────── half-open
 *
 * n also grows where a circuit opens that has closed a short while ago, and is forgotten once it has
 * stayed closed for a few windows: a version that only fails under its full load passes every trial.
 * Closed: every row is asked. Rows that have not been seen count as answered, so that the first row of
 * a version cannot open its circuit, and what opens it is always the same number of failures.
 * Open: none is asked; what is still on its way when it opens says nothing new and is not counted.
 * Half-open: a few rows are asked, and what is answered now is judged by the same share. A trial row
 * may never come back (its event is gone, its deadline passed): after another openMs further ones are
 * let through.
 */
import type { MonitorModel } from '../core/monitor/monitor.ts';

export type CircuitState = 'closed' | 'open' | 'half-open';

/** Rows that a half-open circuit lets through: enough that one bad row among them decides nothing. */
export const TRIAL_ROWS = 8;
/** A version that fails every trial is tried every `openMs` × 2 to the power of this. */
export const OPEN_DOUBLINGS_MAX = 4;
/** Windows of rows after which a circuit that has closed owes nothing to what was before. */
export const PROVEN_WINDOWS = 4;

export interface Circuit {
  /** Of now: an open circuit turns half-open when its time is over, whoever looks. */
  state(nowMs: number): CircuitState;
  /** Whether one more row may be asked; in a half-open circuit a `true` is a trial row taken. */
  allows(nowMs: number): boolean;
  /** How many rows of a batch failed and were answered. A trial that fails is no transition. */
  record(failedRows: number, okRows: number, nowMs: number): 'opened' | 'closed' | null;
}

export function createCircuit(options: MonitorModel['circuit']): Circuit {
  const { failureShare, openMs } = options;
  const window = new RowWindow(options.rowCount);
  const failedRowsMax = shareOf(options.rowCount, failureShare);
  const failedTrialsMax = shareOf(TRIAL_ROWS, failureShare);
  let state: CircuitState = 'closed';
  let doublings = 0;
  /** Rows asked since the circuit has closed; one that was never open has nothing to prove. */
  let rowsSinceClosed = Number.POSITIVE_INFINITY;
  /** When the open circuit is tried again, or the half-open one lets further rows through. */
  let nextTrialMs = 0;
  let trialsTaken = 0;
  let failedTrials = 0;
  let okTrials = 0;

  function open(nowMs: number): void {
    state = 'open';
    nextTrialMs = nowMs + openMs * 2 ** doublings;
  }

  function lookAtTime(nowMs: number): void {
    if (state === 'closed' || nowMs < nextTrialMs) return;
    if (state === 'open') {
      failedTrials = 0;
      okTrials = 0;
    }
    state = 'half-open';
    trialsTaken = failedTrials + okTrials;
    nextTrialMs = nowMs + openMs;
  }

  function recordTrials(failedRows: number, okRows: number, nowMs: number): 'closed' | null {
    failedTrials += failedRows;
    okTrials += okRows;
    if (failedTrials >= failedTrialsMax) {
      doublings = Math.min(doublings + 1, OPEN_DOUBLINGS_MAX);
      open(nowMs);
      return null;
    }
    // From here on no outcome of the other trial rows could open it.
    if (okTrials <= TRIAL_ROWS - failedTrialsMax) return null;
    state = 'closed';
    rowsSinceClosed = 0;
    return 'closed';
  }

  return {
    state(nowMs) {
      lookAtTime(nowMs);
      return state;
    },

    allows(nowMs) {
      if (state === 'closed') return true;
      lookAtTime(nowMs);
      if (state === 'open' || trialsTaken >= TRIAL_ROWS) return false;
      trialsTaken += 1;
      return true;
    },

    record(failedRows, okRows, nowMs) {
      lookAtTime(nowMs);
      if (state === 'half-open') return recordTrials(failedRows, okRows, nowMs);
      if (state === 'open') return null;
      window.add(failedRows, okRows);
      rowsSinceClosed += failedRows + okRows;
      const isProven = rowsSinceClosed > PROVEN_WINDOWS * options.rowCount;
      if (isProven) doublings = 0;
      if (window.failedRows < failedRowsMax) return null;
      if (!isProven) doublings = Math.min(doublings + 1, OPEN_DOUBLINGS_MAX);
      window.clear();
      open(nowMs);
      return 'opened';
    },
  };
}

/** The least count that is this share of all, at least one; 0.07 × 100 is a little more than 7. */
function shareOf(rowCount: number, share: number): number {
  return Math.max(1, Math.ceil(rowCount * share - 1e-9));
}

/** How many of the last rows failed. While none did, adding a batch costs nothing per row. */
class RowWindow {
  /** A ring: 1 where the row failed. */
  readonly #failed: Uint8Array;
  #next = 0;
  #failedRows = 0;

  constructor(rowCount: number) {
    this.#failed = new Uint8Array(rowCount);
  }

  get failedRows(): number {
    return this.#failedRows;
  }

  /** The order within a batch is not known: its failures count as the younger ones. */
  add(failedRows: number, okRows: number): void {
    if (this.#failedRows > 0) this.#write(0, okRows);
    this.#write(1, failedRows);
  }

  clear(): void {
    this.#failed.fill(0);
    this.#failedRows = 0;
  }

  #write(failed: 0 | 1, rows: number): void {
    const ring = this.#failed;
    for (let left = Math.min(rows, ring.length); left > 0; left -= 1) {
      this.#failedRows += failed - ring[this.#next]!;
      ring[this.#next] = failed;
      this.#next = this.#next + 1 === ring.length ? 0 : this.#next + 1;
    }
  }
}
