/** Everything the evaluator ever says: one function per thing that can happen. */
import type { Pane } from '../core/message/pane.ts';
import type { Report } from '../core/message/report.ts';
import type { Telemetry } from '../platform/telemetry/telemetry.ts';
import type { PublishedReport } from './published.ts';

export function createEvaluatorEvents(telemetry: Telemetry) {
  const logger = telemetry.logger('evaluator');
  const panes = telemetry.counter({
    name: 'tidegauge.evaluator.panes',
    description: 'Panes read by outcome: accepted, repeated, late or unreadable.',
    unit: '{pane}',
  });
  const lateEvents = telemetry.counter({
    name: 'tidegauge.evaluator.late.events',
    description: 'Events and predictions that came after their window was closed, by source.',
    unit: '{event}',
  });
  const windows = telemetry.counter({
    name: 'tidegauge.evaluator.windows',
    description: 'Windows judged, by verdict; slices included.',
    unit: '{window}',
  });
  const revisions = telemetry.counter({
    name: 'tidegauge.evaluator.revisions',
    description: 'Windows judged once more with late events, by verdict; slices included.',
    unit: '{window}',
  });
  const distance = telemetry.gauge({
    name: 'tidegauge.evaluator.distance',
    description: 'Distance of the last judged window from the reference, by column and distance.',
    unit: '1',
  });
  const evaluationDuration = telemetry.histogram({
    name: 'tidegauge.evaluator.window.duration',
    description: 'Time to merge and judge one window with all its slices.',
    unit: 'ms',
    boundaries: [0.5, 1, 2, 5, 10, 25, 50, 100, 250, 1000],
  });

  return {
    paneRead(outcome: 'accepted' | 'repeated' | 'late'): void {
      panes.cell({ outcome }).add();
    },
    paneUnreadable(offset: number): void {
      panes.cell({ outcome: 'unreadable' }).add();
      logger.error({ offset }, 'a record on the panes topic is no pane of ours; skipped');
    },
    eventsLate(pane: Pane, count: number): void {
      if (pane.slice === '') lateEvents.cell({ source: pane.source }).add(count);
    },
    windowJudged(report: Report): void {
      const { monitor, slice, verdict } = report;
      const windowSeconds = String((report.windowEndMs - report.windowStartMs) / 1000);
      windows.cell({ verdict }).add();
      for (const column of report.columns) {
        for (const [name, value] of Object.entries(column.distances)) {
          distance.set(value, {
            monitor,
            column: column.name,
            distance: name,
            slice,
            window_seconds: windowSeconds,
          });
        }
      }
    },
    /** Of a window that the gauge of distances has left behind. */
    windowRevised({ verdict }: Report): void {
      revisions.cell({ verdict }).add();
    },
    windowEvaluated(durationMs: number): void {
      evaluationDuration.record(durationMs, {});
    },
    rebuilding(lastPublished: PublishedReport | null): void {
      const sequence = lastPublished?.sequence ?? null;
      logger.warn(
        { sequence },
        'judging again in silence up to the last report that was published',
      );
    },
    /** Windows that were due after the last report and start before `completeFromMs` have none. */
    windowsLost(lastPublished: PublishedReport | null, completeFromMs: number | null): void {
      const lostFrom = isoTime(lastPublished?.windowEndMs ?? null);
      logger.warn(
        { lostFrom, completeFrom: isoTime(completeFromMs) },
        'the panes topic has lost its beginning: windows that need it have no report, and baselines and shapes begin anew',
      );
    },
  };
}

function isoTime(timeMs: number | null): string | null {
  return timeMs === null ? null : new Date(timeMs).toISOString();
}

export type EvaluatorEvents = ReturnType<typeof createEvaluatorEvents>;
