/**
 * What the evaluator keeps in the state store, for the one partition of the panes topic.
 *
 * | entry | content | lifetime |
 * |---|---|---|
 * | `head` | JSON: progress per source partition, evaluated edge per window length, next report sequence | as long as the shard |
 * | `pane:<startMs>:<source>:<partition>:<slice>` | a sealed pane, or an open one of an idle partition, as it came | until all its windows are judged |
 */
import { type Pane, paneCodec } from '../core/message/pane.ts';
import type { WindowBookSnapshot } from '../core/window/window-book.ts';

const HEAD_KEY = 'head';

interface StoredHead {
  readonly book: WindowBookSnapshot;
  readonly reportSequence: number;
}

export interface RestoredEvaluator {
  readonly book: WindowBookSnapshot | null;
  readonly reportSequence: number;
  readonly panes: readonly Pane[];
}

export function encodeHead(book: WindowBookSnapshot, reportSequence: number): [string, Uint8Array] {
  const stored: StoredHead = { book, reportSequence };
  return [HEAD_KEY, Buffer.from(JSON.stringify(stored))];
}

export function restoreEvaluator(entries: ReadonlyMap<string, Uint8Array>): RestoredEvaluator {
  const head = entries.get(HEAD_KEY);
  const panes = [...entries]
    .filter(([key]) => key !== HEAD_KEY)
    .map(([, bytes]) => paneCodec.decode(bytes));
  if (head === undefined) return { book: null, reportSequence: 0, panes };
  const stored = JSON.parse(Buffer.from(head).toString('utf8')) as StoredHead;
  return { ...stored, panes };
}
