/**
 * The decision of the drift-aggregator, pure: which pane an event belongs to, when a pane is sealed,
 * what is late.
 *
 * One `PaneBook` per input partition. Sealing depends on the sequence of records alone, never on how
 * they were batched, flushed or restarted, so a replay seals the same bytes. An event older than the
 * sealed part of its partition goes to a late pane, which leaves with the next sealing.
 *
 * What leaves says where it came from, so that a book that was lost can be made anew from the log:
 * every closing record (`progress`, `idle`, `end`) names the record that caused it and the first one
 * that has not left yet; `recount` then takes the records in between again.
 */
import { EVENT_TIME_MS_MAX, SLICE_VALUES_MAX } from '../core/limits.ts';
import type { PaneKind, PaneSource } from '../core/message/pane.ts';
import { sealedThroughMs, stretchAt } from '../core/window/tumbling.ts';
import {
  type Cells,
  compact,
  createOpenPane,
  measure,
  measureSets,
  type OpenPane,
  type OpenPanePlace,
  openPaneKey,
  type PaneMeasures,
  type Place,
  paneColumns,
} from './open-pane.ts';
import type { LeavingPane, PaneChanges, PaneHead, RebuildPoint } from './pane-book-state.ts';

export interface PaneBookOptions extends PaneMeasures {
  readonly monitor: string;
  readonly source: PaneSource;
  readonly partition: number;
  readonly paneLengthMs: number;
  readonly allowedLatenessMs: number;
}

/** One event or prediction, cells aligned with the book's columns. */
export interface Measurement {
  readonly place: Place;
  readonly eventTimeMs: number;
  readonly cells: Cells;
  /** Slice keys, `column=value`. */
  readonly slices: readonly string[];
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
  #lastPlace: Place | null;
  #sealedAtOriginOffset: number;
  #closed: string[] = [];
  #leaving: LeavingPane[] = [];

  constructor(options: PaneBookOptions, head: PaneHead, panes: readonly OpenPane[]) {
    this.#options = options;
    this.#eventTimeMsMax = head.eventTimeMsMax;
    this.#sealedThroughMs = head.sealedThroughMs;
    this.#sequence = head.sequence;
    this.#idle = head.idle;
    this.#lastPlace = head.lastPlace;
    this.#sealedAtOriginOffset = head.sealedAtOriginOffset;
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
      lastPlace: this.#lastPlace,
      sealedAtOriginOffset: this.#sealedAtOriginOffset,
    };
  }

  get leavingCount(): number {
    return this.#leaving.length;
  }

  add(measurement: Measurement): 'on-time' | 'late' {
    const { eventTimeMs } = measurement;
    const kind = eventTimeMs < this.#sealedThroughMs ? 'late' : 'sealed';
    this.#lastPlace = measurement.place;
    this.#measure(measurement, kind);
    if (this.#idle) this.#resume();
    if (eventTimeMs > this.#eventTimeMsMax) this.#advance(eventTimeMs);
    return kind === 'late' ? 'late' : 'on-time';
  }

  /**
   * Takes a record again that a lost book had taken before its last closing record: what has left in
   * sealed and late panes is passed over, and nothing is said.
   */
  recount(measurement: Measurement): void {
    const { eventTimeMs, place } = measurement;
    const isLate = eventTimeMs < this.#sealedThroughMs;
    this.#lastPlace = place;
    if (isLate && place.origin.offset <= this.#sealedAtOriginOffset) return;
    this.#measure(measurement, isLate ? 'late' : 'sealed');
    this.#eventTimeMsMax = Math.max(this.#eventTimeMsMax, eventTimeMs);
  }

  /** The run is over: everything open is sealed. */
  end(place: Place): void {
    this.#lastPlace = place;
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

  /**
   * Everything has been recounted. Where the last closing record was not the last thing its cause had
   * to say, because the state went in the middle of the sending, the sealing is made up for.
   */
  endRecount(idle: boolean): void {
    if (idle) this.#idle = true;
    else this.#advance(this.#eventTimeMsMax);
  }

  takeChanges(): PaneChanges {
    const dirty: OpenPane[] = [];
    for (const shelf of [this.#open, this.#late]) {
      for (const panes of shelf.values()) {
        for (const pane of panes.values()) if (pane.dirty) dirty.push(pane);
      }
    }
    for (const pane of dirty) pane.dirty = false;
    const changes = { dirty, closed: this.#closed, leaving: this.#leaving };
    this.#closed = [];
    this.#leaving = [];
    return changes;
  }

  #measure({ place, eventTimeMs, cells, slices }: Measurement, kind: OpenPane['kind']): void {
    const { startMs } = stretchAt(eventTimeMs, this.#options.paneLengthMs);
    const panes = shelfAt(this.#shelf(kind), startMs);
    const at = { kind, startMs, first: place };
    const whole = this.#paneOf(panes, { ...at, slice: '' });
    measure(whole, cells);
    measureSets(whole, cells, this.#options.sets);
    for (const slice of slices) measure(this.#paneOf(panes, { ...at, slice }), cells);
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
    this.#sealedAtOriginOffset = this.#lastPlace?.origin.offset ?? -1;
    this.#emit(closing, null);
  }

  #emit(kind: PaneKind, pane: OpenPane | null): void {
    const { monitor, source, partition, paneLengthMs } = this.#options;
    this.#leaving.push({
      pane: {
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
      },
      origin: this.#lastPlace?.origin ?? null,
      firstOrigin: pane?.first.origin ?? null,
      rebuild: pane === null ? this.#rebuildPoint() : null,
    });
    this.#sequence += 1;
  }

  #rebuildPoint(): RebuildPoint {
    let fromOffset = this.#lastPlace === null ? 0 : this.#lastPlace.offset + 1;
    for (const panes of [...this.#open.values(), ...this.#late.values()]) {
      const whole = panes.get('');
      if (whole !== undefined) fromOffset = Math.min(fromOffset, whole.first.offset);
    }
    return { fromOffset, sealedAtOriginOffset: this.#sealedAtOriginOffset };
  }

  #shelf(kind: OpenPane['kind']): Shelf {
    return kind === 'late' ? this.#late : this.#open;
  }

  #paneOf(panes: Map<string, OpenPane>, wanted: OpenPanePlace): OpenPane {
    let pane = panes.get(wanted.slice);
    if (pane !== undefined) return pane;
    const slice = boundedSlice(panes, wanted.slice);
    pane = panes.get(slice);
    if (pane !== undefined) return pane;
    pane = createOpenPane({ ...wanted, slice }, this.#options);
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
