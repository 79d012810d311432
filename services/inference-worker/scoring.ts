/**
 * The models of one monitor at work: the versions that are loaded, the batcher they run in and the
 * scorer that asks them. Knows no bus; the service and `tidegauge score` are made from it.
 */
import type { Monitor, MonitorModel } from '../core/monitor/monitor.ts';
import type { Clock } from '../platform/clock/clock.ts';
import { checkModelFits } from '../platform/config/check-model-fits.ts';
import type { InferenceBackend } from '../platform/http/inference-backend.ts';
import type { ModelFolder } from '../platform/model/model-folder.ts';
import type { LoadedModel, ModelRuntime } from '../platform/model/model-runtime.ts';
import { type BatchFacts, createBatcher } from './batcher.ts';
import type { CircuitMove } from './circuit-alert.ts';
import type { InferenceEvents } from './events.ts';
import { createInferenceBackend } from './inference-backend.ts';
import { createModelVersions } from './model-versions.ts';
import type { ScoreRequest, ShadowAnswer } from './score-row.ts';
import { createScorer, type Scorer } from './scorer.ts';
import { createServedModel, type ServedModel, variantOf } from './served-model.ts';

export interface ScoringOptions {
  readonly monitor: Monitor;
  readonly spec: MonitorModel;
  readonly clock: Clock;
  readonly modelRuntime: ModelRuntime;
  readonly modelFolder: ModelFolder;
  /** Deadlines, circuits and hot swaps go by the wall clock, which a replay must not depend on. */
  readonly isLive: boolean;
  readonly events: InferenceEvents;
  onBatchStart?(batch: BatchFacts, served: ServedModel, requests: readonly ScoreRequest[]): void;
  onBatchEnd?(batch: BatchFacts, error?: unknown): void;
  onShadow?(answer: ShadowAnswer): void;
  onCircuit?(version: string, state: CircuitMove['state'], nowMs: number): void;
}

export interface Scoring extends Scorer {
  /** Loads what the plan in force needs; throws `configuration.model` where the primary cannot be used. */
  start(): Promise<void>;
  /** More than one version answers events. */
  isSplit(): boolean;
  /** What the plan in force makes of a version. */
  variantOf(version: string): string;
  /** The same models and queues, for callers with rows of their own. */
  readonly backend: InferenceBackend;
  close(): Promise<void>;
}

export function createScoring(options: ScoringOptions): Scoring {
  const { monitor, spec, clock, isLive, events } = options;
  /** By queue; a batch tells of its queue alone. */
  const byQueue = new Map<string, ServedModel>();
  /** By model: resolves when the queues of it that have been retired so far are empty. */
  const ending = new WeakMap<LoadedModel, Promise<unknown>>();
  let generation = 0;
  let isStarted = false;

  const batcher = createBatcher({
    clock,
    limits: spec.batch,
    placement: spec.runtime.placement,
    workerCount: spec.runtime.workerCount,
    coreCount: options.modelRuntime.coreCount,
    onBatchStart: (batch, requests) => {
      const served = byQueue.get(batch.version)!;
      options.onBatchStart?.(batch, served, requests as readonly ScoreRequest[]);
    },
    onBatchEnd: (batch, error) => {
      events.batchRun(byQueue.get(batch.version)!.version, batch);
      options.onBatchEnd?.(batch, error);
    },
    onPlaced: (queue, placement, cost) =>
      events.placed(byQueue.get(queue)!.version, placement, cost),
    onPlaceFailed(queue, error) {
      // Of a version that has gone meanwhile nobody needs to know.
      const served = byQueue.get(queue);
      if (served !== undefined) events.placeFailed(served.version, error);
    },
    onShed: (queue, rows) => events.shadowShed(byQueue.get(queue)!.version, rows),
  });

  const versions = createModelVersions<ServedModel>({
    spec,
    folder: options.modelFolder,
    clock,
    watch: isLive,
    events,
    load: ({ file }) =>
      options.modelRuntime.load({ file, ...spec.runtime, rowsMax: spec.batch.rowsMax }),
    fits: (description) =>
      checkModelFits(monitor, description).map(({ path, message }) => `${path}: ${message}`),
    serve(version, model, { shadow }) {
      const served = createServedModel({ monitor, spec, version, model, generation });
      generation += 1;
      byQueue.set(served.queue, served);
      batcher.serve(served.queue, model, { shadow });
      return served;
    },
    async retire({ queue, model }) {
      const done = Promise.all([
        ending.get(model),
        batcher.retire(queue).then(() => byQueue.delete(queue)),
      ]);
      // What is still waiting from a role that it had before runs on the same model.
      ending.set(model, done);
      await done;
    },
  });

  const scorer = createScorer({
    spec,
    clock,
    batcher,
    isLive,
    plan: () => versions.plan(),
    choose: (id) => versions.choose(id),
    served: (version) => versions.served(version),
    events,
    ...(options.onShadow === undefined ? {} : { onShadow: options.onShadow }),
    onCircuit(version, state, nowMs) {
      if (state === 'opened') events.circuitOpened(version);
      else events.circuitClosed(version);
      options.onCircuit?.(version, state, nowMs);
    },
  });

  return {
    ...scorer,
    async start() {
      await versions.start();
      isStarted = true;
    },
    isSplit() {
      const { canary, ab } = versions.plan();
      return canary !== null || ab.length > 0;
    },
    variantOf: (version) => variantOf(versions.plan(), version),
    backend: createInferenceBackend({
      name: monitor.name,
      clock,
      batcher,
      ready: () => isStarted,
      plan: () => versions.plan(),
      served: (version) => versions.served(version),
      allServed: () => versions.allServed(),
    }),
    async close() {
      isStarted = false;
      await batcher.close();
      await versions.close();
    },
  };
}
