/**
 * Scores rows: chooses the version for each, has its batch run, and sees to it that every row gets one
 * answer, whatever the version does: a stand-in where the fallback has one, else a rejection with the
 * reason. Used alike by the service, by `tidegauge score` and by their tests.
 *
 * A row that its version cannot take, fails on, answers with NaN or answers too late goes to the
 * fallback; a row that the fallback version fails on too is rejected with the first reason. Policies
 * come last. The shadow version is asked after the answer, and never waited for.
 */
import type { Rejection } from '../core/errors.ts';
import type { MonitorModel } from '../core/monitor/monitor.ts';
import { compilePolicies } from '../core/policy/policies.ts';
import type { RolloutPlan, Variant } from '../core/rollout/rollout-plan.ts';
import type { Clock } from '../platform/clock/clock.ts';
import { createAskShadow } from './ask-shadow.ts';
import type { Batcher, BatchFacts, PartResult } from './batcher.ts';
import type { CircuitMove } from './circuit-alert.ts';
import { rowsOf } from './model-batch.ts';
import { createRowCache } from './row-cache.ts';
import {
  isRejection,
  type OnAnswer,
  type PendingRow,
  type RowAnswer,
  type ScoreRequest,
  type ScoreRow,
  type ShadowAnswer,
} from './score-row.ts';
import { checkRow, type ServedModel, unpackRow } from './served-model.ts';
import { createStandIn } from './stand-in.ts';
import { createVersionCircuits } from './version-circuits.ts';

export interface ScorerOptions {
  readonly spec: MonitorModel;
  readonly clock: Clock;
  readonly batcher: Batcher;
  /** Deadlines and circuits go by the wall clock, which a replay must not depend on. */
  readonly isLive: boolean;
  /** The plan in force, only versions that are served. */
  plan(): RolloutPlan;
  /** By the plan in force. */
  choose(id: string): { readonly variant: Variant; readonly version: string };
  served(version: string): ServedModel | null;
  readonly events: {
    versionFailed(version: string, rejection: Rejection): void;
    shadowShed(version: string, rows: number): void;
    policyFailed(message: string): void;
    cacheLooked(outcome: 'hit' | 'missed' | 'joined' | 'bypassed'): void;
  };
  onShadow?(answer: ShadowAnswer): void;
  onCircuit(version: string, state: CircuitMove['state'], nowMs: number): void;
}

export interface Scorer {
  /** Room for so many more rows; false: wait for answers. */
  hasRoom(rowCount: number): boolean;
  /** `answer` is called once for each row, in any order, never within `score`. */
  score(rows: readonly ScoreRow[], answer: OnAnswer): void;
  /** Resolves when every row has its answer. */
  drain(): Promise<void>;
}

export function createScorer(options: ScorerOptions): Scorer {
  const { spec, clock, batcher, isLive, events } = options;
  const policies = compilePolicies(spec.policies, {
    outputs: spec.outputs.map(({ name }) => name),
    lists: spec.lists,
  });
  const standInFor = createStandIn(spec);
  const circuits = createVersionCircuits(options);
  const cache = createRowCache(options);
  const askShadow = createAskShadow(options);
  let outstanding = 0;
  let whenDone: (() => void)[] = [];
  /** What is to be asked of the versions it names, all of it before this turn ends. */
  let toAsk: PendingRow[] = [];

  /** Rows of one version and deadline share a request; those that need no run are dealt with. */
  function askAll(): void {
    while (toAsk.length > 0) {
      const blocks: PendingRow[][] = [];
      const pending = toAsk;
      toAsk = [];
      for (const each of pending) {
        if (!needsRun(each)) continue;
        const { served, deadlineMs } = each;
        const block = blocks.find(
          ([first]) => first!.served === served && first!.deadlineMs === deadlineMs,
        );
        if (block === undefined) blocks.push([each]);
        else block.push(each);
      }
      for (const block of blocks) submit(block);
    }
  }

  function needsRun(each: PendingRow): boolean {
    const rejection = checkRow(each.served, each.row.cells);
    if (rejection !== null) {
      standIn(each, rejection);
      return false;
    }
    const found = cache.lookup(each);
    if (found.kind === 'hit') finish(each, found.outputs, found.outputs, null);
    if (found.kind === 'hit' || found.kind === 'joined') return false;
    if (found.kind === 'missed') each.flight = found.flight;
    // Last, so that a trial row of a half-open circuit is one that the model is asked about.
    if (circuits.allows(each.served)) return true;
    fail(each, circuitOpen(each.served.version));
    return false;
  }

  function submit(pending: readonly PendingRow[]): void {
    const { served, deadlineMs } = pending[0]!;
    const request: ScoreRequest = {
      version: served.queue,
      rows: served.batching.pack(pending.map(({ row }) => row.cells)),
      deadlineMs,
      isAdmitted: true,
      pending,
      settle(from, to, result) {
        settle(served, request, { from, to }, result);
        askAll();
      },
    };
    if (batcher.submit(request)) return;
    for (const each of pending) fail(each, STOPPED);
  }

  function settle(
    served: ServedModel,
    { pending, rows, deadlineMs }: ScoreRequest,
    { from, to }: { readonly from: number; readonly to: number },
    result: PartResult,
  ): void {
    const part = from === 0 && to === pending.length ? pending : pending.slice(from, to);
    if (result.kind === 'outputs') {
      cache.tellRowMs(served, result.batch.durationMs / result.batch.rows);
      const answered = unpack(served, part, result);
      const failedRows = answered.reduce((count, values) => count + (values === null ? 1 : 0), 0);
      askShadow(served, { rows: part, packed: rowsOf(rows, from, to), answered });
      circuits.answered(served, { batch: result.batch, deadlineMs, failedRows, rows: part.length });
      return;
    }
    const { rejection } = result;
    events.versionFailed(served.version, rejection);
    for (const each of part) fail(each, rejection);
    if (rejection.code === STOPPED.code) return;
    const isLate = rejection.code === 'inference.deadline';
    circuits.failed(served, part.length, isLate ? clock.monotonicMs() - deadlineMs : 0);
  }

  /** What was said of each row, `null` where it is not usable. */
  function unpack(
    served: ServedModel,
    part: readonly PendingRow[],
    { outputs, outputRow, batch }: Extract<PartResult, { kind: 'outputs' }>,
  ): readonly (readonly number[] | null)[] {
    return part.map((each, index) => {
      const values = unpackRow(served, outputs, outputRow + index);
      if (isRejection(values)) {
        events.versionFailed(served.version, values);
        fail(each, values);
        return null;
      }
      const twins = cache.landed(each, values);
      finish(each, values, values, batch);
      for (const twin of twins) finish(twin, values, values, batch);
      return values;
    });
  }

  function fail(each: PendingRow, rejection: Rejection): void {
    const twins = cache.landed(each, null);
    standIn(each, rejection);
    // What lies in the row lies in its twins; a deadline is each row's own.
    const isOwn = rejection.code === 'inference.deadline';
    const nowMs = twins.length === 0 ? 0 : clock.monotonicMs();
    for (const twin of twins) {
      if (isOwn && twin.deadlineMs > nowMs) askAgain(twin);
      else standIn(twin, rejection);
    }
  }

  /** The version may have been exchanged, or have gone, since it was chosen. */
  function askAgain(each: PendingRow): void {
    let served = options.served(each.served.version);
    if (served === null && each.reason === null) {
      const { variant, version } = options.choose(each.row.id);
      each.variant = variant;
      served = options.served(version);
    }
    each.served = served ?? each.served;
    toAsk.push(each);
  }

  function standIn(each: PendingRow, rejection: Rejection): void {
    const { served: failed, row } = each;
    const isFirst = each.reason === null;
    each.reason ??= rejection;
    const choice = standInFor(failed.version, each.reason, row.root);
    if (choice.kind === 'outputs') return finish(each, [], choice.outputs, null);
    const served = choice.kind === 'version' && isFirst ? options.served(choice.version) : null;
    if (served === null) {
      const reason = choice.kind === 'none' ? choice.rejection : each.reason;
      return end(each, { kind: 'rejected', rejection: reason }, null);
    }
    each.served = served;
    // Late is better than never: the stand-in has no deadline of its own.
    each.deadlineMs = Number.POSITIVE_INFINITY;
    toAsk.push(each);
  }

  function finish(
    each: PendingRow,
    raw: readonly number[],
    outputs: readonly number[],
    batch: BatchFacts | null,
  ): void {
    const { outputs: final, applied, suppressed, failed } = policies(each.row.root ?? {}, outputs);
    for (const message of failed) events.policyFailed(message);
    const answer: RowAnswer = {
      kind: 'answered',
      variant: each.reason === null ? each.variant : 'fallback',
      version: each.served.version,
      digest: each.served.digest,
      outputs: final,
      rawOutputs: raw,
      policies: applied,
      suppressed,
      fallbackReason: each.reason?.code ?? '',
    };
    end(each, answer, batch);
  }

  function end(each: PendingRow, answer: RowAnswer, batch: BatchFacts | null): void {
    outstanding -= 1;
    each.answer(each.index, answer, batch);
    if (outstanding > 0 || whenDone.length === 0) return;
    const waiting = whenDone;
    whenDone = [];
    for (const resolve of waiting) resolve();
  }

  return {
    hasRoom: (rowCount) => {
      const { primary, canary, ab } = options.plan();
      return [primary, ...(canary === null ? [] : [canary.version]), ...ab.map((a) => a.version)]
        .map((version) => options.served(version))
        .every((served) => served === null || batcher.hasRoom(served.queue, rowCount));
    },

    score(rows, answer) {
      outstanding += rows.length;
      const deadlineMs =
        isLive && spec.deadlineMs > 0
          ? clock.monotonicMs() + spec.deadlineMs
          : Number.POSITIVE_INFINITY;
      // Answers that need no run must not come before the caller is ready for them.
      queueMicrotask(() => {
        circuits.sweep();
        for (const [index, row] of rows.entries()) {
          const { variant, version } = options.choose(row.id);
          const served = options.served(version)!;
          const way = { deadlineMs, variant, served, reason: null, flight: null };
          toAsk.push({ row, index, answer, ...way });
        }
        askAll();
      });
    },

    async drain() {
      // What `score` was called with just now is in its queue then.
      await Promise.resolve();
      if (outstanding === 0) return;
      const done = new Promise<void>((resolve) => {
        whenDone.push(resolve);
      });
      void batcher.drain();
      await done;
    },
  };
}

const STOPPED: Rejection = {
  code: 'inference.overload',
  message: 'the service is stopping and takes no more rows',
};

function circuitOpen(version: string): Rejection {
  return {
    code: 'inference.circuit',
    message: `version ${version} failed too often and is not asked for a while`,
  };
}
