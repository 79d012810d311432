/**
 * The place of a report among all of a run: what a state that is made anew from the log needs to know
 * of the last one that was published, to be silent up to there and to go on after it.
 *
 * Reports come in the order in which their windows are due, so the last one itself or, where it cannot
 * be made again, the first report with a later place ends the silence.
 */
import type { Report } from '../core/message/report.ts';

export type PublishedReport = Pick<
  Report,
  'id' | 'sequence' | 'kind' | 'windowStartMs' | 'windowEndMs' | 'windowSlideMs' | 'revision'
>;

export function placeOf(report: Report): PublishedReport {
  const { id, sequence, kind, windowStartMs, windowEndMs, windowSlideMs, revision } = report;
  return { id, sequence, kind, windowStartMs, windowEndMs, windowSlideMs, revision };
}

/** Windows of one length that differ in their slide alone share their id. */
export function isSameReport(a: PublishedReport, b: PublishedReport): boolean {
  return a.id === b.id && a.revision === b.revision && a.windowSlideMs === b.windowSlideMs;
}

/** Of another window, or revision of one, that is due after `b`; false within the same. */
export function comesAfter(a: PublishedReport, b: PublishedReport, reviseMs: number): boolean {
  if (a.kind !== b.kind) return a.kind === 'end';
  const lengthOf = (report: PublishedReport) => report.windowEndMs - report.windowStartMs;
  const dueMs = (report: PublishedReport) => report.windowEndMs + report.revision * reviseMs;
  const difference = dueMs(a) - dueMs(b) || a.revision - b.revision || lengthOf(a) - lengthOf(b);
  return difference > 0;
}
