/** Which failures count against which loading of a version, and what ends with it. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { MonitorModel } from '../../../services/core/monitor/monitor.ts';
import type { RolloutPlan } from '../../../services/core/rollout/rollout-plan.ts';
import type { BatchFacts } from '../../../services/inference-worker/batcher.ts';
import { TRIAL_ROWS } from '../../../services/inference-worker/circuit.ts';
import {
  createServedModel,
  type ServedModel,
} from '../../../services/inference-worker/served-model.ts';
import {
  createVersionCircuits,
  type VersionCircuits,
} from '../../../services/inference-worker/version-circuits.ts';
import { createVirtualClock } from '../../../services/platform/clock/virtual-clock.ts';
import { stationMonitor } from '../../support/embedded-run.ts';
import { createFakeModel, FAKE_MODEL } from '../../support/fake-model.ts';

const ROWS = 10;
const SPEC = {
  ...FAKE_MODEL,
  fallback: { kind: 'version', version: 'base' },
  circuit: { failureShare: 0.5, rowCount: ROWS, openMs: 1_000 },
} as const;

let plan: RolloutPlan;
let served: Map<string, ServedModel>;
let moves: string[];
let circuits: VersionCircuits;
let generation = 0;

function load(version: string): ServedModel {
  generation += 1;
  const monitor = stationMonitor({ model: SPEC });
  const model = createServedModel({
    ...{ monitor, version, generation, spec: SPEC },
    model: createFakeModel(),
  });
  served.set(version, model);
  return model;
}

beforeEach(() => {
  plan = { primary: '1', canary: null, ab: [], shadow: null };
  served = new Map();
  moves = [];
  circuits = create();
});

function create(change: Partial<MonitorModel['circuit']> = {}): VersionCircuits {
  return createVersionCircuits({
    spec: { ...SPEC, deadlineMs: 100, circuit: { ...SPEC.circuit, ...change } },
    ...{ clock: createVirtualClock(), isLive: true },
    plan: () => plan,
    served: (version) => served.get(version) ?? null,
    onCircuit: (version, state) => moves.push(`${version} ${state}`),
  });
}

describe('a version that is not asked any more', () => {
  it('takes its open circuit with it, once', () => {
    const bad = load('1');
    circuits.failed(bad, ROWS);
    expect(circuits.allows(bad)).toBe(false);
    plan = { ...plan, primary: '2' };
    load('2');
    circuits.sweep();
    circuits.sweep();
    expect(moves).toEqual(['1 opened', '1 withdrawn']);
  });

  it('and says nothing by what was still on its way', () => {
    const bad = load('1');
    plan = { ...plan, primary: '2' };
    load('2');
    circuits.failed(bad, ROWS);
    expect(moves).toEqual([]);
  });

  it('leaves the circuits of the others as they are', () => {
    const others = ['2', '3', '4', 'base'].map(load);
    plan = {
      primary: '2',
      canary: { version: '3', share: 0.1 },
      ab: [{ version: '4', share: 0.1 }],
      shadow: null,
    };
    for (const other of others) circuits.failed(other, ROWS);
    circuits.sweep();
    expect(moves).toEqual(['2 opened', '3 opened', '4 opened', 'base opened']);
  });

  it('goes unsaid where its circuit was closed', () => {
    const batch = {
      version: '1',
      rows: ROWS,
      trigger: 'rows',
      placement: 'inline',
      durationMs: 1,
    } as const;
    circuits.answered(load('1'), {
      batch,
      deadlineMs: Number.POSITIVE_INFINITY,
      rows: ROWS,
      failedRows: 0,
    });
    plan = { ...plan, primary: '2' };
    circuits.sweep();
    expect(moves).toEqual([]);
  });
});

describe('other files under the same name', () => {
  it('are asked at once, whatever was known of those before', () => {
    const bad = load('1');
    circuits.failed(bad, ROWS);
    const repaired = load('1');
    circuits.sweep();
    expect(circuits.allows(repaired)).toBe(true);
    circuits.failed(bad, ROWS);
    expect(circuits.allows(repaired)).toBe(true);
    expect(moves).toEqual(['1 opened', '1 withdrawn']);
  });
});

describe('a deadline', () => {
  it('that is noticed when it passes counts against the version', () => {
    circuits.failed(load('1'), ROWS, 5);
    expect(moves).toEqual(['1 opened']);
  });

  it('that a standstill of this thread let pass is no fault of the version', () => {
    circuits.failed(load('1'), ROWS, 400);
    expect(moves).toEqual([]);
  });
});

describe('a run that takes longer than its rows had', () => {
  const run = (rows: number): BatchFacts => {
    return { version: '1', rows, trigger: 'rows', placement: 'inline', durationMs: 900 };
  };

  const late = (batch: BatchFacts) => {
    return { batch, deadlineMs: -1, rows: Math.min(50, batch.rows), failedRows: 0 };
  };

  it('counts once, as a few rows, however many it had and in however many parts', () => {
    const slow = load('1');
    circuits = create({ rowCount: 4 * TRIAL_ROWS });
    const first = run(1_000);
    for (let part = 0; part < 20; part += 1) circuits.answered(slow, late(first));
    expect(moves).toEqual([]);
    circuits.answered(slow, late(run(1_000)));
    expect(moves).toEqual(['1 opened']);
  });

  it('is good where it answers in time', () => {
    const slow = load('1');
    circuits = create({ rowCount: 4 });
    for (let batch = 0; batch < 9; batch += 1) {
      circuits.answered(slow, { ...late(run(4)), deadlineMs: 1_000 });
    }
    expect(moves).toEqual([]);
  });

  it('has as many failed rows as it had rows where they are fewer', () => {
    const slow = load('1');
    circuits = create({ rowCount: 4 });
    circuits.answered(slow, late(run(1)));
    expect(moves).toEqual([]);
    circuits.answered(slow, late(run(1)));
    expect(moves).toEqual(['1 opened']);
  });
});
