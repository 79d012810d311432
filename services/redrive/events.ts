/** Everything a redrive ever says: one function per thing that can happen. */
import type { Telemetry } from '../platform/telemetry/telemetry.ts';
import { SKIP_REASONS, type SkipReason } from './select.ts';

export function createRedriveEvents(telemetry: Telemetry) {
  const logger = telemetry.logger('redrive');
  const records = telemetry.counter({
    name: 'tidegauge.redrive.records',
    description: 'Selected quarantined records by outcome: sent, or why not.',
    unit: '{record}',
  });
  const sent = records.cell({ outcome: 'sent' });
  const skipped = Object.fromEntries(
    SKIP_REASONS.map((reason) => [reason, records.cell({ outcome: reason })]),
  );

  return {
    batchSent(count: number): void {
      sent.add(count);
    },
    recordSkipped(reason: SkipReason): void {
      skipped[reason]!.add();
    },
    callRetried(what: string, error: Error): void {
      logger.warn({ what, error: error.message }, 'a dependency failed, retrying');
    },
    outcomeUnknown(partition: number, count: number, waitMs: number): void {
      logger.warn(
        { partition, count, waitMs },
        'a batch may or may not have arrived: waiting, then reading the event topic for it',
      );
    },
  };
}

export type RedriveEvents = ReturnType<typeof createRedriveEvents>;
