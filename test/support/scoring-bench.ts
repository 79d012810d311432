/**
 * A scorer on fake models and virtual time: versions by name, each with its own arithmetic, the plan
 * and the fallback as a test asks for them.
 */
import type { MonitorModel } from '../../services/core/monitor/monitor.ts';
import { createChooser } from '../../services/core/rollout/choose-version.ts';
import type { RolloutPlan } from '../../services/core/rollout/rollout-plan.ts';
import { createBatcher } from '../../services/inference-worker/batcher.ts';
import type {
  RowAnswer,
  ScoreRow,
  ShadowAnswer,
} from '../../services/inference-worker/score-row.ts';
import { createScorer, type Scorer } from '../../services/inference-worker/scorer.ts';
import {
  createServedModel,
  type ServedModel,
} from '../../services/inference-worker/served-model.ts';
import {
  createVirtualClock,
  type VirtualClock,
} from '../../services/platform/clock/virtual-clock.ts';
import { stationMonitor } from './embedded-run.ts';
import {
  createFakeModel,
  FAKE_MODEL,
  type FakeModel,
  type FakeModelOptions,
} from './fake-model.ts';

export interface ScoringBench {
  readonly clock: VirtualClock;
  readonly scorer: Scorer;
  readonly models: ReadonlyMap<string, FakeModel>;
  readonly shadows: ShadowAnswer[];
  readonly circuits: string[];
  readonly shedRows: () => number;
  /** Answers in the order of the rows; fails where a row has none or two after `waitMs`. */
  ask(levels: readonly (number | null)[], waitMs?: number): Promise<readonly RowAnswer[]>;
}

export function createScoringBench(options: {
  readonly versions: Readonly<Record<string, FakeModelOptions>>;
  readonly plan?: Partial<RolloutPlan>;
  readonly spec?: Partial<MonitorModel>;
  readonly isLive?: boolean;
}): ScoringBench {
  const clock = createVirtualClock();
  const rollout: RolloutPlan = {
    ...{ primary: Object.keys(options.versions)[0]!, canary: null, ab: [], shadow: null },
    ...options.plan,
  };
  const spec: MonitorModel = { ...FAKE_MODEL, rollout, ...options.spec };
  const monitor = stationMonitor({ model: spec });
  const served = new Map<string, ServedModel>();
  const models = new Map<string, FakeModel>();
  const shadows: ShadowAnswer[] = [];
  const circuits: string[] = [];
  let shedRows = 0;
  const batcher = createBatcher({
    ...{ clock, limits: spec.batch, placement: 'inline', workerCount: 1, coreCount: 2 },
    onShed: (_queue, rows) => {
      shedRows += rows;
    },
  });
  for (const [version, model] of Object.entries(options.versions)) {
    const fake = createFakeModel({ digest: version.repeat(64).slice(0, 64), ...model });
    const entry = createServedModel({ monitor, spec, version, model: fake, generation: 0 });
    models.set(version, fake);
    served.set(version, entry);
    batcher.serve(entry.queue, fake, { shadow: version === rollout.shadow });
  }
  const choose = createChooser(rollout);
  const scorer = createScorer({
    ...{ spec, clock, batcher, choose, isLive: options.isLive ?? true },
    plan: () => rollout,
    served: (version) => served.get(version) ?? null,
    events: {
      versionFailed: () => undefined,
      shadowShed: () => undefined,
      policyFailed: () => undefined,
      cacheLooked: () => undefined,
    },
    onShadow: (answer) => shadows.push(answer),
    onCircuit: (version, state) => circuits.push(`${version} ${state}`),
  });

  return {
    ...{ clock, scorer, models, shadows, circuits },
    shedRows: () => shedRows,
    async ask(levels, waitMs = 60_000) {
      const rows = levels.map((level, index): ScoreRow => {
        const root = { id: `e${index}`, level };
        return { id: `e${index}`, cells: [level, 'Brest'], root };
      });
      const answers: (RowAnswer | null)[] = rows.map(() => null);
      scorer.score(rows, (index, answer) => {
        if (answers[index] !== null) throw new Error(`row ${index} is answered twice`);
        answers[index] = answer;
      });
      if (answers.some((answer) => answer !== null)) throw new Error('answered within the call');
      await clock.advance(waitMs);
      return answers.map((answer, index) => {
        if (answer === null) throw new Error(`row ${index} has no answer`);
        return answer;
      });
    },
  };
}
