/**
 * The batcher's loop: starts what the scheduler gives out, takes back what has run, and hands each row
 * its result exactly once.
 *
 * It turns when something was submitted, when a run has ended and when a deadline passes, and never
 * waits while a lane is free. A run that fails is a matter of its own rows (batch-failure.ts): neither
 * an input nor an exception of a model stops it.
 */
import type { Part } from '../core/batch/batch-queue.ts';
import type { Batch, BatchScheduler } from '../core/batch/batch-scheduler.ts';
import type { Rejection } from '../core/errors.ts';
import type { Clock } from '../platform/clock/clock.ts';
import type { LoadedModel, ModelOutputs, ModelRun } from '../platform/model/model-runtime.ts';
import { BatchFailure, type Verdict } from './batch-failure.ts';
import type { BatchFacts, BatchObserver, PartResult, Queued } from './batch-request.ts';
import { createDeadlineTimer } from './deadline-timer.ts';
import { createRowJoiner } from './join-rows.ts';

export interface BatchLoop {
  readonly unsettledRows: number;
  isRunning(model: LoadedModel): boolean;
  /** A request has been queued. */
  queued(request: Queued): void;
  /** Something has changed that may let a batch start. In a microtask: one turn's requests share a batch. */
  wake(): void;
  /** While true a batch that empties the queue has the trigger `drain`. */
  isDraining: boolean;
  /** Fails what waits for a version and has not run yet. */
  shed(version: string): void;
  /** Fails what waits, and from now on what would run again. */
  stop(): void;
  /** Resolves when `isOver`; asked after each turn. */
  until(isOver: () => boolean): Promise<void>;
}

export interface BatchLoopOptions extends BatchObserver {
  readonly clock: Clock;
  readonly scheduler: BatchScheduler<Queued>;
  modelOf(version: string): LoadedModel;
  /** A run has succeeded, and its rows are settled. */
  onRan(version: string): void;
}

type MutableFacts = { -readonly [Name in keyof BatchFacts]: BatchFacts[Name] };
type Failure = BatchFailure<Queued>;

const LATE: Rejection = {
  code: 'inference.deadline',
  message: 'the deadline passed while the row waited for its batch',
};
const STOPPED: Rejection = {
  code: 'inference.overload',
  message: 'the service is stopping and takes no more rows',
};

const SHED: Rejection = {
  code: 'inference.overload',
  message: 'the version is no longer asked',
};

export function createBatchLoop(options: BatchLoopOptions): BatchLoop {
  const { clock, scheduler } = options;
  const joinRows = createRowJoiner();
  const runs = new Map<LoadedModel, number>();
  /** Batches that have failed, by the parts that are to run or run next. */
  const failures = new Map<readonly Part<Queued>[], Failure>();
  const timer = createDeadlineTimer(clock, turn);
  let waiters: { readonly isOver: () => boolean; readonly resolve: () => void }[] = [];
  let unsettledRows = 0;
  let isTurnDue = false;
  let isStopped = false;

  function turn(): void {
    isTurnDue = false;
    const nowMs = clock.monotonicMs();
    if (scheduler.deadlineMs <= nowMs) fail(scheduler.expire(nowMs), LATE, null);
    for (let batch = scheduler.next(nowMs); batch !== null; batch = scheduler.next(nowMs)) {
      start(batch, nowMs);
    }
    timer.wakeBy(Math.min(scheduler.deadlineMs, scheduler.shadowMs(nowMs)));
    if (waiters.length > 0) wakeWaiters();
  }

  function start(cut: Batch<Queued>, nowMs: number): void {
    const failure = failures.size === 0 ? undefined : failures.get(cut.parts);
    const batch = failure === undefined ? cut : dropLate(cut, failure, nowMs);
    if (batch === null) return;
    const { version, rowCount, parts, place } = batch;
    const trigger = batch.trigger === 'idle' && loop.isDraining ? 'drain' : batch.trigger;
    const facts = { version, rows: rowCount, trigger, placement: place, durationMs: 0 };
    const model = options.modelOf(version);
    runs.set(model, (runs.get(model) ?? 0) + 1);
    const ended = (run: ModelRun | null, error: unknown): void => {
      const left = runs.get(model)! - 1;
      if (left === 0) runs.delete(model);
      else runs.set(model, left);
      facts.durationMs = run === null ? clock.monotonicMs() - nowMs : run.durationMs;
      end(batch, facts, failure, run, error);
    };
    try {
      options.onBatchStart?.(
        facts,
        parts.map(({ request }) => request.request),
      );
      const { batch: rows, options: runOptions } = joinRows(parts, rowCount, place);
      model.run(rows, runOptions).then(
        (run) => ended(run, null),
        (error: unknown) => ended(null, error),
      );
    } catch (error) {
      queueMicrotask(() => ended(null, error));
    }
  }

  function end(
    batch: Batch<Queued>,
    facts: MutableFacts,
    failure: Failure | undefined,
    run: ModelRun | null,
    error: unknown,
  ): void {
    const endedMs = clock.monotonicMs();
    scheduler.end(batch, run === null ? null : run.durationMs, endedMs);
    if (failure !== undefined) failures.delete(batch.parts);
    if (run === null) {
      options.onBatchEnd?.(facts, error);
      const failed = failure ?? new BatchFailure<Queued>();
      goOn(batch, failed, failed.failed(batch, error), facts);
    } else {
      options.onBatchEnd?.(facts);
      answer(batch.parts, run.outputs, facts);
      if (failure !== undefined) goOn(batch, failure, failure.succeeded(), facts);
      options.onRan(batch.version);
    }
    if (batch.isShadow) {
      const settledMs = clock.monotonicMs();
      scheduler.shadowSettled(settledMs - endedMs, settledMs);
    }
    turn();
  }

  function goOn(
    batch: Batch<Queued>,
    failure: Failure,
    verdict: Verdict<Queued>,
    facts: BatchFacts | null,
  ): void {
    for (const { parts, rejection } of verdict.failed) fail(parts, rejection, facts);
    if (verdict.next === null) return;
    const { parts, rowCount } = verdict.next;
    if (isStopped) return fail([...parts, ...failure.takeUnresolved()], STOPPED, null);
    failures.set(parts, failure);
    scheduler.version(batch.version).repeat({ parts, rowCount, trigger: batch.trigger });
  }

  /** A piece of a failed batch without the rows whose deadline has passed; `null`: none is left. */
  function dropLate(cut: Batch<Queued>, failure: Failure, nowMs: number): Batch<Queued> | null {
    const late = cut.parts.filter(({ request }) => request.deadlineMs <= nowMs);
    if (late.length === 0) return cut;
    failures.delete(cut.parts);
    const parts = cut.parts.filter(({ request }) => request.deadlineMs > nowMs);
    const rowCount = parts.reduce((sum, { fromRow, toRow }) => sum + toRow - fromRow, 0);
    const batch = { ...cut, parts, rowCount };
    fail(late, LATE, null);
    const verdict = failure.narrowed(batch);
    if (verdict === null) {
      failures.set(parts, failure);
      return batch;
    }
    scheduler.end(cut, null, nowMs);
    goOn(cut, failure, verdict, null);
    return null;
  }

  function answer(parts: readonly Part<Queued>[], outputs: ModelOutputs, batch: BatchFacts): void {
    let outputRow = 0;
    for (const part of parts) {
      settle(part, { kind: 'outputs', outputs, outputRow, batch });
      outputRow += part.toRow - part.fromRow;
    }
  }

  function fail(
    parts: readonly Part<Queued>[],
    rejection: Rejection,
    batch: BatchFacts | null,
  ): void {
    for (const part of parts) settle(part, { kind: 'failed', rejection, batch });
  }

  function settle({ request, fromRow, toRow }: Part<Queued>, result: PartResult): void {
    unsettledRows -= toRow - fromRow;
    request.served.unsettledRows -= toRow - fromRow;
    try {
      request.request.settle(fromRow, toRow, result);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  function wakeWaiters(): void {
    const over = waiters.filter(({ isOver }) => isOver());
    waiters = waiters.filter((waiter) => !over.includes(waiter));
    for (const { resolve } of over) resolve();
  }

  const loop: BatchLoop = {
    get unsettledRows() {
      return unsettledRows;
    },
    isDraining: false,
    isRunning: (model) => runs.has(model),
    queued(request) {
      unsettledRows += request.rowCount;
      request.served.unsettledRows += request.rowCount;
      loop.wake();
    },
    wake() {
      if (isTurnDue) return;
      isTurnDue = true;
      queueMicrotask(turn);
    },
    shed(version) {
      fail(scheduler.version(version).takeWaiting(), SHED, null);
    },
    stop() {
      isStopped = true;
      timer.stop();
      fail(scheduler.takeAll(), STOPPED, null);
      for (const failure of failures.values()) fail(failure.takeUnresolved(), STOPPED, null);
      loop.wake();
    },
    until(isOver) {
      if (isOver()) return Promise.resolve();
      return new Promise((resolve) => {
        waiters.push({ isOver, resolve });
      });
    },
  };
  return loop;
}
