/**
 * What becomes of a batch whose run failed: run again, halved until the bad rows stand alone, or
 * answered with the reason. Decides only; the batcher runs and answers.
 *
 * A lost worker is no fault of the batch, so the batch runs again as it was; but a row may be what kills
 * the worker, so after `WORKER_RETRIES_MAX` times it is halved like one that failed. The further runs of
 * one batch are at most `BISECT_RUNS_MAX`, retries included.
 */
import type { Part } from '../core/batch/batch-queue.ts';
import { Bisection, type Piece } from '../core/batch/bisection.ts';
import { reject } from '../core/codec/read-failure.ts';
import { CodedError, ERRORS, type Rejection } from '../core/errors.ts';
import { BISECT_RUNS_MAX, WORKER_RETRIES_MAX } from '../core/limits.ts';
import { rejectUnforeseen } from '../core/message/reject-unforeseen.ts';

export interface FailedRows<R> {
  readonly parts: readonly Part<R>[];
  readonly rejection: Rejection;
}

export interface Verdict<R> {
  /** To be answered now. */
  readonly failed: readonly FailedRows<R>[];
  /** To run next; `null`: the batch is over. */
  readonly next: Piece<R> | null;
}

export class BatchFailure<R> {
  #bisection: Bisection<R> | null = null;
  /** How often the piece that is to run has lost its worker. */
  #losses = 0;
  #reason = '';

  /** The batch, or the piece of it that ran, has failed. */
  failed(piece: Piece<R>, error: unknown): Verdict<R> {
    const kind = kindOf(error);
    const failed = { parts: piece.parts, rejection: rejectionOf(error) };
    if (kind === 'unforeseen') return this.#goOn([failed]);
    this.#reason = failed.rejection.message;
    if (kind === 'lost' && this.#mayRetry(piece)) {
      this.#losses += 1;
      return { failed: [], next: piece };
    }
    if (this.#bisection !== null) return this.#goOn(this.#bisection.failed() ? [] : [failed]);
    if (piece.rowCount === 1) return { failed: [failed], next: null };
    this.#bisection = new Bisection(piece, BISECT_RUNS_MAX - this.#losses);
    return this.#goOn([]);
  }

  /** The batch, or the piece of it that ran, has succeeded. */
  succeeded(): Verdict<R> {
    this.#bisection?.succeeded();
    return this.#goOn([]);
  }

  /** Of the piece to run next only these rows are left; `null`: run them. */
  narrowed(piece: Piece<R>): Verdict<R> | null {
    if (piece.rowCount === 0) return this.#goOn([]);
    this.#bisection?.narrow(piece);
    return null;
  }

  /** What no run has decided, besides the piece that is to run or runs. */
  takeUnresolved(): readonly Part<R>[] {
    return this.#bisection?.takeUnresolved() ?? [];
  }

  /** A piece of several rows is halved instead: its good half does without further retries. */
  #mayRetry({ rowCount }: Piece<R>): boolean {
    if (this.#losses === WORKER_RETRIES_MAX) return false;
    return this.#bisection === null || (rowCount === 1 && this.#bisection.again());
  }

  #goOn(failed: readonly FailedRows<R>[]): Verdict<R> {
    this.#losses = 0;
    if (this.#bisection === null) return { failed, next: null };
    const next = this.#bisection.next();
    if (next !== null) return { failed, next };
    const parts = this.#bisection.takeUnresolved();
    if (parts.length === 0) return { failed, next };
    const message = `not isolated within ${BISECT_RUNS_MAX} further runs of its batch, of which a row fails: ${this.#reason}`;
    return { failed: [...failed, { parts, rejection: reject('inference.run', message) }], next };
  }
}

function kindOf(error: unknown): 'lost' | 'rows' | 'unforeseen' {
  if (!(error instanceof CodedError)) return 'unforeseen';
  if (error.code === 'inference.worker') return 'lost';
  const { kind, class: errorClass } = ERRORS[error.code];
  return kind === 'permanent' && errorClass === 'inference' ? 'rows' : 'unforeseen';
}

function rejectionOf(error: unknown): Rejection {
  if (!(error instanceof CodedError)) return rejectUnforeseen(error);
  if (error.code === 'inference.worker') {
    const message = `its runs end the thread they are on: ${error.message}`;
    return rejectUnforeseen(new CodedError('inference.run', message));
  }
  if (ERRORS[error.code].kind === 'permanent') return rejectUnforeseen(error);
  return rejectUnforeseen(new Error(`${error.code}: ${error.message}`));
}
