/**
 * What one partition of one source writes, drawn at random: panes sealed a few at a time, late ones
 * among them, silences announced with what is open, at last the end.
 */
import fc from 'fast-check';
import type { Pane, PaneSource } from '../../services/core/message/pane.ts';
import type { Contributor } from '../../services/core/window/contributors.ts';
import {
  type BookedPlan,
  type ReadyWindow,
  storedPaneKey,
  WindowBook,
} from '../../services/core/window/window-book.ts';

export const SECOND_MS = 1_000;
const END_MS = 8_204_889_600_000;

export interface Sealing {
  /** Events of each pane length that is sealed; 0: no pane. */
  readonly counts: readonly number[];
  /** How many pane lengths before the edge something came late, and in which slice. */
  readonly late: readonly { readonly back: number; readonly slice: string }[];
  /** Fell silent before it, and said what was open. */
  readonly isSilent: boolean;
}

export function sealings(options: {
  readonly maySleep: boolean;
  readonly countMax?: number;
}): fc.Arbitrary<Sealing[]> {
  const late = fc.record({
    back: fc.integer({ min: 1, max: 7 }),
    slice: fc.constantFrom('', 'station=a'),
  });
  return fc.array(
    fc.record({
      counts: fc.array(fc.nat(3), { minLength: 1, maxLength: 3 }),
      late: fc.uniqueArray(late, {
        maxLength: 3,
        selector: ({ back, slice }) => `${back}${slice}`,
      }),
      isSilent: options.maySleep ? fc.boolean() : fc.constant(false),
    }),
    { maxLength: options.countMax ?? 6 },
  );
}

export function paneOf(by: Contributor, sequence: number, fields: Partial<Pane>): Pane {
  return {
    ...{ monitor: 'm', ...by, sequence, kind: 'sealed', startMs: 0, endMs: 0, slice: '' },
    ...{ count: 1, sealedThroughMs: 0, columns: [] },
    ...fields,
  };
}

/** `slices`: of every sealed pane, besides the whole. */
export function paneLog(
  by: Contributor,
  written: readonly Sealing[],
  paneLengthMs = SECOND_MS,
  slices: readonly string[] = [],
): Pane[] {
  const log: Pane[] = [];
  let edgeMs = 0;
  const write = (fields: Partial<Pane>) =>
    log.push(paneOf(by, log.length, { sealedThroughMs: edgeMs, ...fields }));
  const writePane = (startMs: number, fields: Partial<Pane>) =>
    write({ startMs, endMs: startMs + paneLengthMs, ...fields });
  for (const { counts, late, isSilent } of written) {
    const sealed = counts.map((count, at) => ({ startMs: edgeMs + at * paneLengthMs, count }));
    if (isSilent) {
      const open = sealed.filter(({ count }) => count > 1);
      for (const { startMs, count } of open) writePane(startMs, { kind: 'open', count: count - 1 });
      write({ kind: 'idle' });
      write({ kind: 'progress' });
    }
    for (const { startMs, count } of sealed) {
      for (const slice of ['', ...slices]) if (count > 0) writePane(startMs, { count, slice });
    }
    for (const { back, slice } of late) {
      const startMs = edgeMs - back * paneLengthMs;
      if (startMs >= 0) writePane(startMs, { kind: 'late', slice });
    }
    edgeMs += counts.length * paneLengthMs;
    write({ kind: 'progress' });
  }
  write({ kind: 'end', sealedThroughMs: END_MS });
  return log;
}

/** The logs as one, each in its own order, interleaved as `choices` say. */
export function interleave<T>(logs: readonly (readonly T[])[], choices: readonly number[]): T[] {
  const queues = logs.map((log) => [...log]);
  const all: T[] = [];
  for (let turn = 0; queues.some((queue) => queue.length > 0); turn += 1) {
    const waiting = queues.filter((queue) => queue.length > 0);
    const queue = waiting[(choices[turn % choices.length] ?? 0) % waiting.length]!;
    all.push(queue.shift()!);
  }
  return all;
}

export const CONTRIBUTORS: readonly Contributor[] = [
  { source: 'events', partition: 0 },
  { source: 'events', partition: 1 },
  { source: 'predictions', partition: 0 },
] satisfies readonly { source: PaneSource; partition: number }[];

/** Reads a log with a book that is stored and read back after every `restartEvery` panes. */
export function readLog(
  log: readonly Pane[],
  plans: readonly BookedPlan[],
  restartEvery = Number.POSITIVE_INFINITY,
) {
  const options = { plans, contributors: CONTRIBUTORS };
  const stored = new Map<string, Pane>();
  const windows: ReadyWindow[] = [];
  let book = new WindowBook(options, null, []);
  let lostCount = 0;
  for (const [index, pane] of log.entries()) {
    const outcome = book.add(pane);
    if (outcome.kind === 'late') lostCount += outcome.lateCount;
    if (outcome.kind === 'accepted' && outcome.keep) stored.set(storedPaneKey(pane), pane);
    const ready = book.takeReady();
    windows.push(...ready.windows);
    for (const key of ready.doneKeys) stored.delete(key);
    if ((index + 1) % restartEvery === 0) {
      const snapshot = JSON.parse(JSON.stringify(book.snapshot));
      book = new WindowBook({ ...options, plans: [...plans] }, snapshot, [...stored.values()]);
    }
  }
  return { windows, lostCount, ended: book.ended, snapshot: book.snapshot, stored };
}
