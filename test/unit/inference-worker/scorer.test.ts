/** What becomes of a row whose version gives no usable answer, and what is asked beside and after it. */
import { describe, expect, it } from 'vitest';
import type { Fallback, Policy } from '../../../services/core/monitor/monitor.ts';
import type { RowAnswer } from '../../../services/inference-worker/score-row.ts';
import { POISON_LEVEL } from '../../support/fake-model.ts';
import { createScoringBench } from '../../support/scoring-bench.ts';

const double = (level: number) => 2 * level;

function outputsOf(answers: readonly RowAnswer[]): readonly (readonly number[] | string)[] {
  return answers.map((each) => (each.kind === 'answered' ? each.outputs : each.rejection.code));
}

function versionsOf(answers: readonly RowAnswer[]): readonly string[] {
  return answers.map((each) => (each.kind === 'answered' ? `${each.variant} ${each.version}` : ''));
}

describe('a row that its version fails on', () => {
  const levels = [1, POISON_LEVEL, 3, null];
  const codes = ['', 'inference.run', '', 'inference.output'];

  it('is rejected with the reason where nothing stands in, and its neighbours are answered', async () => {
    const { ask } = createScoringBench({ versions: { '1': {} } });
    expect(outputsOf(await ask(levels))).toEqual([[0.5], codes[1], [1.5], codes[3]]);
  });

  it.each<[string, Fallback, (number[] | string)[], string]>([
    ['a constant', { kind: 'constant', outputs: [9] }, [[0.5], [9], [1.5], [9]], '1'],
    [
      'a rule, where it has a value,',
      { kind: 'rule', expressions: ['event.level + 1'] },
      [[0.5], [POISON_LEVEL + 1], [1.5], 'inference.output'],
      '1',
    ],
    [
      'another version, where that one can,',
      { kind: 'version', version: '2' },
      [[0.5], [2 * POISON_LEVEL], [1.5], 'inference.output'],
      '2',
    ],
  ])('gets the answer of %s and says why', async (_, fallback, expected, version) => {
    const versions = { '1': {}, '2': { score: double, fails: () => false } };
    const { ask } = createScoringBench({ versions, spec: { fallback } });
    const answers = await ask(levels);
    expect(outputsOf(answers)).toEqual(expected);
    for (const [index, answer] of answers.entries()) {
      if (answer.kind === 'rejected') continue;
      const isStandIn = codes[index] !== '';
      expect(answer.fallbackReason).toBe(codes[index]);
      expect(answer.variant).toBe(isStandIn ? 'fallback' : 'primary');
      expect(answer.version).toBe(isStandIn ? version : '1');
      const raw = fallback.kind === 'version' || !isStandIn ? answer.outputs : [];
      expect(answer.rawOutputs).toEqual(raw);
    }
  });

  it('is rejected with the first reason where the fallback version fails on it too', async () => {
    const fallback: Fallback = { kind: 'version', version: '2' };
    const versions = { '1': { score: () => Number.NaN }, '2': { fails: () => true } };
    const { ask } = createScoringBench({ versions, spec: { fallback } });
    expect(outputsOf(await ask([1]))).toEqual(['inference.output']);
  });
});

describe('a deadline', () => {
  it('that passes while a row waits sends it to the fallback, live only', async () => {
    const fallback: Fallback = { kind: 'constant', outputs: [7] };
    for (const isLive of [true, false]) {
      const bench = createScoringBench({
        ...{ versions: { '1': {} }, isLive },
        spec: { fallback, deadlineMs: 100, batch: { rowsMax: 1, bytesMax: 1e6, runMsMax: 1_000 } },
      });
      const model = bench.models.get('1')!;
      const { run } = model;
      Object.assign(model, {
        run: async (...args: Parameters<typeof run>) => {
          await bench.clock.sleep(60);
          return run(...args);
        },
      });
      const answers = await bench.ask([1, 2, 3, 4]);
      const late = ['', '', 'inference.deadline', 'inference.deadline'];
      expect(answers.map((each) => (each.kind === 'answered' ? each.fallbackReason : '?'))).toEqual(
        isLive ? late : ['', '', '', ''],
      );
    }
  });
});

describe('a circuit', () => {
  const circuit = { failureShare: 0.5, rowCount: 20, openMs: 5_000 };
  const fallback: Fallback = { kind: 'constant', outputs: [0] };

  it('opens after too many failures, asks nobody meanwhile, and closes after good trials', async () => {
    let isBroken = true;
    const versions = { '1': { fails: () => isBroken } };
    const bench = createScoringBench({ versions, spec: { circuit, fallback } });
    await bench.ask(Array(40).fill(1), 100);
    expect(bench.circuits).toEqual(['1 opened']);
    const runs = bench.models.get('1')!.runs.length;
    const answers = await bench.ask(Array(40).fill(1), 100);
    expect(answers.map((each) => (each.kind === 'answered' ? each.fallbackReason : ''))).toEqual(
      Array(40).fill('inference.circuit'),
    );
    expect(bench.models.get('1')!.runs).toHaveLength(runs);
    isBroken = false;
    await bench.clock.advance(circuit.openMs);
    await bench.ask(Array(40).fill(1), 100);
    expect(bench.circuits).toEqual(['1 opened', '1 closed']);
    expect(outputsOf(await bench.ask([4]))).toEqual([[2]]);
  });

  it('says so and goes on asking where nothing stands in', async () => {
    const bench = createScoringBench({ versions: { '1': {} }, spec: { circuit } });
    const answers = await bench.ask([...Array(40).fill(POISON_LEVEL), 2], 100);
    expect(bench.circuits).toEqual(['1 opened']);
    expect(outputsOf(answers).at(-1)).toEqual([1]);
    expect(outputsOf(await bench.ask([4]))).toEqual([[2]]);
  });
});

describe('policies', () => {
  const policies: readonly Policy[] = [
    {
      ...{ name: 'cap', when: null },
      action: { kind: 'bounds', bounds: new Map([['risk', [null, 5]]]) },
    },
    { name: 'test', when: 'event.level == 3', action: { kind: 'suppress' } },
  ];

  it('come after the model; what it said is kept beside what came of it', async () => {
    const { ask } = createScoringBench({ versions: { '1': {} }, spec: { policies } });
    const answers = await ask([2, 20, 3]);
    expect(answers).toMatchObject([
      { outputs: [1], rawOutputs: [1], policies: [], suppressed: false },
      { outputs: [5], rawOutputs: [10], policies: ['cap'], suppressed: false },
      { outputs: [1.5], rawOutputs: [1.5], policies: ['test'], suppressed: true },
    ]);
  });
});

describe('a shadow', () => {
  it('is asked about what was answered, beside what was said, and answers nothing', async () => {
    const versions = { '1': {}, '2': { score: double } };
    const bench = createScoringBench({ versions, plan: { shadow: '2' } });
    const answers = await bench.ask([1, POISON_LEVEL, 3]);
    expect(versionsOf(answers)).toEqual(['primary 1', '', 'primary 1']);
    expect(bench.shadows).toMatchObject([
      { version: '2', outputs: [2], answeredVersion: '1', answeredOutputs: [0.5] },
      { version: '2', outputs: [6], answeredVersion: '1', answeredOutputs: [1.5] },
    ]);
  });

  it('that fails changes no answer', async () => {
    const versions = { '1': {}, '2': { fails: () => true } };
    const bench = createScoringBench({ versions, plan: { shadow: '2' } });
    expect(outputsOf(await bench.ask([1, 2]))).toEqual([[0.5], [1]]);
    expect(bench.shadows).toEqual([]);
  });
});

describe('a cache', () => {
  it('gives twins one run and one answer, and a failure that lies in the row to all of them', async () => {
    const spec = { cache: { entriesMax: 100, ttlMs: 60_000 } };
    const bench = createScoringBench({ versions: { '1': {} }, spec });
    const answers = await bench.ask([4, 4, POISON_LEVEL, 4, POISON_LEVEL]);
    expect(outputsOf(answers)).toEqual([[2], [2], 'inference.run', [2], 'inference.run']);
    const rows = bench.models.get('1')!.runs[0];
    expect(rows).toBe(2);
  });
});

describe('versions', () => {
  it('share the events by id, each with its own arithmetic, and every row has one answer', async () => {
    const versions = { '1': {}, '2': { score: double } };
    const plan = { canary: { version: '2', share: 0.3 } };
    const bench = createScoringBench({ versions, plan });
    const answers = await bench.ask(Array.from({ length: 2_000 }, (_, index) => index));
    const canary = answers.filter((each) => each.kind === 'answered' && each.variant === 'canary');
    expect(canary.length).toBeGreaterThan(500);
    expect(canary.length).toBeLessThan(700);
    for (const [level, each] of answers.entries()) {
      if (each.kind !== 'answered' || level === POISON_LEVEL) continue;
      expect(each.outputs).toEqual([each.version === '2' ? 2 * level : level / 2]);
    }
  });
});
