/**
 * What alerting keeps in the state store, for the one partition of the reports topic.
 *
 * | entry | content | lifetime |
 * |---|---|---|
 * | `head` | JSON: sequence of the next report expected | as long as the shard |
 * | `series:<fingerprint>` | JSON: phase, streak, start of the drift | while it is not quiet |
 */
import type { SeriesState } from './decide.ts';

const HEAD_KEY = 'head';
const SERIES_PREFIX = 'series:';

export interface RestoredAlerting {
  readonly reportSequence: number;
  readonly series: ReadonlyMap<string, SeriesState>;
}

export function encodeHead(reportSequence: number): [string, Uint8Array] {
  return [HEAD_KEY, encodeJson({ reportSequence })];
}

export function encodeSeries(fingerprint: string, state: SeriesState): [string, Uint8Array] {
  return [seriesKey(fingerprint), encodeJson(state)];
}

export function seriesKey(fingerprint: string): string {
  return SERIES_PREFIX + fingerprint;
}

export function restoreAlerting(entries: ReadonlyMap<string, Uint8Array>): RestoredAlerting {
  const series = new Map<string, SeriesState>();
  let reportSequence = 0;
  for (const [key, bytes] of entries) {
    const stored: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    if (key === HEAD_KEY) ({ reportSequence } = stored as { reportSequence: number });
    else series.set(key.slice(SERIES_PREFIX.length), stored as SeriesState);
  }
  return { reportSequence, series };
}

function encodeJson(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}
