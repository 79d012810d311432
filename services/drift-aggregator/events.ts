/** Everything the drift-aggregator ever says: one function per thing that can happen. */
import type { PaneKind, PaneSource } from '../core/message/pane.ts';
import type { BusRecord } from '../core/message/record.ts';
import type { CounterCell, Telemetry } from '../platform/telemetry/telemetry.ts';

export function createAggregatorEvents(telemetry: Telemetry, source: PaneSource) {
  const logger = telemetry.logger('drift-aggregator');
  const records = telemetry.counter({
    name: 'tidegauge.aggregator.records',
    description: 'Records by source and outcome: on-time, late, repeated, unreadable or failed.',
    unit: '{record}',
  });
  const panes = telemetry.counter({
    name: 'tidegauge.aggregator.panes',
    description: 'Panes written by source and kind.',
    unit: '{pane}',
  });
  const cell = (outcome: string): CounterCell => records.cell({ source, outcome });
  const onTime = cell('on-time');
  const late = cell('late');
  const repeated = cell('repeated');
  const unreadable = cell('unreadable');
  const failed = cell('failed');

  return {
    recordCounted(outcome: 'on-time' | 'late'): void {
      (outcome === 'late' ? late : onTime).add();
    },
    recordRepeated(): void {
      repeated.add();
    },
    /** A record upstream found valid cannot be read here: the bundles of the services differ. */
    recordUnreadable(): void {
      unreadable.add();
    },
    recordFailed({ topic, partition, offset }: BusRecord, error: unknown): void {
      failed.add();
      logger.error({ topic, partition, offset, error: String(error) }, 'a record was not measured');
    },
    paneWritten(kind: PaneKind): void {
      panes.cell({ source, kind }).add();
    },
  };
}

export type AggregatorEvents = ReturnType<typeof createAggregatorEvents>;
