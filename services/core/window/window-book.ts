/**
 * Collects the panes of every (source, partition) and says which windows are complete, pure.
 *
 * A window is ready when every source partition that is not idle has sealed everything up to its
 * end. Panes come out in (start, source, partition) order, whatever order they arrived in, so that
 * merging them gives the same bytes every time.
 *
 * An idle partition has said what its open panes hold; a window judged meanwhile contains that. When
 * such a pane is sealed later, what it has gained since is late: counted, never merged.
 */
import { CodedError } from '../errors.ts';
import type { Pane, PaneSource } from '../message/pane.ts';
import { edgeBefore, type Stretch } from './tumbling.ts';
import { lastWindowEndMs, planKey, type WindowPlan, windowsAt } from './window-plan.ts';

export interface SourceProgress {
  readonly source: PaneSource;
  readonly partition: number;
  /** Sequence of the next pane expected. */
  sequence: number;
  sealedThroughMs: number;
  idle: boolean;
  ended: boolean;
}

export interface WindowBookOptions {
  /** No two alike. */
  readonly plans: readonly WindowPlan[];
  /** Every (source, partition) that contributes. */
  readonly contributors: readonly { readonly source: PaneSource; readonly partition: number }[];
}

export interface ReadyWindow extends Stretch {
  readonly plan: WindowPlan;
  /** Sealed panes with data inside the window, all slices, in merging order. */
  readonly panes: readonly Pane[];
}

export interface WindowBookSnapshot {
  readonly progress: readonly SourceProgress[];
  /** Per window plan: every window ending at or before this has been evaluated. */
  readonly evaluatedThroughMs: Readonly<Record<string, number>>;
  /** Events of open panes that were judged before they were sealed, by stored key. */
  readonly judgedOpen: Readonly<Record<string, number>>;
}

/** `keep`: the pane is now part of the book's state. `lateCount`: events no window will contain. */
export type PaneOutcome =
  | { readonly kind: 'repeated' }
  | { readonly kind: 'accepted'; readonly keep: boolean }
  | { readonly kind: 'late'; readonly lateCount: number };

export class WindowBook {
  readonly #progress = new Map<string, SourceProgress>();
  readonly #evaluatedThroughMs = new Map<WindowPlan, number>();
  readonly #panes = new Map<string, Pane>();
  readonly #judgedOpen: Map<string, number>;

  constructor(
    options: WindowBookOptions,
    snapshot: WindowBookSnapshot | null,
    panes: readonly Pane[],
  ) {
    for (const { source, partition } of options.contributors) {
      this.#progress.set(`${source}:${partition}`, {
        source,
        partition,
        sequence: 0,
        sealedThroughMs: 0,
        idle: false,
        ended: false,
      });
    }
    for (const progress of snapshot?.progress ?? []) {
      this.#progress.set(`${progress.source}:${progress.partition}`, { ...progress });
    }
    for (const plan of options.plans) {
      this.#evaluatedThroughMs.set(plan, snapshot?.evaluatedThroughMs[planKey(plan)] ?? 0);
    }
    for (const pane of panes) this.#panes.set(storedPaneKey(pane), pane);
    this.#judgedOpen = new Map(Object.entries(snapshot?.judgedOpen ?? {}));
  }

  get snapshot(): WindowBookSnapshot {
    return {
      progress: [...this.#progress.values()].map((progress) => ({ ...progress })),
      evaluatedThroughMs: Object.fromEntries(
        [...this.#evaluatedThroughMs].map(([plan, throughMs]) => [planKey(plan), throughMs]),
      ),
      judgedOpen: Object.fromEntries([...this.#judgedOpen].sort(([a], [b]) => (a < b ? -1 : 1))),
    };
  }

  /** Every window of a plan that ends at or before this has been handed out. */
  get evaluatedThroughMs(): ReadonlyMap<WindowPlan, number> {
    return this.#evaluatedThroughMs;
  }

  /** True when every contributor has said that the run is over. */
  get ended(): boolean {
    return [...this.#progress.values()].every((progress) => progress.ended);
  }

  /** Throws `state.corrupt` on a gap in a contributor's sequence: panes were lost. */
  add(pane: Pane): PaneOutcome {
    const progress = this.#progressOf(pane);
    if (pane.sequence < progress.sequence) return { kind: 'repeated' };
    if (pane.sequence > progress.sequence) {
      throw new CodedError(
        'state.corrupt',
        `pane ${pane.sequence} of ${pane.source}:${pane.partition} came where ${progress.sequence} was due; panes in between are lost`,
      );
    }
    progress.sequence += 1;
    progress.idle = pane.kind === 'idle';
    progress.ended = pane.kind === 'end';
    // Only the closing record of a sealing may move the edge: its panes come before it.
    if (pane.kind === 'progress' || pane.kind === 'end')
      progress.sealedThroughMs = pane.sealedThroughMs;
    if (pane.kind === 'late') return { kind: 'late', lateCount: pane.count };
    if (pane.kind !== 'sealed' && pane.kind !== 'open') return { kind: 'accepted', keep: false };
    return this.#keep(pane);
  }

  /** Complete windows with data, by end, the shorter one first; each is handed out once. */
  takeReady(): { readonly windows: readonly ReadyWindow[]; readonly doneKeys: readonly string[] } {
    const throughMs = this.#readyThroughMs();
    const windows: ReadyWindow[] = [];
    for (const [plan, evaluatedMs] of this.#evaluatedThroughMs) {
      const edgeMs = edgeBefore(throughMs, plan.slideMs);
      if (edgeMs <= evaluatedMs) continue;
      windows.push(...this.#windowsBetween(plan, evaluatedMs, edgeMs));
      this.#evaluatedThroughMs.set(plan, edgeMs);
    }
    windows.sort((a, b) => a.endMs - b.endMs || b.startMs - a.startMs);
    return { windows, doneKeys: this.#dropDone() };
  }

  #keep(pane: Pane): PaneOutcome {
    const key = storedPaneKey(pane);
    if (!this.#evaluatedByAll(pane)) {
      this.#panes.set(key, pane);
      return { kind: 'accepted', keep: true };
    }
    if (pane.kind === 'open') return { kind: 'accepted', keep: false };
    const judgedCount = this.#judgedOpen.get(key) ?? 0;
    this.#judgedOpen.delete(key);
    return judgedCount === pane.count
      ? { kind: 'accepted', keep: false }
      : { kind: 'late', lateCount: pane.count - judgedCount };
  }

  #windowsBetween(plan: WindowPlan, fromMs: number, toMs: number): ReadyWindow[] {
    const byStart = new Map<number, { readonly stretch: Stretch; readonly panes: Pane[] }>();
    for (const pane of this.#panes.values()) {
      for (const stretch of windowsAt(pane.startMs, plan)) {
        if (stretch.endMs <= fromMs || stretch.endMs > toMs) continue;
        const window = byStart.get(stretch.startMs) ?? { stretch, panes: [] };
        window.panes.push(pane);
        byStart.set(stretch.startMs, window);
      }
    }
    return [...byStart.values()].map(({ stretch, panes }) => ({
      ...stretch,
      plan,
      panes: panes.sort(inMergingOrder),
    }));
  }

  /** The least sealed edge over contributors that are not idle; where all are, the farthest one. */
  #readyThroughMs(): number {
    const all = [...this.#progress.values()];
    const waited = all.filter((progress) => !progress.idle);
    if (waited.length === 0) return Math.max(...all.map((progress) => progress.sealedThroughMs));
    return Math.min(...waited.map((progress) => progress.sealedThroughMs));
  }

  #evaluatedByAll(pane: Pane): boolean {
    return [...this.#evaluatedThroughMs].every(
      ([plan, throughMs]) => lastWindowEndMs(pane.startMs, plan) <= throughMs,
    );
  }

  #dropDone(): string[] {
    const done = [...this.#panes].filter(([, pane]) => this.#evaluatedByAll(pane));
    for (const [key, pane] of done) {
      if (pane.kind === 'open') this.#judgedOpen.set(key, pane.count);
      this.#panes.delete(key);
    }
    return done.map(([key]) => key);
  }

  #progressOf(pane: Pane): SourceProgress {
    const progress = this.#progress.get(`${pane.source}:${pane.partition}`);
    if (progress === undefined) {
      throw new CodedError(
        'state.corrupt',
        `pane of ${pane.source}:${pane.partition}, which is no contributor of this monitor; was a partition or the model added or removed?`,
      );
    }
    return progress;
  }
}

/** Stable across restarts; sorts by start. */
export function storedPaneKey(
  pane: Pick<Pane, 'startMs' | 'source' | 'partition' | 'slice'>,
): string {
  return `pane:${String(pane.startMs).padStart(15, '0')}:${pane.source}:${pane.partition}:${pane.slice}`;
}

function inMergingOrder(a: Pane, b: Pane): number {
  if (a.startMs !== b.startMs) return a.startMs - b.startMs;
  if (a.source !== b.source) return a.source < b.source ? -1 : 1;
  if (a.partition !== b.partition) return a.partition - b.partition;
  return a.slice < b.slice ? -1 : a.slice > b.slice ? 1 : 0;
}
