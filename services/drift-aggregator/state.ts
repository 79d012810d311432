/**
 * What the drift-aggregator keeps in the state store, per input topic and partition.
 *
 * | entry | content | lifetime |
 * |---|---|---|
 * | `head` | JSON: watermark, sealed edge, next sequence, last record, last origin per origin partition, what is still recounted | as long as the shard |
 * | `sealed:<startMs>:<slice>` | an open pane, as a `Pane` record with its sketches as they stand, and the place of its first record | until sealed |
 * | `late:<startMs>:<slice>` | late events since the last sealing | until the next sealing |
 *
 * Sketches are stored with their unmerged buffer, so that a restart continues bit for bit.
 */
import { CodedError } from '../core/errors.ts';
import { createMessageCodec } from '../core/message/message-codec.ts';
import { encodeOrigin, parseOrigin } from '../core/message/origin.ts';
import { PANE_SCHEMA, type Pane } from '../core/message/pane.ts';
import { decodeColumnSketch } from '../core/sketch/column-sketch.ts';
import { decodeSetSketch, isSetSketchOf } from '../core/sketch/set-sketch-codec.ts';
import type { PaneBookOptions } from './aggregate.ts';
import { type OpenPane, openPaneKey, paneColumns } from './open-pane.ts';
import { EMPTY_HEAD, type PaneHead } from './pane-book-state.ts';

const HEAD_KEY = 'head';

/** What a shard made anew from the log takes again before it goes on. */
export interface Recount {
  /** Origin offset of the record that caused the last closing record. */
  readonly throughOriginOffset: number;
  /** The partition had been announced as idle. */
  readonly idle: boolean;
}

export interface ShardHead {
  readonly book: PaneHead;
  readonly origins: Readonly<Record<string, number>>;
  /** `null`: everything has been recounted, or nothing had to be. */
  readonly recount: Recount | null;
}

export interface RestoredShard extends ShardHead {
  readonly panes: readonly OpenPane[];
}

export const EMPTY_SHARD: RestoredShard = {
  book: EMPTY_HEAD,
  origins: {},
  recount: null,
  panes: [],
};

interface StoredPane {
  readonly firstOffset: number;
  readonly firstOrigin: string;
  readonly pane: Pane;
}

const storedPaneCodec = createMessageCodec<StoredPane>({
  type: 'record',
  name: 'StoredPane',
  namespace: 'tidegauge.v1',
  fields: [
    { name: 'firstOffset', type: 'long' },
    { name: 'firstOrigin', type: 'string' },
    { name: 'pane', type: PANE_SCHEMA },
  ],
});

export function encodeHead(head: ShardHead): [string, Uint8Array] {
  return [HEAD_KEY, Buffer.from(JSON.stringify(head))];
}

export function encodeOpenPane(pane: OpenPane, options: PaneBookOptions): [string, Uint8Array] {
  const bytes = storedPaneCodec.encode({
    firstOffset: pane.first.offset,
    firstOrigin: Buffer.from(encodeOrigin(pane.first.origin)).toString('utf8'),
    pane: paneRecord(pane, options),
  });
  return [openPaneKey(pane), bytes];
}

function paneRecord(pane: OpenPane, options: PaneBookOptions): Pane {
  return {
    monitor: options.monitor,
    source: options.source,
    partition: options.partition,
    sequence: 0,
    kind: pane.kind,
    startMs: pane.startMs,
    endMs: pane.startMs + options.paneLengthMs,
    slice: pane.slice,
    count: pane.count,
    sealedThroughMs: 0,
    columns: paneColumns(pane, options),
  };
}

/** Throws `state.corrupt` where the entries do not fit the monitor: its columns, sets or windows changed. */
export function restoreShard(
  entries: ReadonlyMap<string, Uint8Array>,
  options: PaneBookOptions,
): RestoredShard {
  let head: ShardHead = EMPTY_SHARD;
  const panes: OpenPane[] = [];
  for (const [key, bytes] of entries) {
    if (key === HEAD_KEY) head = JSON.parse(Buffer.from(bytes).toString('utf8')) as ShardHead;
    else panes.push(decodeOpenPane(key, bytes, options));
  }
  return { ...head, panes };
}

function decodeOpenPane(key: string, bytes: Uint8Array, options: PaneBookOptions): OpenPane {
  const { pane, firstOffset, firstOrigin } = storedPaneCodec.decode(bytes);
  const origin = parseOrigin(firstOrigin);
  if (origin === null) {
    throw new CodedError('state.corrupt', `open pane ${key} names the origin "${firstOrigin}"`);
  }
  const { columns, sets, paneLengthMs } = options;
  const setsOfSlice = pane.slice === '' ? sets : [];
  const names = pane.columns.map(({ name }) => name).join(', ');
  const expected = [...columns, ...setsOfSlice].map(({ name }) => name).join(', ');
  if (names !== expected || pane.endMs - pane.startMs !== paneLengthMs) {
    throw new CodedError(
      'state.corrupt',
      `open pane ${key} holds columns [${names}] over ${pane.endMs - pane.startMs} ms, the monitor expects [${expected}] over ${paneLengthMs} ms; rename the monitor or forget its state`,
    );
  }
  const sketchOfSet = (index: number) => pane.columns[columns.length + index]!.sketch;
  const changed = setsOfSlice.find(
    (set, index) => !isSetSketchOf(sketchOfSet(index), set.specification),
  );
  if (changed !== undefined) {
    throw new CodedError(
      'state.corrupt',
      `open pane ${key} holds set ${changed.name} as an earlier reference specified it; rename the monitor or forget its state`,
    );
  }
  return {
    kind: pane.kind === 'late' ? 'late' : 'sealed',
    startMs: pane.startMs,
    slice: pane.slice,
    first: { offset: firstOffset, origin },
    count: pane.count,
    sketches: columns.map((_, index) => decodeColumnSketch(pane.columns[index]!.sketch)),
    sets: setsOfSlice.map((set, index) => decodeSetSketch(sketchOfSet(index), set.specification)),
    dirty: false,
  };
}
