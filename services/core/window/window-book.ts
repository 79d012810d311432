/**
 * Collects the panes of every (source, partition) and says which windows are complete, pure.
 *
 * A window is ready when every source partition that is not idle has sealed everything up to its
 * end. Panes come out in (start, source, partition) order, whatever order they arrived in, so that
 * merging them gives the same bytes every time. A sealed pane that arrives after its window was
 * evaluated (its partition had been idle) is late: counted, never merged.
 */
import { CodedError } from '../errors.ts';
import type { Pane, PaneSource } from '../message/pane.ts';
import { type Stretch, stretchAt } from './tumbling.ts';

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
  readonly windowLengthsMs: readonly number[];
  /** Every (source, partition) that contributes. */
  readonly contributors: readonly { readonly source: PaneSource; readonly partition: number }[];
}

export interface ReadyWindow extends Stretch {
  /** Sealed panes with data inside the window, all slices, in merging order. */
  readonly panes: readonly Pane[];
}

export interface WindowBookSnapshot {
  readonly progress: readonly SourceProgress[];
  /** Per window length: every window ending at or before this has been evaluated. */
  readonly evaluatedThroughMs: Readonly<Record<string, number>>;
}

export type PaneOutcome = 'accepted' | 'repeated' | 'late';

export class WindowBook {
  readonly #options: WindowBookOptions;
  readonly #progress = new Map<string, SourceProgress>();
  readonly #evaluatedThroughMs = new Map<number, number>();
  readonly #panes = new Map<string, Pane>();

  constructor(
    options: WindowBookOptions,
    snapshot: WindowBookSnapshot | null,
    panes: readonly Pane[],
  ) {
    this.#options = options;
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
    for (const lengthMs of options.windowLengthsMs) {
      this.#evaluatedThroughMs.set(lengthMs, snapshot?.evaluatedThroughMs[lengthMs] ?? 0);
    }
    for (const pane of panes) this.#panes.set(storedPaneKey(pane), pane);
  }

  get snapshot(): WindowBookSnapshot {
    return {
      progress: [...this.#progress.values()].map((progress) => ({ ...progress })),
      evaluatedThroughMs: Object.fromEntries(this.#evaluatedThroughMs),
    };
  }

  /** True when every contributor has said that the run is over. */
  get ended(): boolean {
    return [...this.#progress.values()].every((progress) => progress.ended);
  }

  /** Throws `state.corrupt` on a gap in a contributor's sequence: panes were lost. */
  add(pane: Pane): PaneOutcome {
    const progress = this.#progressOf(pane);
    if (pane.sequence < progress.sequence) return 'repeated';
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
    if (pane.kind === 'late') return 'late';
    if (pane.kind !== 'sealed') return 'accepted';
    if (this.#evaluatedByAll(pane)) return 'late';
    this.#panes.set(storedPaneKey(pane), pane);
    return 'accepted';
  }

  /** Complete windows with data, by end, the shorter length first; each is handed out once. */
  takeReady(): { readonly windows: readonly ReadyWindow[]; readonly doneKeys: readonly string[] } {
    const throughMs = this.#readyThroughMs();
    const windows: ReadyWindow[] = [];
    for (const lengthMs of this.#options.windowLengthsMs) {
      const evaluatedMs = this.#evaluatedThroughMs.get(lengthMs)!;
      const edgeMs = Math.floor(throughMs / lengthMs) * lengthMs;
      if (edgeMs <= evaluatedMs) continue;
      windows.push(...this.#windowsBetween(lengthMs, evaluatedMs, edgeMs));
      this.#evaluatedThroughMs.set(lengthMs, edgeMs);
    }
    windows.sort((a, b) => a.endMs - b.endMs || b.startMs - a.startMs);
    return { windows, doneKeys: this.#dropDone() };
  }

  #windowsBetween(lengthMs: number, fromMs: number, toMs: number): ReadyWindow[] {
    const byStart = new Map<number, { readonly stretch: Stretch; readonly panes: Pane[] }>();
    for (const pane of this.#panes.values()) {
      const stretch = stretchAt(pane.startMs, lengthMs);
      if (stretch.endMs <= fromMs || stretch.endMs > toMs) continue;
      const window = byStart.get(stretch.startMs) ?? { stretch, panes: [] };
      window.panes.push(pane);
      byStart.set(stretch.startMs, window);
    }
    return [...byStart.values()].map(({ stretch, panes }) => ({
      ...stretch,
      panes: panes.sort(inMergingOrder),
    }));
  }

  /** The least sealed edge over contributors that are not idle; where all are, nothing moves. */
  #readyThroughMs(): number {
    const waited = [...this.#progress.values()].filter((progress) => !progress.idle);
    if (waited.length === 0) return 0;
    return Math.min(...waited.map((progress) => progress.sealedThroughMs));
  }

  #evaluatedByAll(pane: Pane): boolean {
    return this.#options.windowLengthsMs.every(
      (lengthMs) =>
        stretchAt(pane.startMs, lengthMs).endMs <= this.#evaluatedThroughMs.get(lengthMs)!,
    );
  }

  #dropDone(): string[] {
    const done = [...this.#panes]
      .filter(([, pane]) => this.#evaluatedByAll(pane))
      .map(([key]) => key);
    for (const key of done) this.#panes.delete(key);
    return done;
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
