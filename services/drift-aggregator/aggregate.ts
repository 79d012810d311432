/**
 * The decision of the drift-aggregator, pure: which pane an event belongs to, when a pane is sealed,
 * what is late.
 *
 * One `PaneBook` per input partition. Sealing depends on the sequence of records alone, never on how
 * they were batched, flushed or restarted, so a replay seals the same bytes. An event older than the
 * sealed part of its partition goes to a late pane, which leaves with the next sealing.
 */
import { EVENT_TIME_MS_MAX, SLICE_VALUES_MAX } from '../core/limits.ts';
import type { Pane, PaneKind, PaneSource } from '../core/message/pane.ts';
import { sealedThroughMs, stretchAt } from '../core/window/tumbling.ts';
import {
  type Cells,
  compact,
  createOpenPane,
  measure,
  measureSets,
  type OpenPane,
  openPaneKey,
  type PaneMeasures,
  paneColumns,
} from './open-pane.ts';

export interface PaneBookOptions extends PaneMeasures {
  readonly monitor: string;
  readonly source: PaneSource;
  readonly partition: number;
  readonly paneLengthMs: number;
  readonly allowedLatenessMs: number;
}

/** One event or prediction, cells aligned with the book's columns. */
export interface Measurement {
  readonly eventTimeMs: number;
  readonly cells: Cells;
  /** Slice keys, `column=value`. */
  readonly slices: readonly string[];
}

export interface PaneHead {
  readonly eventTimeMsMax: number;
  readonly sealedThroughMs: number;
  /** Sequence of the next pane. */
  readonly sequence: number;
  readonly idle: boolean;
}

export const EMPTY_HEAD: PaneHead = {
  eventTimeMsMax: -1,
  sealedThroughMs: 0,
  sequence: 0,
  idle: false,
};

export interface PaneChanges {
  readonly dirty: readonly OpenPane[];
  /** Keys of panes that were open and are now sealed. */
  readonly closed: readonly string[];
  readonly sealed: readonly Pane[];
}

/** Beyond the end of every window that holds an event: the last one may end long after 2100 begins. */
const END_OF_TIME_MS = 2 * EVENT_TIME_MS_MAX;

/** Panes of one kind: by start, then by slice. */
type Shelf = Map<number, Map<string, OpenPane>>;

export class PaneBook {
  readonly #options: PaneBookOptions;
  readonly #open: Shelf = new Map();
  readonly #late: Shelf = new Map();
  #eventTimeMsMax: number;
  #sealedThroughMs: number;
  #sequence: number;
  #idle: boolean;
  #closed: string[] = [];
  #sealed: Pane[] = [];

  constructor(options: PaneBookOptions, head: PaneHead, panes: readonly OpenPane[]) {
    this.#options = options;
    this.#eventTimeMsMax = head.eventTimeMsMax;
    this.#sealedThroughMs = head.sealedThroughMs;
    this.#sequence = head.sequence;
    this.#idle = head.idle;
    for (const pane of panes) {
      shelfAt(this.#shelf(pane.kind), pane.startMs).set(pane.slice, pane);
    }
  }

  get head(): PaneHead {
    return {
      eventTimeMsMax: this.#eventTimeMsMax,
      sealedThroughMs: this.#sealedThroughMs,
      sequence: this.#sequence,
      idle: this.#idle,
    };
  }

  get sealedCount(): number {
    return this.#sealed.length;
  }

  add(measurement: Measurement): 'on-time' | 'late' {
    const { eventTimeMs, cells, slices } = measurement;
    const kind = eventTimeMs < this.#sealedThroughMs ? 'late' : 'sealed';
    const { startMs } = stretchAt(eventTimeMs, this.#options.paneLengthMs);
    const panes = shelfAt(this.#shelf(kind), startMs);
    const whole = this.#paneOf(panes, kind, startMs, '');
    measure(whole, cells);
    measureSets(whole, cells, this.#options.sets);
    for (const slice of slices) measure(this.#paneOf(panes, kind, startMs, slice), cells);
    if (this.#idle) this.#resume();
    if (eventTimeMs > this.#eventTimeMsMax) this.#advance(eventTimeMs);
    return kind === 'late' ? 'late' : 'on-time';
  }

  /** The run is over: everything open is sealed. */
  end(): void {
    this.#seal(END_OF_TIME_MS, 'end');
  }

  /**
   * The partition fell silent; says so once, with what its open panes hold: a window that is judged
   * meanwhile has it, and the panes stay open for what may still come.
   */
  markIdle(): void {
    if (this.#idle) return;
    this.#idle = true;
    for (const pane of inOrder(this.#open, Number.POSITIVE_INFINITY)) this.#emit('open', pane);
    this.#emit('idle', null);
  }

  takeChanges(): PaneChanges {
    const dirty: OpenPane[] = [];
    for (const shelf of [this.#open, this.#late]) {
      for (const panes of shelf.values()) {
        for (const pane of panes.values()) if (pane.dirty) dirty.push(pane);
      }
    }
    for (const pane of dirty) pane.dirty = false;
    const changes = { dirty, closed: this.#closed, sealed: this.#sealed };
    this.#closed = [];
    this.#sealed = [];
    return changes;
  }

  #advance(eventTimeMsMax: number): void {
    const { allowedLatenessMs, paneLengthMs } = this.#options;
    this.#eventTimeMsMax = eventTimeMsMax;
    const throughMs = sealedThroughMs({ eventTimeMsMax, allowedLatenessMs, paneLengthMs });
    if (throughMs > this.#sealedThroughMs) this.#seal(throughMs, 'progress');
  }

  /** Windows wait for this partition again. */
  #resume(): void {
    this.#idle = false;
    this.#emit('progress', null);
  }

  /** Sealed panes leave in time order, then the late ones; the closing record carries the step. */
  #seal(throughMs: number, closing: PaneKind): void {
    for (const kind of ['sealed', 'late'] as const) {
      const shelf = this.#shelf(kind);
      const startMsMax = kind === 'late' ? throughMs : throughMs - this.#options.paneLengthMs;
      for (const pane of inOrder(shelf, startMsMax)) {
        compact(pane);
        this.#emit(kind, pane);
        this.#closed.push(openPaneKey(pane));
        shelf.delete(pane.startMs);
      }
    }
    this.#sealedThroughMs = throughMs;
    this.#emit(closing, null);
  }

  #emit(kind: PaneKind, pane: OpenPane | null): void {
    const { monitor, source, partition, paneLengthMs } = this.#options;
    this.#sealed.push({
      monitor,
      source,
      partition,
      sequence: this.#sequence,
      kind,
      startMs: pane?.startMs ?? 0,
      endMs: pane === null ? 0 : pane.startMs + paneLengthMs,
      slice: pane?.slice ?? '',
      count: pane?.count ?? 0,
      sealedThroughMs: this.#sealedThroughMs,
      columns: pane === null ? [] : paneColumns(pane, this.#options),
    });
    this.#sequence += 1;
  }

  #shelf(kind: OpenPane['kind']): Shelf {
    return kind === 'late' ? this.#late : this.#open;
  }

  #paneOf(
    panes: Map<string, OpenPane>,
    kind: OpenPane['kind'],
    startMs: number,
    wantedSlice: string,
  ): OpenPane {
    let pane = panes.get(wantedSlice);
    if (pane !== undefined) return pane;
    const slice = boundedSlice(panes, wantedSlice);
    pane = panes.get(slice);
    if (pane !== undefined) return pane;
    pane = createOpenPane({ kind, startMs, slice }, this.#options);
    panes.set(slice, pane);
    return pane;
  }
}

function shelfAt(shelf: Shelf, startMs: number): Map<string, OpenPane> {
  let panes = shelf.get(startMs);
  if (panes === undefined) {
    panes = new Map();
    shelf.set(startMs, panes);
  }
  return panes;
}

/** A slice column with unbounded values must not open unbounded panes. */
function boundedSlice(panes: ReadonlyMap<string, OpenPane>, slice: string): string {
  if (slice === '') return slice;
  const column = slice.slice(0, slice.indexOf('=') + 1);
  let count = 0;
  for (const key of panes.keys()) if (key.startsWith(column)) count += 1;
  return count >= SLICE_VALUES_MAX ? `${column}(other)` : slice;
}

/** Panes that start at or before `startMsMax`, by start, then by slice. */
function inOrder(shelf: Shelf, startMsMax: number): readonly OpenPane[] {
  return [...shelf.entries()]
    .filter(([startMs]) => startMs <= startMsMax)
    .sort(([a], [b]) => a - b)
    .flatMap(([, panes]) => [...panes.values()].sort((a, b) => (a.slice < b.slice ? -1 : 1)));
}
