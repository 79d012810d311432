/**
 * What a live monitor has written so far, read from its topics to their ends as they are now; nothing
 * is joined or committed that its services would notice.
 */
import { CodedError } from '../core/errors.ts';
import { type Alert, decodeAlert } from '../core/message/alert.ts';
import { orNull } from '../core/message/message-codec.ts';
import { paneCodec } from '../core/message/pane.ts';
import type { BusRecord } from '../core/message/record.ts';
import { reportCodec } from '../core/message/report.ts';
import type { Monitor } from '../core/monitor/monitor.ts';
import type { Bus } from '../platform/bus/bus.ts';
import { PaneLedger } from './pane-ledger.ts';
import { ReportLedger } from './report-ledger.ts';

export interface LiveResults {
  readonly panes: PaneLedger;
  readonly reports: ReportLedger;
  readonly alerts: readonly Alert[];
}

export async function readLiveResults(bus: Bus, monitor: Monitor): Promise<LiveResults> {
  const panes = new PaneLedger();
  for await (const { value, headers } of readTopic(bus, monitor.topics.panes)) {
    const pane = value === null ? null : paneCodec.tryDecode(value);
    if (pane !== null) panes.take(pane, headers);
  }
  const reports = new ReportLedger();
  for await (const { value } of readTopic(bus, monitor.topics.reports)) {
    const report = value === null ? null : reportCodec.tryDecode(value);
    if (report !== null) reports.take(report);
  }
  const alerts = new Map<string, Alert>();
  for await (const { value } of readTopic(bus, monitor.topics.alerts)) {
    const alert = value === null ? null : orNull(() => decodeAlert(value));
    // Monitors may share the topic of their alerts.
    if (alert === null || alert.monitor !== monitor.name) continue;
    alerts.set(`${alert.fingerprint}:${alert.windowEnd}:${alert.state}`, alert);
  }
  return { panes, reports, alerts: [...alerts.values()] };
}

async function* readTopic(bus: Bus, topic: string): AsyncIterable<BusRecord> {
  const partitionCount = await bus.partitionCount(topic);
  if (partitionCount === null) {
    throw new CodedError(
      'configuration.invalid',
      `topic ${topic} does not exist: there is no live run of this monitor to compare with`,
    );
  }
  for (let partition = 0; partition < partitionCount; partition += 1) {
    const at = { topic, partition };
    const { earliest, next } = await bus.offsets(at);
    yield* bus.read(at, earliest, next);
  }
}
