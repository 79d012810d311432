/**
 * One input partition of the drift-aggregator: drops repeats, measures what advances, and turns what
 * changed into state entries and pane records. Knows neither bus nor store.
 */
import { isEndOfRun } from '../core/message/control.ts';
import { HEADER, headerText } from '../core/message/header.ts';
import { encodeOrigin, originOf } from '../core/message/origin.ts';
import { OriginFilter } from '../core/message/origin-filter.ts';
import { paneCodec } from '../core/message/pane.ts';
import type { BusRecord, OutgoingRecord } from '../core/message/record.ts';
import type { ShardChanges, ShardProcessor } from '../platform/lifecycle/shard-processor.ts';
import { type Measurement, PaneBook, type PaneBookOptions } from './aggregate.ts';
import type { AggregatorEvents } from './events.ts';
import type { Place } from './open-pane.ts';
import type { LeavingPane } from './pane-book-state.ts';
import { encodeRebuildPoint } from './rebuild.ts';
import { encodeHead, encodeOpenPane, type Recount, type RestoredShard } from './state.ts';

export interface AggregatorShardOptions extends PaneBookOptions {
  readonly run: string;
  readonly panesTopic: string;
  /** 0: a silent partition holds windows back for ever. */
  readonly idleTimeoutMs: number;
  readonly events: AggregatorEvents;
  /** `null` where the record cannot be read. */
  readonly measure: (record: BusRecord) => Omit<Measurement, 'place'> | null;
}

export class AggregatorShard implements ShardProcessor {
  readonly #options: AggregatorShardOptions;
  readonly #book: PaneBook;
  readonly #origins: OriginFilter;
  #recount: Recount | null;

  constructor(options: AggregatorShardOptions, restored: RestoredShard) {
    this.#options = options;
    this.#book = new PaneBook(options, restored.book, restored.panes);
    this.#origins = new OriginFilter(restored.origins);
    this.#recount = restored.recount;
  }

  get hasOutputs(): boolean {
    return this.#book.leavingCount > 0;
  }

  accept(record: BusRecord): void {
    const origin = originOf(record);
    if (!this.#origins.advance(origin)) return this.#options.events.recordRepeated();
    const isRecounted = origin.offset <= (this.#recount?.throughOriginOffset ?? -1);
    // The record up to which it goes may be gone from the log.
    if (!isRecounted) this.#endRecount();
    this.#take(record, { place: { offset: record.offset, origin }, isRecounted });
    if (origin.offset === this.#recount?.throughOriginOffset) this.#endRecount();
  }

  onSilence(silentMs: number): void {
    const { idleTimeoutMs } = this.#options;
    if (idleTimeoutMs === 0 || silentMs < idleTimeoutMs || this.#recount !== null) return;
    this.#book.markIdle();
  }

  takeChanges(): ShardChanges {
    const { dirty, closed, leaving } = this.#book.takeChanges();
    const head = {
      book: this.#book.head,
      origins: this.#origins.snapshot(),
      recount: this.#recount,
    };
    const puts = new Map([encodeHead(head)]);
    for (const pane of dirty) puts.set(...encodeOpenPane(pane, this.#options));
    return { puts, deletes: closed, outputs: leaving.map((pane) => this.#recordOf(pane)) };
  }

  #take(record: BusRecord, at: { readonly place: Place; readonly isRecounted: boolean }): void {
    const { events, run } = this.#options;
    const { place, isRecounted } = at;
    if (isEndOfRun(record.headers, run)) {
      if (!isRecounted) this.#book.end(place);
      return;
    }
    if (this.#wasMeasured(record)) return events.recordRepeated();
    const measurement = this.#measure(record);
    if (measurement === null) return;
    if (isRecounted) this.#book.recount({ ...measurement, place });
    else events.recordCounted(this.#book.add({ ...measurement, place }));
  }

  #endRecount(): void {
    if (this.#recount === null) return;
    this.#book.endRecount(this.#recount.idle);
    this.#recount = null;
  }

  /** An event that the model had refused was measured on its first way; redriven, it is only scored. */
  #wasMeasured({ headers }: BusRecord): boolean {
    const { source } = this.#options;
    return source === 'events' && headerText(headers, HEADER.redriveStage) === 'inference-worker';
  }

  /** A failure nobody foresaw must not stop the partition at this record for ever. */
  #measure(record: BusRecord): Omit<Measurement, 'place'> | null {
    const { events, measure } = this.#options;
    try {
      const measurement = measure(record);
      if (measurement === null) events.recordUnreadable();
      return measurement;
    } catch (error) {
      events.recordFailed(record, error);
      return null;
    }
  }

  #recordOf({ pane, origin, firstOrigin, rebuild }: LeavingPane): OutgoingRecord {
    this.#options.events.paneWritten(pane.kind);
    return {
      topic: this.#options.panesTopic,
      partition: 0,
      key: Buffer.from(`${pane.source}:${pane.partition}`),
      value: paneCodec.encode(pane),
      headers: {
        ...(origin === null ? {} : { [HEADER.origin]: encodeOrigin(origin) }),
        ...(firstOrigin === null ? {} : { [HEADER.firstOrigin]: encodeOrigin(firstOrigin) }),
        ...(rebuild === null ? {} : { [HEADER.rebuildFrom]: encodeRebuildPoint(rebuild) }),
      },
      timestampMs: null,
    };
  }
}
