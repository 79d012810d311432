/**
 * Windows that are judged once more with what came late: against a plain reading of the same panes, in
 * the order they are due, with nothing counted twice and nothing forgotten.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Pane } from '../../services/core/message/pane.ts';
import { stretchAt } from '../../services/core/window/tumbling.ts';
import type { BookedPlan, ReadyWindow } from '../../services/core/window/window-book.ts';
import { windowsAt } from '../../services/core/window/window-plan.ts';
import { CONTRIBUTORS, interleave, paneLog, readLog, SECOND_MS, sealings } from './pane-log.ts';

/** With 2 000 ms, revisions are due together with judgements. */
const plans = fc.constantFrom(2_000, 2_500).map((reviseMs): readonly BookedPlan[] => [
  { lengthMs: 1_000, slideMs: 1_000, reviseMs },
  { lengthMs: 3_000, slideMs: 3_000, reviseMs },
  { lengthMs: 4_000, slideMs: 2_000, reviseMs },
  { lengthMs: 2_000, slideMs: 2_000, reviseMs: 0 },
]);

const choices = fc.array(fc.nat(10), { minLength: 1, maxLength: 40 });
const logs = (maySleep: boolean) =>
  fc
    .tuple(...CONTRIBUTORS.map(() => sealings({ maySleep })))
    .map((written) => CONTRIBUTORS.map((by, index) => paneLog(by, written[index]!)));

const revisionOf = ({ revisedSlices }: ReadyWindow) => (revisedSlices === null ? 0 : 1);

/** A window as one line, without what its panes hold. */
function told(window: ReadyWindow): string {
  const { plan, startMs, endMs, panes, revisedSlices } = window;
  const held = panes.map((p) => `${p.source}:${p.partition}:${p.sequence}`).join(' ');
  const revised = revisedSlices === null ? 'judged' : `revised ${[...revisedSlices].sort()}`;
  return `${plan.lengthMs}/${plan.slideMs} ${startMs}-${endMs} ${revised}: ${held}`;
}

/** What should come out of the panes, were they all there from the beginning. */
function expected(panes: readonly Pane[], plan: BookedPlan): readonly string[] {
  const windows = new Map<number, { readonly endMs: number; panes: Pane[] }>();
  for (const pane of panes.filter(({ kind }) => kind === 'sealed' || kind === 'late')) {
    for (const { startMs, endMs } of windowsAt(pane.startMs, plan)) {
      const window = windows.get(startMs) ?? { endMs, panes: [] };
      windows.set(startMs, { endMs, panes: [...window.panes, pane] });
    }
  }
  return [...windows].flatMap(([startMs, { endMs, panes: held }]) => {
    const sealed = held.filter(({ kind }) => kind === 'sealed');
    const late = held.filter(
      (pane) => pane.kind === 'late' && pane.sealedThroughMs < endMs + plan.reviseMs,
    );
    const of = (some: readonly Pane[], revisedSlices: ReadonlySet<string> | null) =>
      told({ plan, startMs, endMs, panes: some.toSorted(merging), revisedSlices });
    const judged = sealed.length === 0 ? [] : [of(sealed, null)];
    if (plan.reviseMs === 0 || late.length === 0) return judged;
    return [...judged, of([...sealed, ...late], new Set(late.map(({ slice }) => slice)))];
  });
}

function merging(a: Pane, b: Pane): number {
  const key = (pane: Pane) =>
    [
      String(pane.startMs).padStart(8, '0'),
      pane.source,
      pane.partition,
      pane.slice,
      String(pane.sequence).padStart(6, '0'),
    ].join('\0');
  return key(a) < key(b) ? -1 : 1;
}

describe('a window', () => {
  it('is judged and revised with what event time says belongs to it, in any interleaving', () => {
    fc.assert(
      fc.property(
        logs(false),
        choices,
        plans,
        fc.integer({ min: 1, max: 9 }),
        (written, turns, booked, every) => {
          const log = interleave(written, turns);
          const { windows, ended, stored } = readLog(log, booked, every);
          expect(ended).toBe(true);
          expect([...stored.keys()]).toEqual([]);
          for (const plan of booked) {
            const found = windows.filter(
              (window) =>
                window.plan.lengthMs === plan.lengthMs && window.plan.slideMs === plan.slideMs,
            );
            expect(found.map(told).toSorted()).toEqual(expected(written.flat(), plan).toSorted());
          }
          expect(windows.map(told)).toEqual(
            readLog(interleave(written, [0]), booked).windows.map(told),
          );
        },
      ),
    );
  });

  it('comes out once when it is due, judgements before revisions, the shorter one first', () => {
    fc.assert(
      fc.property(logs(true), choices, plans, (written, turns, booked) => {
        const { windows } = readLog(interleave(written, turns), booked);
        const places = windows.map((each) => {
          const revision = revisionOf(each);
          const dueMs = each.endMs + revision * each.plan.reviseMs;
          return [dueMs, revision, each.plan.lengthMs] as const;
        });
        expect(places).toEqual(
          places.toSorted((a, b) => a[0] - b[0] || a[1] - b[1] || a[2] - b[2]),
        );
        const names = windows.map(
          ({ plan, startMs, ...rest }) =>
            `${plan.lengthMs}/${plan.slideMs}:${startMs}:${revisionOf({ plan, startMs, ...rest })}`,
        );
        expect(new Set(names).size).toBe(names.length);
      }),
    );
  });

  it('holds at last, with what is late for good, every event once, silences or not', () => {
    fc.assert(
      fc.property(
        logs(true),
        choices,
        fc.integer({ min: 1, max: 9 }),
        fc.constantFrom(0, 1_000, 2_500, 60_000),
        fc.constantFrom(1_000, 3_000),
        (written, turns, every, reviseMs, lengthMs) => {
          const plan = { lengthMs, slideMs: lengthMs, reviseMs };
          const log = interleave(written, turns);
          const { windows, lostCount, snapshot } = readLog(log, [plan], every);
          const last = new Map(windows.map((window) => [window.startMs, window]));
          const held = [...last.values()].flatMap(({ panes }) => panes);
          const written_ = log.filter(({ kind }) => kind === 'sealed' || kind === 'late');
          expect(countOf(held) + lostCount).toBe(countOf(written_));
          for (const window of windows) {
            for (const { startMs } of window.panes) {
              expect(stretchAt(startMs, lengthMs).startMs).toBe(window.startMs);
            }
          }
          expect(snapshot.belated).toEqual({});
          expect(snapshot.judgedOpen).toEqual({});
        },
      ),
    );
  });

  it('with time enough loses nothing', () => {
    fc.assert(
      fc.property(logs(false), choices, (written, turns) => {
        const plan = { lengthMs: SECOND_MS, slideMs: SECOND_MS, reviseMs: 60_000 };
        expect(readLog(interleave(written, turns), [plan]).lostCount).toBe(0);
      }),
    );
  });
});

function countOf(panes: readonly Pane[]): number {
  return panes.reduce((sum, { count }) => sum + count, 0);
}
