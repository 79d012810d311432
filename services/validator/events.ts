/** Everything the validator ever says: one function per thing that can happen. */
import type { ErrorCode, Rejection } from '../core/errors.ts';
import type { CounterCell, Telemetry } from '../platform/telemetry/telemetry.ts';

export function createValidatorEvents(telemetry: Telemetry) {
  const logger = telemetry.logger('validator');
  const events = telemetry.counter({
    name: 'tidegauge.validator.events',
    description: 'Events by outcome: valid or quarantined.',
    unit: '{event}',
  });
  const refusals = telemetry.counter({
    name: 'tidegauge.validator.refusals',
    description: 'Quarantined events by error code.',
    unit: '{event}',
  });
  const batchDuration = telemetry.histogram({
    name: 'tidegauge.validator.batch.duration',
    description: 'Time from taking a batch to its acknowledgement by the bus.',
    unit: 'ms',
    boundaries: [0.5, 1, 2, 5, 10, 20, 50, 100, 250, 1000],
  });
  const valid = events.cell({ outcome: 'valid' });
  const quarantined = events.cell({ outcome: 'quarantined' });
  const byCode = new Map<ErrorCode, CounterCell>();
  /** Messages of the failures of this batch; a line each would flood the log. */
  let failures: string[] = [];

  return {
    eventValid(): void {
      valid.add();
    },
    eventQuarantined({ code, message }: Rejection): void {
      quarantined.add();
      if (code === 'internal.failure') failures.push(message);
      let cell = byCode.get(code);
      if (cell === undefined) {
        cell = refusals.cell({ code });
        byCode.set(code, cell);
      }
      cell.add();
    },
    batchDecided(): void {
      if (failures.length === 0) return;
      logger.error(
        { count: failures.length, error: failures[0] },
        'events failed in a way nobody foresaw and went to quarantine',
      );
      failures = [];
    },
    batchAcknowledged(durationMs: number): void {
      batchDuration.record(durationMs, {});
    },
  };
}

export type ValidatorEvents = ReturnType<typeof createValidatorEvents>;
