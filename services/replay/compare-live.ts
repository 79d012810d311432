/**
 * A replay of a topic range against the live run of the same monitor: panes, reports and alerts, as far
 * as both have measured the same events completely. Pure.
 */
import type { Alert } from '../core/message/alert.ts';
import type { PaneSource } from '../core/message/pane.ts';
import type { Monitor } from '../core/monitor/monitor.ts';
import { type AlertPair, compareAlerts } from './compare-alerts.ts';
import { comparePanes } from './compare-panes.ts';
import { compareReports } from './compare-reports.ts';
import type { CoveredTime } from './coverage.ts';
import type { LiveResults } from './live-results.ts';
import { comparedCount, type Tally } from './tally.ts';
import type { TopicSpan } from './topic-source.ts';

export interface LiveComparison {
  /** Something was compared, and all of it is equal. */
  readonly equal: boolean;
  readonly panes: Tally;
  /** Over the compared panes in order. */
  readonly sha256: { readonly live: string; readonly run: string };
  readonly reports: Tally;
  readonly alerts: readonly AlertPair[];
  /** For a person; `null` where everything is equal. */
  readonly firstDifference: string | null;
}

export function compareLive(options: {
  readonly monitor: Monitor;
  readonly live: LiveResults;
  readonly run: LiveResults;
  readonly spans: readonly TopicSpan[];
}): LiveComparison {
  const { monitor, live, run, spans } = options;
  const sources: readonly PaneSource[] =
    monitor.model === null ? ['events'] : ['events', 'predictions'];
  const panes = comparePanes({ live: live.panes, run: run.panes, spans, sources });
  const { covered, sha256 } = panes;
  const { reviseMs } = monitor;
  const reports = compareReports({ live: live.reports, run: run.reports, covered, reviseMs });
  const alerts = compareAlerts(
    live.alerts.filter((alert) => isCoveredAlert(alert, covered)),
    run.alerts.filter((alert) => isCoveredAlert(alert, covered)),
  );
  const firstDifference =
    panes.tally.firstDifference ?? reports.firstDifference ?? nothingCompared(panes.tally);
  return {
    equal: firstDifference === null,
    panes: panes.tally,
    sha256,
    reports,
    alerts,
    firstDifference:
      firstDifference === null ? null : firstDifference + idleNote(live.panes.idleCount),
  };
}

function isCoveredAlert({ windowStart, windowEnd }: Alert, covered: CoveredTime): boolean {
  return Date.parse(windowStart) >= covered.fromMs && Date.parse(windowEnd) <= covered.throughMs;
}

function nothingCompared(panes: Tally): string | null {
  if (comparedCount(panes) > 0) return null;
  return 'nothing could be compared: the live run has sealed no pane that lies in this range completely';
}

/** Silence is wall-clock time: the one thing in which a replay need not agree. */
function idleNote(idleCount: number): string {
  if (idleCount === 0) return '';
  const often = idleCount === 1 ? 'once' : `${idleCount} times`;
  return ` (live went on without a silent partition ${often}, which a replay does not)`;
}
