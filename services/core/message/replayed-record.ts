/**
 * A record on its way through a replay run: it names its place and its timestamp in the source, so
 * that the run decides, counts and drops repeats as the live run did.
 *
 * Only in a run's own event topic, which nobody but its replay writes, are these headers believed: on
 * the live stream a producer could write them too.
 */
import { HEADER, headerBytes, headerText } from './header.ts';
import { encodeOrigin, type Origin, originOf } from './origin.ts';
import type { BusRecord, Headers } from './record.ts';
import { LIVE_RUN } from './topics.ts';

/** The source's own headers with the place and the timestamp; `null` where the source has none. */
export function replayedHeaders(
  headers: Headers,
  origin: Origin,
  timestampMs: number | null,
): Headers {
  return {
    ...headers,
    [HEADER.origin]: encodeOrigin(origin),
    ...(timestampMs === null ? {} : { [HEADER.recordTimestamp]: headerBytes(String(timestampMs)) }),
  };
}

/** Where the chain of an event topic's record begins: in the source of a replay, else in itself. */
export function chainStart(record: BusRecord, run: string): Origin {
  return run === LIVE_RUN ? record : originOf(record);
}

/** When an event topic's record was recorded, milliseconds since 1970; infinite where nobody knows. */
export function recordedAtMs(record: BusRecord, run: string): number {
  if (run === LIVE_RUN) return record.timestampMs;
  const text = headerText(record.headers, HEADER.recordTimestamp);
  return text !== null && /^-?\d{1,16}$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY;
}
