/**
 * One input partition of the drift-aggregator: drops repeats, measures what advances, and turns what
 * changed into state entries and pane records. Knows neither bus nor store.
 */
import { isEndOfRun } from '../core/message/control.ts';
import { HEADER } from '../core/message/header.ts';
import { encodeOrigin, type Origin, originOf } from '../core/message/origin.ts';
import { OriginFilter } from '../core/message/origin-filter.ts';
import { paneCodec } from '../core/message/pane.ts';
import type { BusRecord, OutgoingRecord } from '../core/message/record.ts';
import type { ShardChanges, ShardProcessor } from '../platform/lifecycle/stateful-service.ts';
import { type Measurement, PaneBook, type PaneBookOptions } from './aggregate.ts';
import type { AggregatorEvents } from './events.ts';
import { encodeHead, encodeOpenPane, restoreShard } from './state.ts';

export interface AggregatorShardOptions extends PaneBookOptions {
  readonly run: string;
  readonly panesTopic: string;
  /** 0: a silent partition holds windows back for ever. */
  readonly idleTimeoutMs: number;
  readonly events: AggregatorEvents;
  /** `null` where the record cannot be read. */
  readonly measure: (record: BusRecord) => Measurement | null;
}

export class AggregatorShard implements ShardProcessor {
  readonly #options: AggregatorShardOptions;
  readonly #book: PaneBook;
  readonly #origins: OriginFilter;
  #lastOrigin: Origin | null = null;

  constructor(options: AggregatorShardOptions, entries: ReadonlyMap<string, Uint8Array>) {
    const restored = restoreShard(entries, options);
    this.#options = options;
    this.#book = new PaneBook(options, restored.head, restored.panes);
    this.#origins = new OriginFilter(restored.origins);
  }

  get hasOutputs(): boolean {
    return this.#book.sealedCount > 0;
  }

  accept(record: BusRecord): void {
    const { events } = this.#options;
    const origin = originOf(record);
    if (!this.#origins.advance(origin)) return events.recordRepeated();
    this.#lastOrigin = origin;
    if (isEndOfRun(record.headers, this.#options.run)) return this.#book.end();
    const measurement = this.#options.measure(record);
    if (measurement === null) return events.recordUnreadable();
    events.recordCounted(this.#book.add(measurement));
  }

  onSilence(silentMs: number): void {
    const { idleTimeoutMs } = this.#options;
    if (idleTimeoutMs > 0 && silentMs >= idleTimeoutMs) this.#book.markIdle();
  }

  takeChanges(): ShardChanges {
    const { dirty, closed, sealed } = this.#book.takeChanges();
    const puts = new Map([encodeHead(this.#book.head, this.#origins.snapshot())]);
    for (const pane of dirty) puts.set(...encodeOpenPane(pane, this.#options));
    const outputs = sealed.map((pane): OutgoingRecord => {
      this.#options.events.paneWritten(pane.kind);
      return {
        topic: this.#options.panesTopic,
        partition: 0,
        key: Buffer.from(`${pane.source}:${pane.partition}`),
        value: paneCodec.encode(pane),
        headers:
          this.#lastOrigin === null ? {} : { [HEADER.origin]: encodeOrigin(this.#lastOrigin) },
        timestampMs: null,
      };
    });
    return { puts, deletes: closed, outputs };
  }
}
