/**
 * What of two runs over one event topic can be compared: only what both have measured completely.
 *
 * A replay begins at the first offset of its range and ends at its last, in the middle of panes; the
 * live run may have sealed less than that, or its log may have lost its beginning to retention. So,
 * per partition and source, a pane is compared if the record that sealed it is in the range and known
 * to both, and if the live run had not begun it, or a later one, before the range.
 */
import type { PaneEntry } from './pane-ledger.ts';
import type { TopicSpan } from './topic-source.ts';

export interface SeriesCoverage {
  /** Offsets of the event topic: a pane sealed by a record in here is known to both sides. */
  readonly sealedFrom: number;
  /** Exclusive. */
  readonly sealedTo: number;
  /** Events before the range are only in panes that end by then. */
  readonly startMsMin: number;
  /** Both sides have every pane that ends by then. */
  readonly throughMs: number;
  /** Nothing of the live run lies before the range. */
  readonly fromBeginning: boolean;
}

export function coverageOf(
  live: readonly PaneEntry[],
  replayed: readonly PaneEntry[],
  span: TopicSpan,
): SeriesCoverage {
  const [first] = live;
  if (first === undefined || span.from === span.to) {
    // A partition without events keeps nobody waiting; one of which the range, or live, has none does.
    const isEmpty = first === undefined && span.from === span.to;
    return noPanes(span, isEmpty ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY);
  }
  const isWhole = first.sequence === 0;
  const sealedFrom = Math.max(span.from, isWhole ? 0 : (first.origin ?? 0) + 1);
  const knownTo = live.reduce((most, { origin }) => Math.max(most, (origin ?? -1) + 1), 0);
  const sealedTo = Math.min(span.to, knownTo);
  const startMsMin = live
    .filter(({ firstOrigin }) => firstOrigin !== null && firstOrigin < span.from)
    .reduce((latest, { endMs }) => Math.max(latest, endMs), Number.NEGATIVE_INFINITY);
  const throughMs = replayed
    .filter(({ kind, origin }) => kind !== 'end' && origin !== null && origin < sealedTo)
    .reduce((latest, entry) => Math.max(latest, entry.sealedThroughMs), Number.NEGATIVE_INFINITY);
  const fromBeginning = isWhole && startMsMin === Number.NEGATIVE_INFINITY;
  return { sealedFrom, sealedTo, startMsMin, throughMs, fromBeginning };
}

export function isCovered(entry: PaneEntry, coverage: SeriesCoverage, span: TopicSpan): boolean {
  const { kind, origin, firstOrigin, startMs } = entry;
  if (kind !== 'sealed' && kind !== 'late') return false;
  if (origin === null || firstOrigin === null) return false;
  const isSealedWithin = origin >= coverage.sealedFrom && origin < coverage.sealedTo;
  return isSealedWithin && firstOrigin >= span.from && startMs >= coverage.startMsMin;
}

/** Event time that is covered in every partition and source. */
export interface CoveredTime {
  readonly fromMs: number;
  readonly throughMs: number;
  readonly fromBeginning: boolean;
}

export function coveredTime(series: readonly SeriesCoverage[]): CoveredTime {
  return {
    fromMs: Math.max(...series.map(({ startMsMin }) => startMsMin)),
    throughMs: Math.min(...series.map(({ throughMs }) => throughMs)),
    fromBeginning: series.every(({ fromBeginning }) => fromBeginning),
  };
}

function noPanes({ from }: TopicSpan, throughMs: number): SeriesCoverage {
  const startMsMin = Number.NEGATIVE_INFINITY;
  return { sealedFrom: from, sealedTo: from, startMsMin, throughMs, fromBeginning: true };
}
