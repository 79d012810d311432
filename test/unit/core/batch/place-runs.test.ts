/** Where runs go: as fast as the better place within seconds, without going to and fro. */
import { describe, expect, it } from 'vitest';
import { BatchCost } from '../../../../services/core/batch/batch-cost.ts';
import { BatchSize } from '../../../../services/core/batch/batch-size.ts';
import {
  HOP_MS,
  INLINE_OVERHEAD_MS,
  type PlaceLimits,
  type RunPlace,
  RunPlacement,
} from '../../../../services/core/batch/place-runs.ts';
import { createDraw } from '../../../support/draw.ts';

const LIMITS: PlaceLimits = {
  rowsMax: 256,
  runMsMax: 100,
  inlineRunMsMax: 2,
  workerCount: 2,
  coreCount: 2,
};

interface Machine {
  runMs(rows: number): number;
  /** What a run takes on a worker of what it takes inline. */
  readonly slowdown: number;
}

const line = (fixedMs: number, perRowMs: number, slowdown = 1.3): Machine => ({
  runMs: (rows) => fixedMs + perRowMs * rows,
  slowdown,
});
const MACHINES: readonly (readonly [string, Machine])[] = [
  ['a tiny MLP', line(0.009, 0.000_14)],
  ['a model of 1 µs a row', line(0.02, 0.001)],
  ['a model of 4 µs a row', line(0.03, 0.004)],
  ['a model of 100 µs a row', line(0.03, 0.1)],
  ['a model of 5 ms a row', line(0, 5)],
  ['workers no faster than one thread', line(0.03, 0.004, 2.2)],
];

function inlineRate({ runMs }: Machine, rows: number): number {
  return rows / (runMs(rows) + INLINE_OVERHEAD_MS);
}

function workersRate({ runMs, slowdown }: Machine, rows: number): number {
  const onWorkerMs = runMs(rows) * slowdown;
  return rows * Math.min(2 / onWorkerMs, 2 / (onWorkerMs + HOP_MS), 1 / HOP_MS);
}

function bestStaticRate(machine: Machine): number {
  let best = 0;
  for (let rows = 1; rows <= LIMITS.rowsMax; rows += 1) {
    // A model of which not a few rows fit into the time has no place on this thread.
    const isInline = machine.runMs(rows) <= LIMITS.inlineRunMsMax && machine.runMs(4) <= 2;
    if (isInline) best = Math.max(best, inlineRate(machine, rows));
    best = Math.max(best, workersRate(machine, rows));
  }
  return best;
}

/** A version under full load, or under so many rows a millisecond. */
class Load {
  nowMs = 0;
  moves = 0;
  readonly placement: RunPlacement;
  readonly #cost: BatchCost;
  readonly #size: BatchSize;
  readonly #draw = createDraw(5);

  constructor(machine: Machine, place: RunPlace) {
    const samples = [1, 4, 16, 64, 256].map((rowCount) => ({
      rowCount,
      durationMs: machine.runMs(rowCount),
    }));
    this.#cost = new BatchCost(samples);
    this.#size = new BatchSize(this.#cost);
    this.placement = new RunPlacement(place, this.#cost, 0);
  }

  /** Rows a millisecond over that time. */
  run(machine: Machine, durationMs: number, offered = Number.POSITIVE_INFINITY): number {
    const startMs = this.nowMs;
    let total = 0;
    while (this.nowMs < startMs + durationMs) {
      const isInline = this.placement.place === 'inline';
      const limitMs = isInline ? LIMITS.inlineRunMsMax : LIMITS.runMsMax;
      const rowsMax = Math.min(
        LIMITS.rowsMax,
        this.placement.rowsMax,
        Math.max(1, this.#cost.rowsWithin(limitMs)),
      );
      const overheadMs = isInline ? INLINE_OVERHEAD_MS : HOP_MS;
      const wanted = this.#size.next(this.#size.preferred({ rowsMax, overheadMs }), {
        rowsMax,
        overheadMs,
      });
      const rows = offered === Number.POSITIVE_INFINITY ? wanted : 1;
      const noise = this.#draw(90, 110) / 100;
      const runMs = machine.runMs(rows) * (isInline ? 1 : machine.slowdown) * noise;
      const rate = isInline ? inlineRate(machine, rows) : workersRate(machine, rows);
      this.nowMs += (rows / Math.min(rate, offered)) * noise;
      total += rows;
      this.#cost.observe(rows, runMs);
      this.placement.ran(rows, runMs);
      const place = this.placement.decide(this.nowMs, LIMITS, 0);
      if (place === null) continue;
      this.moves += 1;
      this.placement.moved(place, this.nowMs);
    }
    return total / (this.nowMs - startMs);
  }
}

describe('RunPlacement', () => {
  describe.each(['inline', 'workers'] as const)('that starts %s', (place) => {
    it.each(MACHINES)(
      '%s: nine tenths of the best static choice within 5 s, and stays',
      (_name, machine) => {
        const load = new Load(machine, place);
        load.run(machine, 5_000);
        const before = load.moves;
        expect(load.run(machine, 8_000)).toBeGreaterThan(0.9 * bestStaticRate(machine));
        expect(load.moves - before).toBeLessThanOrEqual(2);
      },
    );
  });

  // How much slower a worker is belongs to the machine; a change of the model leaves it.
  const changes = MACHINES.flatMap(([fromName, from]) =>
    MACHINES.filter(([, to]) => to !== from && to.slowdown === from.slowdown).map(
      ([toName, to]) => [fromName, toName, from, to] as const,
    ),
  );
  it.each(changes)('%s becomes %s: nine tenths of the best within 5 s', (_from, _to, from, to) => {
    const load = new Load(from, 'inline');
    load.run(from, 2_000);
    load.run(to, 5_000);
    expect(load.run(to, 2_000)).toBeGreaterThan(0.9 * bestStaticRate(to));
  });

  it('a light model under light load comes back inline, and leaves again under load', () => {
    const machine = line(0.03, 0.004);
    const load = new Load(machine, 'inline');
    load.run(machine, 5_000);
    expect(load.placement.place).toBe('workers');
    load.run(machine, 5_000, 1);
    expect(load.placement.place).toBe('inline');
    load.run(machine, 5_000);
    expect(load.placement.place).toBe('workers');
  });

  it('stays where it is between the two', () => {
    const machine = line(0.03, 0.03);
    const load = new Load(machine, 'inline');
    // In full batches 33 rows a millisecond.
    load.run(machine, 10_000, 12);
    expect([load.moves, load.placement.place]).toEqual([0, 'inline']);
  });

  it('stays inline where it fills the thread only as its batches are small', () => {
    const machine = line(0.03, 0.004);
    const load = new Load(machine, 'inline');
    // Row by row 85 % of this thread, in full batches a tenth of it; on workers it would be faster.
    load.run(machine, 10_000, 25);
    expect([load.moves, load.placement.place]).toEqual([0, 'inline']);
  });

  it('goes to workers where other versions need this thread', () => {
    const machine = line(0.02, 0.000_1);
    const alone = new Load(machine, 'inline');
    alone.run(machine, 1_000);
    expect(alone.placement.place).toBe('inline');
    const { inline, workers } = alone.placement.throughput(LIMITS, 0.9);
    expect(workers).toBeGreaterThan(inline);
  });

  it('a model too slow for this thread goes to workers however little it runs', () => {
    const machine = line(0.1, 1);
    const load = new Load(machine, 'inline');
    load.run(machine, 5_000, 0.001);
    expect(load.placement.place).toBe('workers');
  });

  it('goes to and fro ever more rarely under a load that swings', () => {
    const machine = line(0.03, 0.004);
    const load = new Load(machine, 'inline');
    const swing = (minutes: number) => {
      const before = load.moves;
      for (let swings = 0; swings < 20 * minutes; swings += 1) {
        load.run(machine, 1_500);
        load.run(machine, 1_500, 1);
      }
      return load.moves - before;
    };
    swing(3);
    expect(swing(1)).toBeLessThanOrEqual(8);
    load.run(machine, 60_000);
    load.run(machine, 5_000, 1);
    expect(load.placement.place).toBe('inline');
  });
});
