/** Everything the inference-worker ever says: one function per thing that can happen. */
import type { Rejection } from '../core/errors.ts';
import type { ModelDescription } from '../platform/model/model-runtime.ts';
import type { Telemetry } from '../platform/telemetry/telemetry.ts';

export function createInferenceEvents(telemetry: Telemetry, modelVersion: string) {
  const logger = telemetry.logger('inference-worker');
  const events = telemetry.counter({
    name: 'tidegauge.inference.events',
    description: 'Valid events by outcome: predicted, quarantined or repeated.',
    unit: '{event}',
  });
  const refusals = telemetry.counter({
    name: 'tidegauge.inference.refusals',
    description: 'Quarantined events by error code.',
    unit: '{event}',
  });
  const batches = telemetry.counter({
    name: 'tidegauge.inference.batches',
    description: 'Micro-batches run, by what triggered them: rows, time or drain.',
    unit: '{batch}',
  });
  const runDuration = telemetry.histogram({
    name: 'tidegauge.inference.run.duration',
    description: 'Time of one model run.',
    unit: 'ms',
    boundaries: [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 25, 100, 500],
  });
  const runRows = telemetry.histogram({
    name: 'tidegauge.inference.run.rows',
    description: 'Rows of one model run.',
    unit: '{row}',
    boundaries: [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024],
  });
  const labels = { model_version: modelVersion };
  const predicted = events.cell({ ...labels, outcome: 'predicted' });
  const quarantined = events.cell({ ...labels, outcome: 'quarantined' });
  const repeated = events.cell({ ...labels, outcome: 'repeated' });
  /** Messages of the failures of this batch; a line each would flood the log. */
  let failures: string[] = [];

  return {
    modelLoaded(description: ModelDescription): void {
      const { digest, placement, cost } = description;
      logger.info({ ...labels, digest, placement, ...cost }, 'model loaded');
    },
    eventPredicted(): void {
      predicted.add();
    },
    eventRepeated(): void {
      repeated.add();
    },
    eventQuarantined({ code, message }: Rejection): void {
      quarantined.add();
      if (code === 'internal.failure') failures.push(message);
      refusals.cell({ ...labels, code }).add();
    },
    batchAnswered(): void {
      if (failures.length === 0) return;
      logger.error(
        { ...labels, count: failures.length, error: failures[0] },
        'events failed in a way nobody foresaw and went to quarantine',
      );
      failures = [];
    },
    batchRun(rows: number, trigger: string, durationMs: number): void {
      batches.cell({ ...labels, trigger }).add();
      runDuration.record(durationMs, labels);
      runRows.record(rows, labels);
    },
  };
}

export type InferenceEvents = ReturnType<typeof createInferenceEvents>;
