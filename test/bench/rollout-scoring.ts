/**
 * The scoring of an inference-worker, with real models and its folder of versions, under arrivals that do
 * not wait for it: the time from each event's arrival to its encoded prediction, and the models that made
 * them. Without a bus: what lies before and behind is the same with any model.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { predictionCodec } from '../../services/core/message/prediction.ts';
import { shadowPredictionCodec } from '../../services/core/message/shadow-prediction.ts';
import type { Monitor, MonitorModel } from '../../services/core/monitor/monitor.ts';
import { rolloutFileOf } from '../../services/core/rollout/rollout-file.ts';
import type { RolloutPlan } from '../../services/core/rollout/rollout-plan.ts';
import { createInferenceEvents } from '../../services/inference-worker/events.ts';
import type {
  RowAnswer,
  ScoreRow,
  ShadowAnswer,
} from '../../services/inference-worker/score-row.ts';
import { createScoring } from '../../services/inference-worker/scoring.ts';
import { createSystemClock } from '../../services/platform/clock/system-clock.ts';
import { createFileModelFolder } from '../../services/platform/model/file-model-folder.ts';
import { createOnnxModelRuntime } from '../../services/platform/model/onnx-model-runtime.ts';
import { createMemoryTelemetry } from '../../services/platform/telemetry/memory-telemetry.ts';
import { stationMonitor } from '../support/embedded-run.ts';
import { FAKE_MODEL } from '../support/fake-model.ts';
import type { GeneratedModel } from '../support/onnx-models.ts';
import { createRolloutVersions, FEATURES, INPUT, OUTPUT } from '../support/rollout-versions.ts';
import { commonMs, startArrivals } from './rollout-arrivals.ts';
import { BesideShadow } from './rollout-beside.ts';

/** Distinct rows; they come again and again. */
const ROWS = 8_192;
/** Rows on their way at a time at full load. */
const AHEAD_ROWS = 4_000;
const EVENT_TIME_MS = 1_000;
const NO_SLICES: readonly string[] = [];

export type RolloutChoice = Partial<RolloutPlan> & { readonly primary: string };

export interface ScoringOptions {
  readonly plan: RolloutChoice;
  readonly versions: Readonly<Record<string, GeneratedModel>>;
  readonly placement: MonitorModel['runtime']['placement'];
}

/** Rows in the order of their answers. */
export interface Answered {
  /** From arrival to answer. */
  readonly tookMs: Float64Array;
  /** 1 or 0, as rollout-beside.ts has it. */
  readonly besideShadow: Uint8Array;
}

export interface LoadedScoring {
  /** As much as it takes. */
  fullLoad(durationMs: number): Promise<void>;
  load(rowsPerSecond: number, durationMs: number): Promise<Answered>;
  /** Arrivals until the next call; 0: none. */
  setRate(rowsPerSecond: number): void;
  /** Emptied by the caller. */
  readonly answers: { readonly atMs: number; readonly version: string }[];
  /** Rows that the shadow has answered, and that it was not asked about. */
  shadowCounts(): { readonly said: number; readonly shed: number };
  /** Written; in force after the next look at the folder. */
  changePlan(plan: RolloutChoice): Promise<void>;
  /** What the plan in force makes of a version. */
  variantOf(version: string): string;
  /** Every row that has arrived is answered. */
  idle(): Promise<void>;
  close(): Promise<void>;
}

export async function startScoring(options: ScoringOptions): Promise<LoadedScoring> {
  const directory = mkdtempSync(join(tmpdir(), 'tidegauge-rollout-'));
  const versions = createRolloutVersions(directory);
  for (const [name, model] of Object.entries(options.versions)) await versions.put(name, model);
  await versions.close();
  const clock = createSystemClock();
  const telemetry = createMemoryTelemetry({ tracing: false });
  const folder = createFileModelFolder(directory);
  const monitor = rolloutMonitor(directory, options);
  const rows = eventRows();
  const shadow = options.plan.shadow ?? null;
  const answers: { atMs: number; version: string }[] = [];
  let taken: Answered = roomFor(0);
  let arrived = 0;
  let answered = 0;
  let said = 0;
  let isWatched = false;
  let onAnswered = (): void => undefined;
  const beside = new BesideShadow(() => answered === arrived);

  const scoring = createScoring({
    ...{ monitor, spec: monitor.model!, clock, modelFolder: folder, isLive: true },
    modelRuntime: createOnnxModelRuntime(),
    events: createInferenceEvents(telemetry),
    onBatchStart(batch, { version }) {
      if (version === shadow) beside.batchStarted(batch.rows);
    },
    onShadow(answer) {
      said += 1;
      encodeShadow(answer);
      beside.batchRowTaken();
    },
  });
  await scoring.start();

  function arrive(count: number, atMs: number): void {
    beside.arrived(atMs);
    const lot: ScoreRow[] = [];
    for (let index = 0; index < count; index += 1) lot.push(rows[(arrived + index) % ROWS]!);
    arrived += count;
    scoring.score(lot, (index, answer) => {
      encodeAnswer(lot[index]!, answer);
      const nowMs = commonMs();
      if (answered < taken.tookMs.length) {
        taken.tookMs[answered] = nowMs - atMs;
        taken.besideShadow[answered] = beside.isBeside ? 1 : 0;
      }
      answered += 1;
      if (isWatched && answer.kind === 'answered') {
        answers.push({ atMs: nowMs, version: answer.version });
      }
      beside.answered();
      onAnswered();
    });
  }
  const arrivals = startArrivals(arrive);

  async function idle(): Promise<void> {
    while (answered < arrived) await clock.sleep(1);
  }

  return {
    answers,
    idle,
    shadowCounts() {
      const shed = telemetry.count('tidegauge.inference.shadow.shed');
      return { said, shed };
    },
    setRate(rowsPerSecond) {
      isWatched = rowsPerSecond > 0;
      arrivals.setRate(rowsPerSecond);
    },
    async fullLoad(durationMs) {
      const endMs = commonMs() + durationMs;
      const refill = (): void => {
        const room = AHEAD_ROWS - (arrived - answered);
        if (room >= AHEAD_ROWS / 8 && commonMs() < endMs) arrive(room, commonMs());
      };
      onAnswered = refill;
      refill();
      await clock.sleep(durationMs);
      await idle();
      onAnswered = () => undefined;
    },
    async load(rowsPerSecond, durationMs) {
      arrived = 0;
      answered = 0;
      taken = roomFor(Math.ceil((rowsPerSecond * durationMs) / 800));
      arrivals.setRate(rowsPerSecond);
      await clock.sleep(durationMs);
      arrivals.setRate(0);
      await clock.sleep(20);
      await idle();
      const { tookMs, besideShadow } = taken;
      return {
        tookMs: tookMs.subarray(0, answered),
        besideShadow: besideShadow.subarray(0, answered),
      };
    },
    async changePlan(plan) {
      await folder.updateRollout(() =>
        rolloutFileOf({ canary: null, ab: [], shadow: null, ...plan }),
      );
    },
    variantOf: (version) => scoring.variantOf(version),
    async close() {
      await arrivals.close();
      await scoring.drain();
      await scoring.close();
      rmSync(directory, { recursive: true });
    },
  };
}

function roomFor(rowCount: number): Answered {
  return { tookMs: new Float64Array(rowCount), besideShadow: new Uint8Array(rowCount) };
}

/** As the service does, without a slice. */
function encodeAnswer({ id }: ScoreRow, answer: RowAnswer): Uint8Array {
  if (answer.kind === 'rejected') throw new Error(answer.rejection.message);
  return predictionCodec.encode({
    id,
    eventTimeMs: EVENT_TIME_MS,
    modelVersion: answer.version,
    modelDigest: answer.digest,
    slices: NO_SLICES,
    variant: answer.variant,
    fallbackReason: answer.fallbackReason,
    outputs: answer.outputs,
    rawOutputs: answer.rawOutputs,
    policies: answer.policies,
    suppressed: answer.suppressed,
    latencyMs: 1,
  });
}

function encodeShadow(answer: ShadowAnswer): Uint8Array {
  return shadowPredictionCodec.encode({
    id: answer.row.id,
    eventTimeMs: EVENT_TIME_MS,
    modelVersion: answer.version,
    modelDigest: answer.digest,
    outputs: answer.outputs,
    answeredVersion: answer.answeredVersion,
    answeredOutputs: answer.answeredOutputs,
    rowMs: answer.rowMs,
  });
}

function rolloutMonitor(directory: string, { plan, placement }: ScoringOptions): Monitor {
  const station = stationMonitor();
  const [level] = station.columns;
  return {
    ...station,
    columns: FEATURES.map((name) => ({ ...level!, name, path: [name] })),
    model: {
      ...FAKE_MODEL,
      ...{ file: null, version: plan.primary, versionsDirectory: directory },
      rollout: { canary: null, ab: [], shadow: null, ...plan },
      inputs: [{ tensor: INPUT, columns: [...FEATURES] }],
      outputs: [{ name: 'score', tensor: OUTPUT, index: 0, drift: null }],
      batch: { rowsMax: 256, bytesMax: 4 * 1_048_576, runMsMax: 50 },
      runtime: { placement, workerCount: 2, threadCount: 1 },
    },
  };
}

function eventRows(): readonly ScoreRow[] {
  return Array.from({ length: ROWS }, (_, n) => ({
    id: `e${n}`,
    cells: FEATURES.map((_, index) => ((n * (7_919 + 104 * index)) % 2_001) / 1_000 - 1),
    root: null,
  }));
}
