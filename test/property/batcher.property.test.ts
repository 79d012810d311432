/**
 * The batcher under random load, on a virtual clock: versions inline and on workers, a shadow, random
 * arrivals, sizes, deadlines and paces, rows the model fails on, workers that are lost, promotions. What
 * happened is written down and held against what may happen, row by row and instant by instant.
 *
 *     BATCHER_RUNS=4000 npx vitest run test/property/batcher.property.test.ts
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../services/core/errors.ts';
import { INLINE_RUN_MS_MAX, SHADOW_QUEUE_ROWS_MAX } from '../../services/core/limits.ts';
import { type BatchFacts, createBatcher } from '../../services/inference-worker/batcher.ts';
import { createVirtualClock } from '../../services/platform/clock/virtual-clock.ts';
import { createVirtualModel, rowsOfValues } from '../support/virtual-model.ts';

const RUNS = Number(process.env.BATCHER_RUNS ?? 80);
const TIMEOUT_MS = 30_000 + 200 * RUNS;
const LIMITS = { rowsMax: 64, bytesMax: 8 * 48, runMsMax: 6 };
const ROWS_BY_BYTES = 48;
const WORKERS = 2;
const NEVER_MS = 1e9;

interface VersionPlan {
  readonly placement: 'inline' | 'workers';
  readonly isShadow: boolean;
  readonly fixedMs: number;
  readonly perRowMs: number;
}

interface Arrival {
  readonly afterMs: number;
  readonly version: number;
  readonly rowCount: number;
  readonly patienceMs: number;
  /** Rows the model fails on, as parts of the row count. */
  readonly bad: readonly number[];
}

interface Scenario {
  readonly versions: readonly VersionPlan[];
  readonly arrivals: readonly Arrival[];
  /** Runs, counted over all versions, whose worker is lost. */
  readonly losses: readonly number[];
  /** The shadows become primary after so many arrivals. */
  readonly promoteAfter: number;
  /** Versions move between this thread and their workers where that seems better. */
  readonly moves: boolean;
}

const scenarios: fc.Arbitrary<Scenario> = fc.record({
  versions: fc.array(
    fc.record({
      placement: fc.constantFrom('inline' as const, 'workers' as const),
      isShadow: fc.boolean(),
      fixedMs: fc.constantFrom(0.01, 0.1, 1),
      perRowMs: fc.constantFrom(0.001, 0.05, 0.5, 3),
    }),
    { minLength: 1, maxLength: 3 },
  ),
  arrivals: fc.array(
    fc.record({
      afterMs: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 12, noNaN: true })),
      version: fc.nat(2),
      rowCount: fc.integer({ min: 1, max: 100 }),
      patienceMs: fc.oneof(
        { weight: 2, arbitrary: fc.constant(Number.POSITIVE_INFINITY) },
        { weight: 1, arbitrary: fc.double({ min: 0, max: 60, noNaN: true }) },
      ),
      bad: fc.oneof(
        { weight: 4, arbitrary: fc.constant([]) },
        {
          weight: 1,
          arbitrary: fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { maxLength: 3 }),
        },
      ),
    }),
    { minLength: 1, maxLength: 25 },
  ),
  losses: fc.array(fc.nat(40), { maxLength: 4 }),
  promoteAfter: fc.nat(40),
  moves: fc.boolean(),
});

/** One row of a request. Times are clock times, orders count everything that happens. */
interface Row {
  readonly version: string;
  readonly value: number;
  readonly isBad: boolean;
  /** Its version was a shadow when it came: it may wait for as long as that lasts. */
  readonly isShadow: boolean;
  readonly deadlineMs: number;
  readonly submittedMs: number;
  readonly submittedOrder: number;
  startedMs: number;
  startedOrder: number;
  settledMs: number;
  settles: number;
  outcome: number | string | null;
}

interface Run {
  readonly version: string;
  readonly facts: BatchFacts;
  readonly startedMs: number;
  readonly startedOrder: number;
  endedMs: number;
  readonly rows: readonly Row[];
  readonly isFirst: boolean;
  readonly isShadow: boolean;
}

async function play(scenario: Scenario) {
  const clock = createVirtualClock();
  const rows = new Map<number, Row>();
  const runs: Run[] = [];
  const running = new Map<BatchFacts, Run>();
  let order = 0;
  let starting: BatchFacts | null = null;
  const names = scenario.versions.map((_, index) => `v${index}`);
  const isShadow = new Map(names.map((name, index) => [name, scenario.versions[index]!.isShadow]));
  const batcher = createBatcher({
    clock,
    limits: LIMITS,
    placement: 'auto',
    workerCount: WORKERS,
    coreCount: 2,
    onBatchStart: (facts) => {
      starting = facts;
    },
    onBatchEnd: (facts) => {
      running.get(facts)!.endedMs = clock.monotonicMs();
    },
  });
  let runCount = 0;
  const models = scenario.versions.map(({ placement, fixedMs, perRowMs }, index) =>
    createVirtualModel(clock, {
      placement,
      workerCount: WORKERS,
      placeMs: scenario.moves ? 5 : NEVER_MS,
      runMs: (count) => fixedMs + count * perRowMs,
      fault: (values) => {
        const run = runCount;
        runCount += 1;
        note(names[index]!, values);
        if (placement === 'workers' && scenario.losses.includes(run)) {
          return new CodedError('inference.worker', 'the thread ended');
        }
        const isBad = values.some((value) => rows.get(value)!.isBad);
        return isBad ? new CodedError('inference.run', 'a bad row') : null;
      },
    }),
  );

  /** A shadow's queue is bounded; what it would shed it must not take, and the other way round. */
  function hasRoom(version: string, rowCount: number): boolean {
    const waiting = [...rows.values()].filter(
      (row) => row.version === version && row.startedOrder === -1 && row.settles === 0,
    ).length;
    return waiting === 0 || waiting + rowCount <= SHADOW_QUEUE_ROWS_MAX;
  }

  function note(version: string, values: readonly number[]): void {
    const batch = values.map((value) => rows.get(value)!);
    const isFirst = batch.every((row) => row.startedOrder === -1);
    order += 1;
    const startedMs = clock.monotonicMs();
    for (const row of batch) {
      if (row.startedOrder !== -1) continue;
      row.startedMs = startedMs;
      row.startedOrder = order;
    }
    const run = { version, facts: starting!, startedMs, startedOrder: order, endedMs: Infinity };
    runs.push({ ...run, rows: batch, isFirst, isShadow: isShadow.get(version)! });
    running.set(starting!, runs.at(-1)!);
  }

  for (const [index, model] of models.entries()) {
    batcher.serve(names[index]!, model, { shadow: scenario.versions[index]!.isShadow });
  }

  let nextValue = 0;
  for (const [index, arrival] of scenario.arrivals.entries()) {
    await clock.advance(arrival.afterMs);
    if (index === scenario.promoteAfter) {
      for (const [at, model] of models.entries()) {
        isShadow.set(names[at]!, false);
        batcher.serve(names[at]!, model, { shadow: false });
      }
    }
    const version = names[arrival.version % names.length]!;
    const bad = new Set(arrival.bad.map((part) => Math.floor(part * arrival.rowCount)));
    const submittedMs = clock.monotonicMs();
    const deadlineMs = submittedMs + arrival.patienceMs;
    order += 1;
    const block = Array.from({ length: arrival.rowCount }, (_, at): Row => {
      nextValue += 1;
      return {
        ...{ version, value: nextValue, isBad: bad.has(at), deadlineMs, submittedMs },
        isShadow: isShadow.get(version)!,
        ...{ submittedOrder: order, startedMs: Infinity, startedOrder: -1, settledMs: Infinity },
        ...{ settles: 0, outcome: null },
      };
    });
    const isTaken = !isShadow.get(version)! || hasRoom(version, block.length);
    for (const row of isTaken ? block : []) rows.set(row.value, row);
    const taken = batcher.submit({
      version,
      rows: rowsOfValues(block.map(({ value }) => value)),
      deadlineMs,
      settle(fromRow, toRow, result) {
        for (let at = fromRow; at < toRow; at += 1) {
          const row = block[at]!;
          row.settles += 1;
          row.settledMs = clock.monotonicMs();
          row.outcome =
            result.kind === 'failed'
              ? result.rejection.code
              : Number(result.outputs.get('y')!.data[result.outputRow + at - fromRow]);
        }
      },
    });
    expect(taken).toBe(isTaken);
  }
  let isDrained = false;
  void batcher.drain().then(() => {
    isDrained = true;
  });
  for (let ms = 0; !isDrained && ms < 100_000; ms += 1_000) await clock.advance(1_000);
  expect(isDrained).toBe(true);
  const all = [...rows.values()];
  for (const row of all) {
    // Only shadows are not waited for.
    if (!isShadow.get(row.version)) expect(row.settles).toBe(1);
  }
  for (let ms = 0; all.some(({ settles }) => settles === 0) && ms < 100_000; ms += 1_000) {
    await clock.advance(1_000);
  }
  await batcher.close();
  return { rows: all, runs };
}

type Played = Awaited<ReturnType<typeof play>>;

/** Each row exactly once, with its own answer. */
function checkAnswers({ rows }: Played, { losses }: Scenario): void {
  for (const row of rows) {
    expect(row.settles).toBe(1);
    if (row.outcome === 'inference.deadline') {
      expect(row.deadlineMs).toBeLessThanOrEqual(row.settledMs);
    } else if (row.isBad) {
      expect(row.outcome).toBe('inference.run');
    } else if (losses.length === 0) {
      expect(row.outcome).toBe(2 * row.value);
    } else {
      expect([2 * row.value, 'inference.run']).toContain(row.outcome);
    }
  }
}

/** What is run for the first time is run in the order it came, and never when it is too late. */
function checkOrder({ runs }: Played): void {
  const last = new Map<string, number>();
  for (const { version, rows, startedMs, isFirst } of runs) {
    if (!isFirst) continue;
    for (const { value, deadlineMs } of rows) {
      expect(value).toBeGreaterThan(last.get(version) ?? 0);
      last.set(version, value);
      expect(deadlineMs).toBeGreaterThan(startedMs);
    }
  }
}

function checkLimits({ runs }: Played, { versions }: Scenario): void {
  for (const { version, facts, rows, isShadow } of runs) {
    expect(rows.length).toBeLessThanOrEqual(Math.min(LIMITS.rowsMax, ROWS_BY_BYTES));
    expect(facts.rows).toBe(rows.length);
    const { fixedMs, perRowMs } = versions[Number(version.slice(1))]!;
    const runMs = fixedMs + perRowMs * rows.length;
    const inlineMs = isShadow ? 0.5 : INLINE_RUN_MS_MAX;
    const limitMs = facts.placement === 'inline' ? inlineMs : LIMITS.runMsMax;
    // The pace is the one that was timed, so predictions are exact but for rounding.
    if (rows.length > 1) expect(runMs).toBeLessThanOrEqual(limitMs * 1.000_001);
  }
}

/** While a row waits its version has no free lane; so none waits beyond its deadline but for that. */
function checkWorkConserving({ rows, runs }: Played, { versions }: Scenario): void {
  for (const row of rows) {
    const own = runs.filter((run) => run.version === row.version);
    const untilMs = Math.min(row.startedMs, row.settledMs);
    if (untilMs - row.submittedMs < 1e-9) continue;
    if (row.isShadow) continue;
    const { placement } = versions[Number(row.version.slice(1))]!;
    const busy =
      placement === 'inline' ? runs.filter(({ facts }) => facts.placement === 'inline') : own;
    const lanes = placement === 'inline' ? 1 : 2 * WORKERS;
    expect(freeMs(busy, lanes, row.submittedMs, untilMs)).toBeLessThan(1e-9);
  }
}

/** For how much of the time fewer than `lanes` of the runs were in flight. */
function freeMs(runs: readonly Run[], lanes: number, fromMs: number, toMs: number): number {
  const times = new Set([fromMs, toMs]);
  for (const { startedMs, endedMs } of runs) {
    if (startedMs > fromMs && startedMs < toMs) times.add(startedMs);
    if (endedMs > fromMs && endedMs < toMs) times.add(endedMs);
  }
  const edges = [...times].sort((a, b) => a - b);
  let free = 0;
  for (let index = 1; index < edges.length; index += 1) {
    const [start, end] = [edges[index - 1]!, edges[index]!];
    const busy = runs.filter((run) => run.startedMs <= start && run.endedMs >= end).length;
    if (busy < lanes) free += end - start;
  }
  return free;
}

/** When a shadow's batch starts nothing else waits. */
function checkShadows({ rows, runs }: Played): void {
  for (const shadow of runs.filter(({ isShadow }) => isShadow)) {
    const waiting = rows.filter(
      (row) =>
        !row.isShadow &&
        row.submittedOrder < shadow.startedOrder &&
        row.startedOrder > shadow.startedOrder,
    );
    expect(waiting).toEqual([]);
  }
}

describe('the batcher', () => {
  it(
    'loses, doubles, reorders and delays nothing, and keeps every limit',
    async () => {
      await fc.assert(
        fc.asyncProperty(scenarios, async (scenario) => {
          const played = await play(scenario);
          checkAnswers(played, scenario);
          checkOrder(played);
          checkLimits(played, scenario);
          // A move changes the lanes half way.
          if (!scenario.moves) checkWorkConserving(played, scenario);
          checkShadows(played);
        }),
        { numRuns: RUNS },
      );
    },
    TIMEOUT_MS,
  );
});
