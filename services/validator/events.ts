/** Everything the validator ever says: one function per thing that can happen. */
import type { ErrorCode } from '../core/errors.ts';
import type { CounterCell, Telemetry } from '../platform/telemetry/telemetry.ts';

export function createValidatorEvents(telemetry: Telemetry) {
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

  return {
    eventValid(): void {
      valid.add();
    },
    eventQuarantined(code: ErrorCode): void {
      quarantined.add();
      let cell = byCode.get(code);
      if (cell === undefined) {
        cell = refusals.cell({ code });
        byCode.set(code, cell);
      }
      cell.add();
    },
    batchAcknowledged(durationMs: number): void {
      batchDuration.record(durationMs, {});
    },
  };
}

export type ValidatorEvents = ReturnType<typeof createValidatorEvents>;
