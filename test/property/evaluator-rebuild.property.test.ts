/**
 * An evaluator whose state was lost: made anew from the log of panes, it goes on with the very reports
 * it would have written, and where the log has lost its beginning, with those that are still right.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asBuffer } from '../../services/core/message/message-codec.ts';
import { type Pane, paneCodec } from '../../services/core/message/pane.ts';
import { type Report, reportCodec } from '../../services/core/message/report.ts';
import {
  createColumnSketch,
  encodeColumnSketch,
} from '../../services/core/sketch/column-sketch.ts';
import { createEvaluatorEvents } from '../../services/evaluator/events.ts';
import { rebuildFromPanes } from '../../services/evaluator/rebuild.ts';
import { EvaluatorShard, type EvaluatorShardOptions } from '../../services/evaluator/shard.ts';
import { EMPTY_EVALUATOR, restoreEvaluator } from '../../services/evaluator/state.ts';
import type { Bus, BusRecord } from '../../services/platform/bus/bus.ts';
import { createMemoryTelemetry } from '../../services/platform/telemetry/memory-telemetry.ts';
import { CONTRIBUTORS, interleave, paneLog, sealings } from './pane-log.ts';

const HOUR_MS = 3_600_000;
/** So that nine days, and a calendar baseline, are a handful of panes. */
const PANE_MS = 12 * HOUR_MS;
/** Of the model, sharing the events. */
const VERSIONS = ['model=1', 'model=2'];
const TOPICS = { panes: 'panes', reports: 'reports' };

const telemetry = createMemoryTelemetry();
const events = createEvaluatorEvents(telemetry);

function optionsOf(reviseMs: number): EvaluatorShardOptions {
  return {
    ...{ monitor: 'm', run: 'r', contributors: CONTRIBUTORS, reportsTopic: TOPICS.reports, events },
    windows: [
      { lengthMs: PANE_MS, slideMs: PANE_MS },
      { lengthMs: 4 * PANE_MS, slideMs: 2 * PANE_MS },
    ],
    baselines: [
      { kind: 'reference' },
      { kind: 'trailing', windows: 2 },
      { kind: 'calendar', weeks: 1 },
    ],
    reviseMs,
    columns: [
      {
        ...{ name: 'level', type: 'numeric' },
        drift: { kind: 'threshold', distance: 'ks', threshold: 0.4 },
      },
    ],
    outputs: [{ name: 'score', type: 'numeric', drift: null }],
    ...{ sets: [], countMin: 1, falseAlarms: null, distances: [], monotonicMs: () => 0 },
    reference: {
      ...{ rowCount: 9, calibrations: new Map(), sets: new Map(), slices: new Map() },
      columns: new Map([
        ['level', levels(1, 9)],
        ['score', levels(2, 9)],
      ]),
    },
  };
}

function levels(seed: number, count: number) {
  const sketch = createColumnSketch('numeric');
  for (let i = 0; i < count; i += 1) sketch.add((seed * 7 + i * 5) % 11);
  return sketch;
}

/** With what was measured, so that every window has distances and shapes of its own. */
function filled(pane: Pane): Pane {
  if (pane.kind !== 'sealed' && pane.kind !== 'open' && pane.kind !== 'late') return pane;
  const sketch = levels(pane.startMs / PANE_MS + pane.sequence, pane.count);
  const name = pane.source === 'predictions' ? 'score' : 'level';
  return { ...pane, columns: [{ name, sketch: asBuffer(encodeColumnSketch(sketch)) }] };
}

const turns = fc.array(fc.nat(10), { minLength: 1, maxLength: 40 });

function paneRecords(maySleep: boolean): fc.Arbitrary<BusRecord[]> {
  const written = fc.tuple(...CONTRIBUTORS.map(() => sealings({ maySleep, countMax: 10 })));
  const repeats = fc.array(fc.tuple(fc.nat(200), fc.nat(5)), { maxLength: 4 });
  return fc.tuple(written, turns, repeats).map(([sealed, choices, again]) => {
    const logs = CONTRIBUTORS.map((by, index) =>
      paneLog(by, sealed[index]!, PANE_MS, by.source === 'predictions' ? VERSIONS : []),
    );
    const panes = interleave(logs, choices).map(filled);
    for (const [at, count] of again) {
      const end = Math.min(at, panes.length);
      panes.splice(end, 0, ...panes.slice(Math.max(0, end - count), end));
    }
    return panes.map((pane, offset) => recordOf(TOPICS.panes, offset, paneCodec.encode(pane)));
  });
}

function recordOf(topic: string, offset: number, value: Uint8Array): BusRecord {
  return { topic, partition: 0, offset, key: null, value, headers: {}, timestampMs: 0 };
}

/** The two topics, for reading only. */
function logBus(logs: Readonly<Record<string, readonly BusRecord[]>>): Bus {
  const bus: Pick<Bus, 'offsets' | 'read'> = {
    async offsets({ topic }) {
      const log = logs[topic]!;
      const earliest = log[0]?.offset ?? 0;
      return { earliest, next: earliest + log.length };
    },
    async *read({ topic }, from, to) {
      yield* logs[topic]!.filter(({ offset }) => offset >= from && offset < to);
    },
  };
  return bus as Bus;
}

/** Reads panes, stored and read back after every `commitEvery`; returns the reports of each commit. */
function judge(
  start: EvaluatorShard,
  panes: readonly BusRecord[],
  options: EvaluatorShardOptions,
  commitEvery: number,
): readonly (readonly Uint8Array[])[] {
  const entries = new Map<string, Uint8Array>();
  const commits: Uint8Array[][] = [];
  let shard = start;
  for (const [index, record] of panes.entries()) {
    shard.accept(record);
    if ((index + 1) % commitEvery !== 0 && index + 1 < panes.length) continue;
    const { puts, deletes, outputs } = shard.takeChanges();
    for (const key of deletes) entries.delete(key);
    for (const [key, value] of puts) entries.set(key, value);
    commits.push(outputs.map(({ value }) => value!));
    shard = new EvaluatorShard(options, restoreEvaluator(entries));
  }
  return commits;
}

const hex = (reports: readonly Uint8Array[]) =>
  reports.map((bytes) => Buffer.from(bytes).toString('hex'));

const loss = fc.record({
  commitEvery: fc.integer({ min: 1, max: 12 }),
  /** Share of the commits that were done when the state was lost. */
  done: fc.double({ min: 0, max: 1, noNaN: true }),
  /** Of the last commit's reports, those that were not sent any more. */
  unsent: fc.nat(12),
  /** Reports that a zombie sent again afterwards. */
  repeated: fc.nat(8),
  rebuiltEvery: fc.integer({ min: 1, max: 30 }),
});
const revise = fc.constantFrom(0, 30 * HOUR_MS, 4 * PANE_MS);

function published(commits: readonly (readonly Uint8Array[])[], unsent: number) {
  const last = commits.at(-1) ?? [];
  return [...commits.slice(0, -1).flat(), ...last.slice(0, Math.max(0, last.length - unsent))];
}

describe('an evaluator whose state was lost', () => {
  it('goes on with the reports it would have written, to the byte', async () => {
    await fc.assert(
      fc.asyncProperty(paneRecords(true), revise, loss, async (panes, reviseMs, lost) => {
        const options = optionsOf(reviseMs);
        const whole = judge(
          new EvaluatorShard(options, EMPTY_EVALUATOR),
          panes,
          options,
          lost.commitEvery,
        );
        const before = published(whole.slice(0, Math.round(lost.done * whole.length)), lost.unsent);
        const again = before.slice(Math.max(0, before.length - lost.repeated - 3), -3);
        const reports = [...before, ...again].map((value, offset) =>
          recordOf(TOPICS.reports, offset, value),
        );
        const bus = logBus({ panes, reports });
        const restored = await rebuildFromPanes({ bus, topics: TOPICS, ...options });
        const rebuilt = new EvaluatorShard(options, restored);
        const after = judge(rebuilt, panes, options, lost.rebuiltEvery).flat();
        expect(hex([...before, ...after])).toEqual(hex(whole.flat()));
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it('judges nothing that has lost a pane, and all else, where the log has lost its beginning', async () => {
    const cut = fc.double({ min: 0, max: 1, noNaN: true });
    await fc.assert(
      fc.asyncProperty(paneRecords(false), revise, loss, cut, async (log, reviseMs, lost, at) => {
        const options = { ...optionsOf(reviseMs), baselines: [{ kind: 'reference' }] as const };
        const whole = judge(
          new EvaluatorShard(options, EMPTY_EVALUATOR),
          log,
          options,
          lost.commitEvery,
        );
        const before = published(whole.slice(0, Math.round(lost.done * whole.length)), lost.unsent);
        // Everybody is still in what is left: of who is not, nothing can be known.
        const firstEnd = log.findIndex(({ value }) => paneCodec.decode(value!).kind === 'end');
        const panes = log.slice(Math.floor(at * firstEnd));
        const reports = before.map((value, offset) => recordOf(TOPICS.reports, offset, value));
        const bus = logBus({ panes, reports });
        const restored = await rebuildFromPanes({ bus, topics: TOPICS, ...options });
        const rebuilt = new EvaluatorShard(options, restored);
        const after = judge(rebuilt, panes, options, lost.rebuiltEvery).flat();

        const fromMs = restored.book?.completeFromMs ?? Number.NEGATIVE_INFINITY;
        const due = whole.flat().slice(before.length).map(reportCodec.decode);
        const right = due.filter((each) => each.kind === 'end' || each.windowStartMs >= fromMs);
        expect(after.map(reportCodec.decode).map(judgedAs)).toEqual(right.map(judgedAs));
        const sequences = after.map((bytes) => reportCodec.decode(bytes).sequence);
        expect(sequences).toEqual(sequences.map((_, index) => before.length + index));
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});

/** Without what a beginning that is gone may change: the sequence, and the shape of a drift. */
function judgedAs({ sequence: _, columns, ...report }: Report) {
  return { ...report, columns: columns.map(({ shape: __, ...column }) => column) };
}
