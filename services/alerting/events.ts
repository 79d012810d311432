/** Everything alerting ever says: one function per thing that can happen. */
import type { Alert } from '../core/message/alert.ts';
import type { Telemetry } from '../platform/telemetry/telemetry.ts';

export function createAlertingEvents(telemetry: Telemetry) {
  const logger = telemetry.logger('alerting');
  const reports = telemetry.counter({
    name: 'tidegauge.alerting.reports',
    description: 'Reports read by outcome: decided, repeated or unreadable.',
    unit: '{report}',
  });
  const alerts = telemetry.counter({
    name: 'tidegauge.alerting.alerts',
    description: 'Alerts written, by rule and state.',
    unit: '{alert}',
  });
  const firing = telemetry.gauge({
    name: 'tidegauge.alerting.firing',
    description: 'Series that fire right now.',
    unit: '{series}',
  });

  return {
    reportDecided(): void {
      reports.cell({ outcome: 'decided' }).add();
    },
    reportRepeated(): void {
      reports.cell({ outcome: 'repeated' }).add();
    },
    reportUnreadable(offset: number): void {
      reports.cell({ outcome: 'unreadable' }).add();
      logger.error({ offset }, 'a record on the reports topic is no report of ours; skipped');
    },
    alertRaised(alert: Alert): void {
      alerts.cell({ rule: alert.rule, state: alert.state }).add();
      logger.warn({ ...alert }, alert.summary);
    },
    seriesFiring(monitor: string, count: number): void {
      firing.set(count, { monitor });
    },
  };
}

export type AlertingEvents = ReturnType<typeof createAlertingEvents>;
