/**
 * What the drift-aggregator keeps in the state store, per input topic and partition.
 *
 * | entry | content | lifetime |
 * |---|---|---|
 * | `head` | JSON: watermark, sealed edge, next sequence, last origin per origin partition | as long as the shard |
 * | `sealed:<startMs>:<slice>` | an open pane, as a `Pane` record with its sketches as they stand | until sealed |
 * | `late:<startMs>:<slice>` | late events since the last sealing | until the next sealing |
 *
 * Sketches are stored with their unmerged buffer, so that a restart continues bit for bit.
 */
import { CodedError } from '../core/errors.ts';
import { paneCodec } from '../core/message/pane.ts';
import { decodeColumnSketch } from '../core/sketch/column-sketch.ts';
import { decodeSetSketch, isSetSketchOf } from '../core/sketch/set-sketch-codec.ts';
import { EMPTY_HEAD, type PaneBookOptions, type PaneHead } from './aggregate.ts';
import { type OpenPane, openPaneKey, paneColumns } from './open-pane.ts';

const HEAD_KEY = 'head';

interface StoredHead extends PaneHead {
  readonly origins: Readonly<Record<string, number>>;
}

export interface RestoredShard {
  readonly head: PaneHead;
  readonly origins: Readonly<Record<string, number>>;
  readonly panes: readonly OpenPane[];
}

export function encodeHead(
  head: PaneHead,
  origins: Readonly<Record<string, number>>,
): [string, Uint8Array] {
  const stored: StoredHead = { ...head, origins };
  return [HEAD_KEY, Buffer.from(JSON.stringify(stored))];
}

export function encodeOpenPane(pane: OpenPane, options: PaneBookOptions): [string, Uint8Array] {
  const bytes = paneCodec.encode({
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
  });
  return [openPaneKey(pane), bytes];
}

/** Throws `state.corrupt` where the entries do not fit the monitor: its columns, sets or windows changed. */
export function restoreShard(
  entries: ReadonlyMap<string, Uint8Array>,
  options: PaneBookOptions,
): RestoredShard {
  let head: PaneHead = EMPTY_HEAD;
  let origins: Readonly<Record<string, number>> = {};
  const panes: OpenPane[] = [];
  for (const [key, bytes] of entries) {
    if (key === HEAD_KEY) {
      const stored = JSON.parse(Buffer.from(bytes).toString('utf8')) as StoredHead;
      ({ origins, ...head } = stored);
    } else {
      panes.push(decodeOpenPane(key, bytes, options));
    }
  }
  return { head, origins, panes };
}

function decodeOpenPane(key: string, bytes: Uint8Array, options: PaneBookOptions): OpenPane {
  const pane = paneCodec.decode(bytes);
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
    count: pane.count,
    sketches: columns.map((_, index) => decodeColumnSketch(pane.columns[index]!.sketch)),
    sets: setsOfSlice.map((set, index) => decodeSetSketch(sketchOfSet(index), set.specification)),
    dirty: false,
  };
}
