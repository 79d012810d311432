/**
 * Where a lost shard goes on, read from what it wrote itself: the last closing record of its panes says
 * how far it had come, which record had brought it there and where what has not left begins in the
 * input:
 *
 *     tg-origin = topic ":" partition ":" offset          ; of the record that caused it
 *     tg-rebuild-from = offset "/" origin-offset          ; in the input "/" that caused the last sealing, or -1
 *
 * Panes that left without their closing record, because the state went while they were being sent, are
 * written again with the same sequences. Only what had been announced of open panes (`open`) is passed
 * over: it left because of a silence, which does not come again.
 *
 * A zombie may repeat panes of its last commit at any time, so the last record of the topic need not
 * have the highest sequence; a stretch of a thousand records is longer than such a repeat.
 */
import { CodedError } from '../core/errors.ts';
import { HEADER, headerBytes, headerText } from '../core/message/header.ts';
import { parseOrigin } from '../core/message/origin.ts';
import { type Pane, type PaneSource, paneCodec } from '../core/message/pane.ts';
import type { BusRecord } from '../core/message/record.ts';
import type { Bus } from '../platform/bus/bus.ts';
import { readBackwards } from '../platform/lifecycle/read-backwards.ts';
import type { RebuildPoint } from './pane-book-state.ts';
import { EMPTY_SHARD, type RestoredShard } from './state.ts';

export interface RebuiltState {
  readonly restored: RestoredShard;
  readonly start: 'earliest' | { readonly offset: number };
}

interface Written {
  readonly record: BusRecord;
  readonly pane: Pane;
}

const CLOSING: ReadonlySet<Pane['kind']> = new Set(['progress', 'idle', 'end']);

export async function rebuildFromPanes(
  bus: Bus,
  panesTopic: string,
  contributor: { readonly source: PaneSource; readonly partition: number },
): Promise<RebuiltState> {
  const written: Written[] = [];
  for await (const stretch of readBackwards(bus, { topic: panesTopic, partition: 0 })) {
    written.push(...stretch.flatMap((record) => writtenBy(contributor, record)));
    if (written.some(({ pane }) => CLOSING.has(pane.kind))) break;
  }
  const closing = highest(written.filter(({ pane }) => CLOSING.has(pane.kind)));
  const announced = highest(written.filter(({ pane }) => pane.kind === 'open'));
  const sequence = 1 + Math.max(closing?.pane.sequence ?? -1, announced?.pane.sequence ?? -1);
  if (closing === null) {
    const book = { ...EMPTY_SHARD.book, sequence };
    return { restored: { ...EMPTY_SHARD, book }, start: 'earliest' };
  }
  const { pane, record } = closing;
  const origin = parseOrigin(headerText(record.headers, HEADER.origin) ?? '');
  const point = parseRebuildPoint(headerText(record.headers, HEADER.rebuildFrom) ?? '');
  if (point === null) {
    throw new CodedError(
      'state.corrupt',
      `pane ${pane.sequence} of ${pane.source}:${pane.partition} does not say where to rebuild from`,
    );
  }
  const idle = pane.kind === 'idle';
  const book = {
    ...EMPTY_SHARD.book,
    sealedThroughMs: pane.sealedThroughMs,
    sealedAtOriginOffset: point.sealedAtOriginOffset,
    sequence,
  };
  const restored: RestoredShard =
    origin === null
      ? { ...EMPTY_SHARD, book: { ...book, idle } }
      : { ...EMPTY_SHARD, book, recount: { throughOriginOffset: origin.offset, idle } };
  return { restored, start: { offset: point.fromOffset } };
}

export function encodeRebuildPoint({ fromOffset, sealedAtOriginOffset }: RebuildPoint): Uint8Array {
  return headerBytes(`${fromOffset}/${sealedAtOriginOffset}`);
}

function parseRebuildPoint(text: string): RebuildPoint | null {
  const match = /^(\d{1,16})\/(-1|\d{1,16})$/.exec(text);
  if (match === null) return null;
  return { fromOffset: Number(match[1]), sealedAtOriginOffset: Number(match[2]) };
}

function writtenBy(
  { source, partition }: { readonly source: PaneSource; readonly partition: number },
  record: BusRecord,
): Written[] {
  const pane = record.value === null ? null : paneCodec.tryDecode(record.value);
  return pane?.source === source && pane.partition === partition ? [{ record, pane }] : [];
}

function highest(written: readonly Written[]): Written | null {
  return written.reduce<Written | null>(
    (best, each) => (best === null || each.pane.sequence > best.pane.sequence ? each : best),
    null,
  );
}
