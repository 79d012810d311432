/**
 * What alerting keeps in the state store, for the one partition of the reports topic.
 *
 * | entry | content | lifetime |
 * |---|---|---|
 * | `head` | JSON: sequence of the next report expected, offset before which everything was said | as long as the shard |
 * | `series:<fingerprint>` | JSON: phase, streak, start of the drift | while it is not quiet |
 */
import type { SeriesState } from './decide.ts';

const HEAD_KEY = 'head';
const SERIES_PREFIX = 'series:';

export interface AlertingHead {
  /** `null` before the first report: the topic's retention may have cut its beginning. */
  readonly reportSequence: number | null;
  /** Of the reports topic. A state made anew from it says nothing of reports before this offset again. */
  readonly saidThrough: number;
}

export interface RestoredAlerting extends AlertingHead {
  readonly series: ReadonlyMap<string, SeriesState>;
}

export const EMPTY_ALERTING: RestoredAlerting = {
  reportSequence: null,
  saidThrough: 0,
  series: new Map(),
};

export function encodeHead(head: AlertingHead): [string, Uint8Array] {
  return [HEAD_KEY, encodeJson(head)];
}

export function encodeSeries(fingerprint: string, state: SeriesState): [string, Uint8Array] {
  return [seriesKey(fingerprint), encodeJson(state)];
}

export function seriesKey(fingerprint: string): string {
  return SERIES_PREFIX + fingerprint;
}

export function restoreAlerting(entries: ReadonlyMap<string, Uint8Array>): RestoredAlerting {
  const series = new Map<string, SeriesState>();
  let head: AlertingHead = EMPTY_ALERTING;
  for (const [key, bytes] of entries) {
    const stored: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    if (key === HEAD_KEY) head = stored as AlertingHead;
    else series.set(key.slice(SERIES_PREFIX.length), stored as SeriesState);
  }
  return { ...head, series };
}

function encodeJson(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
