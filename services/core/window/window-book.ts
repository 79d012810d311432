/**
 * Collects the panes of every (source, partition) and says which windows are complete, pure.
 *
 * A window is ready when every source partition that is not idle has sealed everything up to its end.
 * Windows come out in the order in which they are due, and their panes in (start, source, partition)
 * order, whatever order they arrived in, so that merging them gives the same bytes every time.
 *
 * A plan may let its windows be revised: once everybody has sealed through a window's end and so much
 * more, the window comes out again if something of it came after it was judged. A late pane belongs to
 * the revision if its partition had not sealed through that point when its events came, which is a
 * matter of event time alone. What comes after is late for good: counted, never merged.
 *
 * An idle partition has said what its open panes hold; a window judged meanwhile contains that. What
 * such a pane has gained when it is sealed later belongs to the revision, or is late for good.
 */
import type { Pane } from '../message/pane.ts';
import { type Contributor, type ContributorProgress, Contributors } from './contributors.ts';
import { edgeBefore, type Stretch } from './tumbling.ts';
import { lastWindowEndMs, type WindowPlan, windowsAt } from './window-plan.ts';

export interface BookedPlan extends WindowPlan {
  /** How long after its end a window may still be revised; 0: never. */
  readonly reviseMs: number;
}

export interface WindowBookOptions {
  /** No two alike. */
  readonly plans: readonly BookedPlan[];
  /** Who contributes from the beginning; a new partition of a source joins with its first pane. */
  readonly contributors: readonly Contributor[];
}

export interface ReadyWindow extends Stretch {
  readonly plan: BookedPlan;
  /** Panes with data inside the window, all slices, in merging order. */
  readonly panes: readonly Pane[];
  /** Slices that something was added to since the window was judged; `null`: it is judged now. */
  readonly revisedSlices: ReadonlySet<string> | null;
}

export interface WindowBookSnapshot {
  readonly progress: readonly ContributorProgress[];
  /** Everything due at or before this was handed out. */
  readonly readyThroughMs: number;
  /** Windows that start before are never handed out: the log has lost panes of them; `null`: none. */
  readonly completeFromMs: number | null;
  /** Events of open panes that were judged before they were sealed, by stored key. */
  readonly judgedOpen: Readonly<Record<string, number>>;
  /** How far windows were ready when a pane came that some of them should have had, by stored key. */
  readonly belated: Readonly<Record<string, number>>;
}

/** `keep`: the pane is now part of the book's state. `lateCount`: events no window will contain. */
export type PaneOutcome =
  | { readonly kind: 'repeated' }
  | { readonly kind: 'accepted'; readonly keep: boolean }
  | { readonly kind: 'late'; readonly lateCount: number };

export class WindowBook {
  readonly #plans: readonly BookedPlan[];
  readonly #contributors: Contributors;
  readonly #completeFromMs: number | null;
  readonly #panes = new Map<string, Pane>();
  readonly #judgedOpen: Map<string, number>;
  readonly #belated: Map<string, number>;
  #readyThroughMs: number;

  constructor(
    { plans, contributors }: WindowBookOptions,
    snapshot: WindowBookSnapshot | null,
    panes: readonly Pane[],
  ) {
    this.#plans = plans;
    this.#contributors = new Contributors(contributors, snapshot?.progress ?? []);
    this.#completeFromMs = snapshot?.completeFromMs ?? null;
    this.#readyThroughMs = snapshot?.readyThroughMs ?? 0;
    this.#judgedOpen = new Map(Object.entries(snapshot?.judgedOpen ?? {}));
    this.#belated = new Map(Object.entries(snapshot?.belated ?? {}));
    for (const pane of panes) this.#panes.set(storedPaneKey(pane), pane);
  }

  get snapshot(): WindowBookSnapshot {
    return {
      progress: this.#contributors.snapshot,
      readyThroughMs: this.#readyThroughMs,
      completeFromMs: this.#completeFromMs,
      judgedOpen: inKeyOrder(this.#judgedOpen),
      belated: inKeyOrder(this.#belated),
    };
  }

  /** Everything due at or before this was handed out. */
  get readyThroughMs(): number {
    return this.#readyThroughMs;
  }

  /** Every window of a plan that ends at or before this was handed out for the last time. */
  get settledThroughMs(): ReadonlyMap<WindowPlan, number> {
    return new Map(
      this.#plans.map((plan) => [
        plan,
        edgeBefore(this.#readyThroughMs - plan.reviseMs, plan.slideMs),
      ]),
    );
  }

  /** True when every contributor has said that the run is over. */
  get ended(): boolean {
    return this.#contributors.ended;
  }

  /** Throws `state.corrupt` where panes were lost, and on a source the monitor does not have. */
  add(pane: Pane): PaneOutcome {
    if (!this.#contributors.advance(pane)) return { kind: 'repeated' };
    const { kind } = pane;
    if (kind === 'progress' || kind === 'idle' || kind === 'end') {
      return { kind: 'accepted', keep: false };
    }
    return this.#isSettled(pane) ? this.#refuse(pane) : this.#keep(pane);
  }

  /** What is due now, each window with data once and once more where it is revised. */
  takeReady(): { readonly windows: readonly ReadyWindow[]; readonly doneKeys: readonly string[] } {
    const fromMs = this.#readyThroughMs;
    const toMs = this.#contributors.sealedThroughMs;
    if (toMs <= fromMs) return { windows: [], doneKeys: [] };
    this.#readyThroughMs = toMs;
    const windows = this.#plans.flatMap((plan) => [
      ...this.#judged(plan, fromMs, toMs),
      ...this.#revised(plan, fromMs, toMs),
    ]);
    return { windows: windows.sort(asTheyAreDue), doneKeys: this.#dropSettled() };
  }

  #keep(pane: Pane): PaneOutcome {
    const key = storedPaneKey(pane);
    if (this.#isBelated(pane, this.#panes.get(key))) this.#belated.set(key, this.#readyThroughMs);
    this.#panes.set(key, pane);
    return { kind: 'accepted', keep: true };
  }

  /** Comes with more than `known`, after a window that might be revised for it. */
  #isBelated(pane: Pane, known: Pane | undefined): boolean {
    if (pane.kind === 'late' || pane.endMs > this.#readyThroughMs) return false;
    return pane.count !== known?.count && this.#plans.some(({ reviseMs }) => reviseMs > 0);
  }

  /** Nothing will contain the pane; what of it was judged while it was open is not late. */
  #refuse(pane: Pane): PaneOutcome {
    if (pane.kind === 'open') return { kind: 'accepted', keep: false };
    const key = storedPaneKey(pane);
    const lateCount = pane.count - (this.#judgedOpen.get(key) ?? 0);
    this.#judgedOpen.delete(key);
    return lateCount === 0 ? { kind: 'accepted', keep: false } : { kind: 'late', lateCount };
  }

  #judged(plan: BookedPlan, fromMs: number, toMs: number): ReadyWindow[] {
    const windows = this.#windowsBetween(plan, fromMs, toMs, ({ kind }) => kind !== 'late');
    return windows.map((window) => ({ ...window, plan, revisedSlices: null }));
  }

  #revised(plan: BookedPlan, fromMs: number, toMs: number): ReadyWindow[] {
    const { reviseMs } = plan;
    if (reviseMs === 0) return [];
    const windows = this.#windowsBetween(
      plan,
      fromMs - reviseMs,
      toMs - reviseMs,
      (pane, { endMs }) => pane.kind !== 'late' || pane.sealedThroughMs < endMs + reviseMs,
    );
    return windows.flatMap((window) => {
      const added = window.panes.filter((pane) => this.#cameAfter(pane, window));
      const revisedSlices = new Set(added.map(({ slice }) => slice));
      return added.length === 0 ? [] : [{ ...window, plan, revisedSlices }];
    });
  }

  /** Was the window judged without this? */
  #cameAfter(pane: Pane, { endMs }: Stretch): boolean {
    if (pane.kind === 'late') return true;
    const belatedMs = this.#belated.get(storedPaneKey(pane));
    return belatedMs !== undefined && belatedMs >= endMs;
  }

  /** Windows that end after `fromMs` and at or before `toMs`, with those of their panes that belong. */
  #windowsBetween(
    plan: BookedPlan,
    fromMs: number,
    toMs: number,
    belongs: (pane: Pane, window: Stretch) => boolean,
  ): (Stretch & { readonly panes: readonly Pane[] })[] {
    const completeFromMs = this.#completeFromMs ?? Number.NEGATIVE_INFINITY;
    const byStart = new Map<number, Stretch & { readonly panes: Pane[] }>();
    for (const pane of this.#panes.values()) {
      if (pane.endMs > toMs || lastWindowEndMs(pane.startMs, plan) <= fromMs) continue;
      for (const stretch of windowsAt(pane.startMs, plan)) {
        const { startMs, endMs } = stretch;
        if (endMs <= fromMs || endMs > toMs || startMs < completeFromMs) continue;
        if (!belongs(pane, stretch)) continue;
        const window = byStart.get(startMs) ?? { ...stretch, panes: [] };
        window.panes.push(pane);
        byStart.set(startMs, window);
      }
    }
    for (const { panes } of byStart.values()) panes.sort(inMergingOrder);
    return [...byStart.values()];
  }

  /** No window to come, nor the revision of one, will contain the pane. */
  #isSettled(pane: Pane): boolean {
    return this.#plans.every((plan) => {
      const dueMs = lastWindowEndMs(pane.startMs, plan) + plan.reviseMs;
      if (dueMs <= this.#readyThroughMs) return true;
      return pane.kind === 'late' && (plan.reviseMs === 0 || dueMs <= pane.sealedThroughMs);
    });
  }

  #dropSettled(): string[] {
    const settled = [...this.#panes].filter(([, pane]) => this.#isSettled(pane));
    for (const [key, pane] of settled) {
      if (pane.kind === 'open') this.#judgedOpen.set(key, pane.count);
      this.#belated.delete(key);
      this.#panes.delete(key);
    }
    return settled.map(([key]) => key);
  }
}

/** Stable across restarts. Late panes of one stretch are several: one of each sealing. */
export function storedPaneKey(
  pane: Pick<Pane, 'kind' | 'startMs' | 'source' | 'partition' | 'sequence' | 'slice'>,
): string {
  const { kind, source, partition, sequence, slice } = pane;
  const at = `${String(pane.startMs).padStart(15, '0')}:${source}:${partition}`;
  return kind === 'late' ? `late:${at}:${sequence}:${slice}` : `pane:${at}:${slice}`;
}

/** Of what is due at once, judgements before revisions, and the shorter window first. */
function asTheyAreDue(a: ReadyWindow, b: ReadyWindow): number {
  return dueMs(a) - dueMs(b) || revisionOf(a) - revisionOf(b) || b.startMs - a.startMs;
}

function dueMs(window: ReadyWindow): number {
  return window.endMs + revisionOf(window) * window.plan.reviseMs;
}

export function revisionOf({ revisedSlices }: ReadyWindow): 0 | 1 {
  return revisedSlices === null ? 0 : 1;
}

function inMergingOrder(a: Pane, b: Pane): number {
  if (a.startMs !== b.startMs) return a.startMs - b.startMs;
  if (a.source !== b.source) return a.source < b.source ? -1 : 1;
  if (a.partition !== b.partition) return a.partition - b.partition;
  if (a.slice !== b.slice) return a.slice < b.slice ? -1 : 1;
  return a.sequence - b.sequence;
}

function inKeyOrder(counts: ReadonlyMap<string, number>): Readonly<Record<string, number>> {
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}
