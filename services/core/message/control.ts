/**
 * Records that are not events. There is one: the end of a replay run, its last record of a partition,
 * on which every open window closes.
 *
 * It names its run, because anybody can write to an event topic: a control record of another run, or
 * any on the live stream, is an input like others and is refused.
 */
import { HEADER, type HeaderValue, headerBytes, headerText } from './header.ts';
import type { Headers } from './record.ts';
import { LIVE_RUN } from './topics.ts';

export function endOfRunHeaders(run: string): Record<string, HeaderValue> {
  return { [HEADER.control]: headerBytes(endOfRun(run)) };
}

export function isEndOfRun(headers: Headers, run: string): boolean {
  return run !== LIVE_RUN && headerText(headers, HEADER.control) === endOfRun(run);
}

export function isControl(headers: Headers): boolean {
  return headers[HEADER.control] !== undefined;
}

function endOfRun(run: string): string {
  return `end-of-run ${run}`;
}
