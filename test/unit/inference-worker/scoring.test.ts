/** What rows and callers do to each other, and what a circuit, a cache and a fallback do together. */
import { describe, expect, it } from 'vitest';
import { BATCH_ROWS_MAX, POLL_RECORDS_MAX, QUEUE_ROWS_MAX } from '../../../services/core/limits.ts';
import type { Fallback } from '../../../services/core/monitor/monitor.ts';
import { createInferenceEvents } from '../../../services/inference-worker/events.ts';
import type { RowAnswer } from '../../../services/inference-worker/score-row.ts';
import { createScoring } from '../../../services/inference-worker/scoring.ts';
import { createVirtualClock } from '../../../services/platform/clock/virtual-clock.ts';
import { createMemoryTelemetry } from '../../../services/platform/telemetry/memory-telemetry.ts';
import { stationMonitor } from '../../support/embedded-run.ts';
import {
  createFakeModel,
  createFakeModelRuntime,
  FAKE_MODEL,
  POISON_LEVEL,
} from '../../support/fake-model.ts';
import { FAKE_FOLDER } from '../../support/fake-model-folder.ts';
import { createScoringBench } from '../../support/scoring-bench.ts';

const codesOf = (answers: readonly RowAnswer[]): readonly string[] =>
  answers.map((each) => (each.kind === 'answered' ? each.fallbackReason : each.rejection.code));

describe('callers beside the bus', () => {
  it('that fill the queue keep no event from being read and answered', async () => {
    const clock = createVirtualClock();
    const spec = { ...FAKE_MODEL, batch: { rowsMax: 256, bytesMax: 1e6, runMsMax: 100 } };
    const model = createFakeModel({ time: { clock, runMs: () => 1 } });
    const scoring = createScoring({
      ...{ monitor: stationMonitor({ model: spec }), spec, clock, isLive: true },
      modelRuntime: createFakeModelRuntime(model),
      modelFolder: FAKE_FOLDER,
      events: createInferenceEvents(createMemoryTelemetry()),
    });
    await scoring.start();
    const refusals: unknown[] = [];
    let answeredCalls = 0;
    const data = new Float32Array(BATCH_ROWS_MAX).fill(1);
    const inputs = new Map([['features', { type: 'float32', data, width: 1 }]] as const);
    const calls = QUEUE_ROWS_MAX / BATCH_ROWS_MAX + 4;
    for (let call = 0; call < calls; call += 1) {
      const request = { version: null, id: `${call}`, deadlineMs: null };
      const { signal } = new AbortController();
      scoring.backend
        .infer({ ...request, signal, batch: { rowCount: BATCH_ROWS_MAX, inputs } })
        .then(
          () => {
            answeredCalls += 1;
          },
          (error: unknown) => refusals.push(error),
        );
    }
    expect(scoring.hasRoom(POLL_RECORDS_MAX)).toBe(true);
    const answers: RowAnswer[] = [];
    const rows = Array.from({ length: POLL_RECORDS_MAX }, (_, index) => ({
      ...{ id: `e${index}`, cells: [index, 'Brest'], root: null },
    }));
    for (let polls = 0; polls < 2; polls += 1) {
      scoring.score(rows, (_, answer) => answers.push(answer));
    }
    await clock.advance(1_000);
    expect(answers).toHaveLength(2 * rows.length);
    expect(refusals.length).toBeGreaterThan(0);
    expect(answeredCalls + refusals.length).toBe(calls);
    for (const error of refusals) expect(error).toMatchObject({ code: 'inference.overload' });
    await scoring.close();
  });
});

describe('a half-open circuit', () => {
  const circuit = { failureShare: 0.5, rowCount: 20, openMs: 5_000 };
  const fallback: Fallback = { kind: 'constant', outputs: [0] };

  it('is tried by rows the model is asked about, not by those that need no run', async () => {
    let isBroken = false;
    const bench = createScoringBench({
      versions: { '1': { fails: (level) => isBroken && level > 100 } },
      spec: { circuit, fallback, cache: { entriesMax: 100, ttlMs: 0 } },
    });
    await bench.ask([1, 2, 3], 100);
    isBroken = true;
    await bench.ask(
      Array.from({ length: 40 }, (_, index) => 101 + index),
      100,
    );
    expect(bench.circuits).toEqual(['1 opened']);
    isBroken = false;
    await bench.clock.advance(circuit.openMs);
    // What the cache knows comes first, and is no trial.
    const known = await bench.ask(
      Array.from({ length: 30 }, (_, index) => 1 + (index % 3)),
      100,
    );
    expect(codesOf(known)).toEqual(known.map(() => ''));
    await bench.ask(
      Array.from({ length: 8 }, (_, index) => 200 + index),
      100,
    );
    expect(bench.circuits).toEqual(['1 opened', '1 closed']);
  });

  it('keeps nobody from the version where that is its own fallback', async () => {
    const bench = createScoringBench({
      versions: { '1': {} },
      spec: { circuit, fallback: { kind: 'version', version: '1' } },
    });
    const answers = await bench.ask([...Array(40).fill(POISON_LEVEL), 2], 100);
    expect(bench.circuits).toEqual(['1 opened']);
    expect(codesOf(answers).slice(-2)).toEqual(['inference.run', '']);
    expect(codesOf(await bench.ask([4]))).toEqual(['']);
  });
});

describe('a fallback rule without a value', () => {
  it('says so beside the first reason', async () => {
    const bench = createScoringBench({
      versions: { '1': {} },
      spec: { fallback: { kind: 'rule', expressions: ['event.other + 1'] } },
    });
    const [answer] = await bench.ask([POISON_LEVEL]);
    expect(answer).toMatchObject({
      rejection: { code: 'inference.run', message: expect.stringContaining('event.other') },
    });
  });
});

describe('a row that waits for its twin', () => {
  it('has a deadline of its own', async () => {
    const bench = createScoringBench({
      versions: { '1': {} },
      spec: {
        ...{ deadlineMs: 100, cache: { entriesMax: 10, ttlMs: 0 } },
        ...{ fallback: { kind: 'constant', outputs: [7] } },
        batch: { rowsMax: 1, bytesMax: 1e6, runMsMax: 1_000 },
      },
    });
    const model = bench.models.get('1')!;
    const { run } = model;
    Object.assign(model, {
      run: async (...args: Parameters<typeof run>) => {
        await bench.clock.sleep(120);
        return run(...args);
      },
    });
    const first = bench.ask([1, 2], 0);
    await first.catch(() => undefined);
    await bench.clock.advance(50);
    // The second row of before is late at 100 ms; its twin of now may wait until 150.
    const [twin] = await bench.ask([2]);
    expect(twin).toMatchObject({ kind: 'answered', fallbackReason: '', outputs: [1] });
  });
});
