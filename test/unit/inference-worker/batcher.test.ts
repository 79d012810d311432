/** The batcher on a virtual clock: what shares a batch, what a failure costs, how it starts and ends. */
import { beforeEach, describe, expect, it } from 'vitest';
import { CodedError, type ErrorCode } from '../../../services/core/errors.ts';
import {
  BISECT_RUNS_MAX,
  QUEUE_ROWS_MAX,
  SHADOW_QUEUE_ROWS_MAX,
  WORKER_RETRIES_MAX,
} from '../../../services/core/limits.ts';
import {
  type Batcher,
  type BatcherOptions,
  type BatchFacts,
  createBatcher,
} from '../../../services/inference-worker/batcher.ts';
import {
  createVirtualClock,
  type VirtualClock,
} from '../../../services/platform/clock/virtual-clock.ts';
import {
  createVirtualModel,
  rowsOfValues,
  type VirtualModel,
  type VirtualModelOptions,
} from '../../support/virtual-model.ts';

const POISON = -1;
const poisoned = (values: readonly number[]) =>
  values.includes(POISON) ? new CodedError('inference.run', 'a bad row') : null;
const lost = () => new CodedError('inference.worker', 'the thread ended');

let clock: VirtualClock;
let batcher: Batcher;
let ended: { readonly facts: BatchFacts; readonly error: unknown }[];
let placed: string[];
let shed: number;
/** Of every rejection. */
let messages: Set<string>;

beforeEach(() => {
  clock = createVirtualClock();
  ended = [];
  placed = [];
  shed = 0;
  messages = new Set();
  make();
});

function make(options: Partial<BatcherOptions> = {}): void {
  batcher = createBatcher({
    clock,
    limits: { rowsMax: 256, bytesMax: 1 << 20, runMsMax: 100 },
    placement: 'auto',
    workerCount: 2,
    coreCount: 2,
    onBatchEnd: (facts, error) => ended.push({ facts, error: error ?? null }),
    onPlaced: (version, placement) => placed.push(`${version} ${placement}`),
    onShed: (_version, rows) => {
      shed += rows;
    },
    ...options,
  });
}

function serve(
  options: Partial<VirtualModelOptions> = {},
  shadow = false,
  version = 'v',
): VirtualModel {
  const model = createVirtualModel(clock, { runMs: (rows) => 0.1 + rows * 0.001, ...options });
  batcher.serve(version, model, { shadow });
  return model;
}

/** Per row its score, or the code it failed with; absent until then. */
type Answers = (number | ErrorCode)[];

function ask(
  values: readonly number[],
  { version = 'v', deadlineMs = Number.POSITIVE_INFINITY } = {},
): Answers | null {
  const answers: Answers = [];
  let isWithinSubmit = true;
  const taken = batcher.submit({
    version,
    rows: rowsOfValues(values),
    deadlineMs,
    settle(fromRow, toRow, result) {
      expect(isWithinSubmit).toBe(false);
      for (let row = fromRow; row < toRow; row += 1) {
        expect(answers[row]).toBeUndefined();
        if (result.kind === 'failed') {
          answers[row] = result.rejection.code;
          messages.add(result.rejection.message);
          continue;
        }
        answers[row] = Number(result.outputs.get('y')!.data[result.outputRow + row - fromRow]);
        expect(result.batch.durationMs).toBeGreaterThan(0);
      }
    },
  });
  isWithinSubmit = false;
  return taken ? answers : null;
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const doubles = (values: readonly number[]) => values.map((value) => 2 * value);

describe('batches', () => {
  it('share what is submitted in one turn, and grow while a run is in flight', async () => {
    const model = serve();
    const first = [ask([1]), ask([2, 3])];
    await clock.advance(0.05);
    const later = [ask([4]), ask([5, 6]), ask([7])];
    await clock.advance(10);
    expect(model.runs.map(({ values }) => values)).toEqual([
      [1, 2, 3],
      [4, 5, 6, 7],
    ]);
    expect(first).toEqual([[2], [4, 6]]);
    expect(later).toEqual([[8], [10, 12], [14]]);
    expect(ended.map(({ facts }) => facts.trigger)).toEqual(['idle', 'idle']);
  });

  it('are views of a request that fills them', async () => {
    const model = serve({ runMs: (rows) => 1 + rows * 0.001 });
    const rows = rowsOfValues(upTo(600));
    const { buffer } = rows.inputs.get('x')!.data as Float64Array;
    let settled = 0;
    const settle = () => {
      settled += 1;
    };
    batcher.submit({ version: 'v', rows, deadlineMs: Infinity, settle });
    await clock.advance(10);
    expect(settled).toBe(model.runs.length);
    expect(model.runs.flatMap(({ values }) => values)).toEqual(upTo(600));
    for (const { batch, owned } of model.runs) {
      expect((batch.inputs.get('x')!.data as Float64Array).buffer).toBe(buffer);
      expect(owned).toBe(false);
    }
  });

  it('of several requests are copies: a worker may take them, this thread uses them again', async () => {
    const inline = serve();
    const worker = serve({ placement: 'workers' }, false, 'w');
    const asked = [];
    for (const version of ['v', 'w', 'v', 'w']) {
      asked.push([ask([1], { version }), ask([2, 3], { version })]);
      await clock.advance(10);
    }
    expect(asked).toEqual(asked.map(() => [[2], [4, 6]]));
    expect(inline.runs.map(({ owned }) => owned)).toEqual([false, false]);
    expect(worker.runs.map(({ owned }) => owned)).toEqual([true, true]);
    const [first, second] = worker.runs.map(({ batch }) => batch.inputs.get('x')!.data);
    expect(first).not.toBe(second);
  });

  it('are cut by rows, by bytes, by time and by the earliest deadline', async () => {
    make({ limits: { rowsMax: 64, bytesMax: 1 << 20, runMsMax: 100 } });
    serve();
    ask(upTo(65));
    await clock.advance(5);
    make({ limits: { rowsMax: 64, bytesMax: 80, runMsMax: 100 } });
    serve();
    ask(upTo(11));
    await clock.advance(5);
    make();
    serve({ runMs: (rows) => 0.5 + rows * 0.125, placement: 'inline' });
    ask(upTo(16));
    await clock.advance(5);
    serve({ runMs: (rows) => 0.01 + rows * 0.1, placement: 'workers' }, false, 'w');
    ask(upTo(20), { version: 'w', deadlineMs: clock.monotonicMs() + 1 });
    await clock.advance(5);
    expect(ended.map(({ facts }) => [facts.rows, facts.trigger])).toEqual([
      [64, 'rows'],
      [1, 'idle'],
      [10, 'bytes'],
      [1, 'idle'],
      [12, 'time'],
      [4, 'idle'],
      [9, 'deadline'],
      [9, 'deadline'],
      [2, 'idle'],
    ]);
  });

  it('take no more rows than a model with a fixed batch dimension', async () => {
    const model = serve({ batchRowsFixed: 8 });
    ask(upTo(20));
    await clock.advance(5);
    expect(model.runs.map(({ values }) => values.length)).toEqual([8, 8, 4]);
  });

  it('text inputs are joined like numbers', async () => {
    const model = serve();
    const seen: unknown[] = [];
    model.run = async (batch) => {
      seen.push(batch.inputs.get('t')!.data);
      return { outputs: new Map(), durationMs: 1 };
    };
    const settle = () => undefined;
    for (const data of [['a', 'b'], ['c']]) {
      const inputs = new Map([['t', { type: 'string', data, width: 1 }]] as const);
      const rows = { rowCount: data.length, inputs };
      batcher.submit({ version: 'v', rows, deadlineMs: Infinity, settle });
    }
    await clock.advance(5);
    expect(seen).toEqual([['a', 'b', 'c']]);
  });
});

describe('a row past its deadline', () => {
  it('is not run, and does not wait for a lane to hear it', async () => {
    const model = serve({ runMs: () => 50, placement: 'inline', costSamples: [] });
    ask([1]);
    await clock.advance(1);
    const late = ask([2], { deadlineMs: 10 });
    const patient = ask([3]);
    await clock.advance(9.5);
    expect(late).toEqual(['inference.deadline']);
    await clock.advance(100);
    expect(patient).toEqual([6]);
    expect(model.runs.flatMap(({ values }) => values)).toEqual([1, 3]);
  });
});

describe('a failing batch', () => {
  it('one bad row of 256 costs 18 further runs at most, and nobody else an answer', async () => {
    let most = 0;
    for (let bad = 0; bad < 256; bad += 1) {
      make();
      const model = serve({ fault: poisoned, placement: 'workers' });
      const values = upTo(256);
      values[bad] = POISON;
      const asked = [values.slice(0, 100), values.slice(100, 101), values.slice(101)].map(
        (v) => ask(v)!,
      );
      await clock.advance(100);
      const expected: unknown[] = doubles(values);
      expected[bad] = 'inference.run';
      expect(asked.flat()).toEqual(expected);
      most = Math.max(most, model.runs.length - 1);
    }
    expect(most).toBeLessThanOrEqual(18);
    expect(most).toBeGreaterThan(8);
  });

  it('rows that the budget does not isolate fail and say so; no row is run for ever', async () => {
    const model = serve({ fault: poisoned });
    const values = upTo(256).map((value) => (value % 3 === 0 ? POISON : value));
    const answers = ask(values)!;
    await clock.advance(200);
    expect(model.runs.length).toBe(1 + BISECT_RUNS_MAX);
    expect(answers.length).toBe(256);
    for (const [row, answer] of answers.entries()) {
      if (answer !== 'inference.run') expect(answer).toBe(2 * values[row]!);
    }
    expect([...messages].join()).toContain(`not isolated within ${BISECT_RUNS_MAX} further runs`);
  });

  it('does not hold up another version for longer than a run', async () => {
    serve({ fault: poisoned });
    const other = serve({}, false, 'other');
    const poisonous = ask(upTo(256).map(() => POISON))!;
    await clock.advance(0.1);
    ask([1], { version: 'other' });
    await clock.advance(1);
    expect(other.runs.length).toBe(1);
    expect(other.runs[0]!.endedMs).toBeLessThan(1);
    await clock.advance(100);
    expect(poisonous.length).toBe(256);
  });

  it('a request of other tensors than its neighbours fails alone', async () => {
    serve();
    const odd: string[] = [];
    const good = ask([1, 2]);
    batcher.submit({
      version: 'v',
      rows: { rowCount: 1, inputs: new Map() },
      deadlineMs: Infinity,
      settle: (_from, _to, result) => odd.push(result.kind),
    });
    await clock.advance(10);
    expect(good).toEqual([2, 4]);
    expect(odd.length).toBe(1);
  });

  it('its late rows are not run again', async () => {
    serve({ fault: poisoned, runMs: () => 10, costSamples: [] });
    const late = ask([1, POISON], { deadlineMs: 5 });
    const good = ask([3, 4]);
    await clock.advance(100);
    expect(late).toEqual(['inference.deadline', 'inference.deadline']);
    expect(good).toEqual([6, 8]);
  });

  it('its late rows are answered once, and the others of their piece as usual', async () => {
    const model = serve({ fault: poisoned, runMs: () => 10, costSamples: [] });
    const late = ask([1], { deadlineMs: 5 });
    const others = ask([POISON, ...upTo(6)]);
    await clock.advance(200);
    expect(late).toEqual(['inference.deadline']);
    expect(others).toEqual(['inference.run', ...doubles(upTo(6))]);
    expect(model.runs.filter(({ values }) => values.length < 8 && values[0] === 1).length).toBe(1);
  });

  it('an exception nobody foresaw is an internal failure of its rows, and the next batch runs', async () => {
    const model = serve({ fault: (_values, run) => (run === 0 ? new TypeError('a bug') : null) });
    const first = ask([1, 2]);
    await clock.advance(5);
    const second = ask([3]);
    await clock.advance(5);
    expect([first, second]).toEqual([['internal.failure', 'internal.failure'], [6]]);
    expect(model.runs.length).toBe(2);
  });
});

describe('a lost worker', () => {
  it('loses nothing: the same batch runs again', async () => {
    const model = serve({
      fault: (_values, run) => (run < 2 ? lost() : null),
      placement: 'workers',
    });
    const answers = ask(upTo(10));
    await clock.advance(20);
    expect(answers).toEqual(doubles(upTo(10)));
    expect(model.runs.map(({ values }) => values)).toEqual([upTo(10), upTo(10), upTo(10)]);
  });

  it('a row that ends every worker it meets fails alone', async () => {
    const model = serve({
      fault: (values) => (values.includes(POISON) ? lost() : null),
      placement: 'workers',
    });
    const answers = ask([...upTo(63), POISON]);
    await clock.advance(100);
    expect(answers).toEqual([...doubles(upTo(63)), 'inference.run']);
    expect(model.runs.length - 1).toBeLessThanOrEqual(2 * WORKER_RETRIES_MAX + 12);
  });
});

describe('queues', () => {
  it('are bounded: submit says no and changes nothing, and says yes again later', async () => {
    serve();
    const block = upTo(1_024);
    const taken = [];
    while (batcher.hasRoom('v', block.length)) taken.push(ask(block)!);
    expect(taken.length).toBe(QUEUE_ROWS_MAX / block.length);
    expect(ask(block)).toBeNull();
    await clock.advance(1_000);
    expect(taken.every((answers) => answers.length === block.length)).toBe(true);
    expect(shed).toBe(0);
    expect(ask(block)).not.toBeNull();
  });

  it('of a shadow shed, and count what they shed', async () => {
    serve({}, true);
    const block = upTo(SHADOW_QUEUE_ROWS_MAX / 2);
    expect([ask(block), ask(block)]).not.toContain(null);
    expect(ask([1, 2, 3])).toBeNull();
    expect(shed).toBe(3);
  });

  it('a version that is not served is a mistake of the caller', () => {
    expect(() => ask([1])).toThrow('model version v is not served');
  });
});

describe('a shadow', () => {
  it('waits while anything else does, and runs when there is room', async () => {
    const primary = serve();
    const shadow = serve({}, true, 's');
    ask(upTo(10), { version: 's' });
    for (let block = 0; block < 5; block += 1) ask(upTo(200));
    await clock.advance(20);
    const lastPrimary = Math.max(...primary.runs.map(({ submittedMs }) => submittedMs));
    expect(shadow.runs[0]!.submittedMs).toBeGreaterThan(lastPrimary);
    expect(shadow.runs.length).toBe(1);
  });

  it.each([
    { coreCount: 2, placement: 'inline', isApart: false },
    { coreCount: 3, placement: 'inline', isApart: true },
    { coreCount: 4, placement: 'workers', isApart: false },
    { coreCount: 5, placement: 'workers', isApart: true },
  ] as const)(
    'on workers rests from its runs where they take a core of others ($coreCount, $placement)',
    async ({ coreCount, placement, isApart }) => {
      make({ coreCount });
      serve({ placement });
      const shadow = serve({ placement: 'workers', runMs: (rows) => rows }, true, 's');
      ask(upTo(100), { version: 's' });
      for (let ms = 0; ms < 2_000; ms += 1) {
        ask([ms]);
        await clock.advance(1);
      }
      if (isApart) expect(shadow.runs.length).toBeGreaterThan(5);
      else expect(shadow.runs.length).toBe(1);
    },
  );

  it('that is retired while others never rest lets go of what waits, and is gone', async () => {
    serve({ runMs: () => 1 });
    serve({}, true, 's');
    for (let block = 0; block < 20; block += 1) ask(upTo(256));
    ask([1, 2, 3], { version: 's' });
    await clock.advance(2.5);
    let isGone = false;
    void batcher.retire('s').then(() => {
      isGone = true;
    });
    await clock.advance(0.1);
    expect(isGone).toBe(true);
  });

  it('that becomes primary keeps what waits and what has been learned, and waits no longer', async () => {
    const primary = serve({ runMs: () => 1 });
    const shadow = serve({}, true, 's');
    const waiting = ask([5], { version: 's' });
    for (let block = 0; block < 20; block += 1) ask(upTo(256));
    await clock.advance(2.5);
    expect(shadow.runs.length).toBe(0);
    batcher.serve('s', shadow, { shadow: false });
    await clock.advance(3);
    expect(waiting).toEqual([10]);
    expect(primary.runs.length).toBeLessThan(20);
  });
});

describe('serving', () => {
  it('switches to another model at once; what is in flight finishes on the old one', async () => {
    const old = serve({ runMs: () => 10, costSamples: [] });
    const first = ask([1]);
    await clock.advance(1);
    const second = ask([2]);
    const model = serve();
    let isReleased = false;
    void batcher.released(old).then(() => {
      isReleased = true;
    });
    await clock.advance(5);
    expect(isReleased).toBe(false);
    await clock.advance(50);
    expect([first, second, isReleased]).toEqual([[2], [4], true]);
    expect([old.runs.length, model.runs.length]).toEqual([1, 1]);
  });

  it('retires a version when the last of its rows is settled', async () => {
    serve({ runMs: () => 10, fault: poisoned, costSamples: [] });
    const answers = ask([1, POISON])!;
    let isRetired = false;
    void batcher.retire('v').then(() => {
      isRetired = true;
    });
    expect(() => ask([1])).toThrow('not served');
    await clock.advance(15);
    expect(isRetired).toBe(false);
    await clock.advance(50);
    expect([isRetired, answers]).toEqual([true, [2, 'inference.run']]);
    serve();
    expect(ask([1])).not.toBeNull();
  });

  it('goes where the monitor says, and moves by itself where it may', async () => {
    make({ placement: 'workers' });
    const fixed = serve();
    await clock.advance(1);
    expect([fixed.placements, placed]).toEqual([['inline', 'workers'], ['v workers']]);

    make({ placement: 'auto' });
    placed = [];
    const heavy = serve({ runMs: (rows) => 0.1 + 0.05 * rows });
    await load(600);
    expect([heavy.placement, placed]).toEqual(['workers', ['v inline', 'v workers']]);
    expect(heavy.runs.at(-1)!.placement).toBe('workers');
  });

  it('stays on workers where it must not be opened on this thread, as light as it may be', async () => {
    for (const isInlineable of [true, false]) {
      const model = serve({
        placement: 'workers',
        isInlineable,
        runMs: () => 0.1,
        costSamples: [],
      });
      await load(2_000);
      expect(model.placement).toBe(isInlineable ? 'inline' : 'workers');
    }
  });

  it('a move that fails is reported and leaves the version running where it is', async () => {
    const failures: unknown[] = [];
    make({ onPlaceFailed: (version, error) => failures.push([version, error]) });
    const model = serve({ runMs: (rows) => 0.1 + 0.05 * rows });
    const reason = new Error('no thread');
    model.place = async () => {
      throw reason;
    };
    const all = await load(600);
    await batcherDrained();
    expect(failures).toEqual([['v', reason]]);
    expect(all.every((answers) => answers.length === 64)).toBe(true);
  });
});

async function load(durationMs: number): Promise<readonly Answers[]> {
  const all: Answers[] = [];
  for (let ms = 0; ms < durationMs; ms += 10) {
    for (let blocks = 0; blocks < 4; blocks += 1) all.push(ask(upTo(64))!);
    await clock.advance(10);
  }
  return all;
}

async function batcherDrained(): Promise<void> {
  let isOver = false;
  void batcher.drain().then(() => {
    isOver = true;
  });
  while (!isOver) await clock.advance(10);
}

describe('the end', () => {
  it('drain runs all that waits and says why', async () => {
    serve();
    const answers = ask(upTo(300))!;
    await batcherDrained();
    expect(answers.length).toBe(300);
    expect(ended.at(-1)!.facts.trigger).toBe('drain');
    ask([1]);
    await clock.advance(5);
    expect(ended.at(-1)!.facts.trigger).toBe('idle');
  });

  it('close fails what waits, waits for what runs, and leaves no timer behind', async () => {
    const model = serve({ runMs: () => 10, fault: poisoned, costSamples: [] });
    const running = ask([1, POISON]);
    await clock.advance(1);
    const waiting = ask([2], { deadlineMs: 1_000_000 });
    let isClosed = false;
    void batcher.close().then(() => {
      isClosed = true;
    });
    await clock.advance(1);
    expect([waiting, isClosed]).toEqual([['inference.overload'], false]);
    await clock.advance(20);
    // The run in flight fails, and nothing is run again.
    expect(running).toEqual(['inference.overload', 'inference.overload']);
    expect([isClosed, model.runs.length]).toEqual([true, 1]);
    expect(ask([3])).toBeNull();
    expect(batcher.hasRoom('v', 1)).toBe(false);
  });
});
