/** Everything the inference-worker ever says: one function per thing that can happen. */

import type { CostLine } from '../core/batch/batch-cost.ts';
import type { Rejection } from '../core/errors.ts';
import type { RolloutPlan } from '../core/rollout/rollout-plan.ts';
import type { LoadedModel, Placement } from '../platform/model/model-runtime.ts';
import type { CounterCell, Telemetry } from '../platform/telemetry/telemetry.ts';
import type { BatchFacts } from './batcher.ts';
import type { RowAnswer } from './score-row.ts';
import type { ModelVersionsStatus } from './version-status.ts';

export function createInferenceEvents(telemetry: Telemetry) {
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
  const fallbacks = telemetry.counter({
    name: 'tidegauge.inference.fallbacks',
    description: 'Events the fallback answered, by the version that did and why.',
    unit: '{event}',
  });
  const failures = telemetry.counter({
    name: 'tidegauge.inference.failures',
    description: 'Rows or runs a version gave no usable answer to, by error code.',
    unit: '{failure}',
  });
  const batches = telemetry.counter({
    name: 'tidegauge.inference.batches',
    description:
      'Micro-batches run, by what triggered them: idle, rows, bytes, time, deadline or drain.',
    unit: '{batch}',
  });
  const shed = telemetry.counter({
    name: 'tidegauge.inference.shadow.shed',
    description: 'Rows a shadow version was not asked about, as it could not keep up.',
    unit: '{row}',
  });
  const policyFailures = telemetry.counter({
    name: 'tidegauge.inference.policy.failures',
    description: 'Policies that could not be evaluated and changed nothing.',
    unit: '{failure}',
  });
  const lookups = telemetry.counter({
    name: 'tidegauge.inference.cache.lookups',
    description: 'Rows by what the cache did: hit, missed, joined or bypassed.',
    unit: '{row}',
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
  const circuits = telemetry.gauge({
    name: 'tidegauge.inference.circuit.open',
    description: '1 while a version is not asked because it failed too often, else 0.',
    unit: '1',
  });
  const serving = telemetry.gauge({
    name: 'tidegauge.inference.version.serving',
    description:
      '1 while a version that the rollout names is served, 0 while it is loaded or refused.',
    unit: '1',
  });
  const repeated = events.cell({ outcome: 'repeated' });
  const predicted = cells((key) => {
    const [version, variant] = split(key);
    return events.cell({ model_version: version, variant, outcome: 'predicted' });
  });
  const looked = cells((outcome) => lookups.cell({ outcome }));
  const quarantined = events.cell({ outcome: 'quarantined' });
  /** Messages of unforeseen failures since the last look; a line each would flood the log. */
  let unforeseen: string[] = [];

  return {
    versionServed(version: string, { description, placement }: LoadedModel): void {
      const { digest, inputs } = description;
      const names = inputs.map(({ name }) => name);
      logger.info({ model_version: version, digest, placement, inputs: names }, 'model served');
    },
    versionRefused(version: string, reason: string): void {
      logger.error({ model_version: version, reason }, 'model version refused');
    },
    versionRetired(version: string): void {
      serving.set(0, { model_version: version });
      logger.info({ model_version: version }, 'model retired');
    },
    planChanged(plan: RolloutPlan, source: string): void {
      logger.info({ plan, source }, 'rollout plan in force');
    },
    versionsLooked({ versions }: ModelVersionsStatus): void {
      for (const { version, roles, state } of versions) {
        const isServing = state === 'serving' && !roles.includes('kept');
        serving.set(isServing ? 1 : 0, { model_version: version });
      }
    },
    folderFailed(reason: string): void {
      logger.warn({ reason }, 'the folder of model versions cannot be followed');
    },
    placed(version: string, placement: Placement, cost: CostLine): void {
      logger.info({ model_version: version, placement, ...cost }, 'model placed');
    },
    placeFailed(version: string, error: unknown): void {
      logger.warn({ model_version: version, error: String(error) }, 'model could not be moved');
    },
    eventPredicted(answer: Extract<RowAnswer, { readonly kind: 'answered' }>): void {
      predicted(`${answer.version}\0${answer.variant}`).add();
      if (answer.fallbackReason === '') return;
      fallbacks.cell({ model_version: answer.version, code: answer.fallbackReason }).add();
    },
    eventRepeated(): void {
      repeated.add();
    },
    eventQuarantined({ code, message }: Rejection): void {
      quarantined.add();
      if (code === 'internal.failure') unforeseen.push(message);
      refusals.cell({ code }).add();
    },
    answersSent(): void {
      if (unforeseen.length === 0) return;
      logger.error(
        { count: unforeseen.length, error: unforeseen[0] },
        'events failed in a way nobody foresaw and went to quarantine',
      );
      unforeseen = [];
    },
    batchRun(version: string, { rows, trigger, durationMs }: BatchFacts): void {
      const labels = { model_version: version };
      batches.cell({ ...labels, trigger }).add();
      runDuration.record(durationMs, labels);
      runRows.record(rows, labels);
    },
    versionFailed(version: string, { code }: Rejection): void {
      failures.cell({ model_version: version, code }).add();
    },
    shadowShed(version: string, rows: number): void {
      shed.cell({ model_version: version }).add(rows);
    },
    policyFailed(message: string): void {
      policyFailures.cell({}).add();
      logger.debug({ error: message }, 'a policy could not be evaluated');
    },
    cacheLooked(outcome: 'hit' | 'missed' | 'joined' | 'bypassed'): void {
      looked(outcome).add();
    },
    circuitOpened(version: string): void {
      circuits.set(1, { model_version: version });
      logger.error({ model_version: version }, 'circuit opened');
    },
    circuitClosed(version: string): void {
      circuits.set(0, { model_version: version });
      logger.info({ model_version: version }, 'circuit closed');
    },
  };
}

/** One cell per key, made when it is first needed. */
function cells(create: (key: string) => CounterCell): (key: string) => CounterCell {
  const made = new Map<string, CounterCell>();
  return (key) => {
    let cell = made.get(key);
    if (cell === undefined) {
      cell = create(key);
      made.set(key, cell);
    }
    return cell;
  };
}

function split(key: string): [string, string] {
  const at = key.indexOf('\0');
  return [key.slice(0, at), key.slice(at + 1)];
}

export type InferenceEvents = ReturnType<typeof createInferenceEvents>;
