/** The prediction cache: what it answers, what it forgets, and when it steps aside. */
import { describe, expect, it } from 'vitest';
import type { Cells } from '../../../services/inference-worker/model-batch.ts';
import {
  createPredictionCache,
  type Lookup,
  type VersionCache,
} from '../../../services/inference-worker/prediction-cache.ts';
import { createRowKey } from '../../../services/inference-worker/prediction-cache-key.ts';

const DIGEST = 'd'.repeat(64);

/** A clock that moves by `stepMs` with every look at it. */
function steppingClock(stepMs: number): () => number {
  let nowMs = 0;
  return () => {
    nowMs += stepMs;
    return nowMs;
  };
}

function createCache(options: { entriesMax?: number; ttlMs?: number; lookupMs?: number } = {}) {
  const { entriesMax = 100, ttlMs = 1_000, lookupMs = 0 } = options;
  const cache = createPredictionCache<string>({
    ...{ entriesMax, ttlMs, outputCount: 2 },
    monotonicMs: steppingClock(lookupMs),
  });
  const of = (digest: string, rowMs = 1) => cache.of({ digest, cellIndices: [0, 2], rowMs });
  return { cache, of, model: of(DIGEST) };
}

const row = (value: number, rest = 'x'): Cells => [value, rest, rest];

/** Looks a row up and, where it is not known, scores it. */
function score(model: VersionCache<string>, cells: Cells, nowMs = 0): Lookup<string>['kind'] {
  const found = model.lookup(cells, 'row', nowMs);
  if (found.kind === 'missed') model.settle(found.flight, [Number(cells[0]), 0.5], nowMs);
  return found.kind;
}

describe('a row that comes again', () => {
  it('has the answer of the first time, until its time is over', () => {
    const { model } = createCache();
    expect(score(model, row(7), 0)).toBe('missed');
    expect(model.lookup(row(7), 'again', 999)).toEqual({ kind: 'hit', outputs: [7, 0.5] });
    expect(score(model, row(7), 1_000)).toBe('missed');
    // Asking does not make an answer younger, a new one does.
    expect(score(model, row(7), 1_999)).toBe('hit');
  });

  it('has it for ever where the time is 0', () => {
    const { model } = createCache({ ttlMs: 0 });
    score(model, row(7), 0);
    expect(score(model, row(7), 1e15)).toBe('hit');
  });

  it('is the same row whatever is in cells the model does not take', () => {
    const { model } = createCache();
    score(model, [7, 'a', 'x']);
    expect(score(model, [7, 'b', 'x'])).toBe('hit');
    expect(score(model, [7, 'a', 'y'])).toBe('missed');
  });

  it('is another row to another model file, and the same to one loaded again', () => {
    const { cache, of, model } = createCache();
    score(model, row(7));
    expect(score(of('e'.repeat(64)), row(7))).toBe('missed');
    expect(score(of(DIGEST), row(7))).toBe('hit');
    expect(cache.entryCount()).toBe(2);
  });
});

describe('twins', () => {
  it('wait for the one that is on its way, and come out in their order', () => {
    const { model } = createCache();
    const first = model.lookup(row(7), 'first', 0);
    expect(model.lookup(row(7), 'second', 0).kind).toBe('joined');
    expect(model.lookup(row(7), 'third', 0).kind).toBe('joined');
    expect(model.lookup(row(8), 'other', 0).kind).toBe('missed');
    const { flight } = first as Extract<typeof first, { kind: 'missed' }>;
    expect(model.settle(flight, [1, 2], 0)).toEqual(['second', 'third']);
    expect(model.lookup(row(7), 'fourth', 0)).toEqual({ kind: 'hit', outputs: [1, 2] });
    expect(model.counts()).toEqual({ hits: 1, misses: 2, joins: 2, bypassed: 0 });
  });

  it('come out where there is no answer, and nothing is kept', () => {
    const { cache, model } = createCache();
    const first = model.lookup(row(7), 'first', 0);
    model.lookup(row(7), 'second', 0);
    const { flight } = first as Extract<typeof first, { kind: 'missed' }>;
    expect(model.settle(flight, null, 0)).toEqual(['second']);
    expect(cache.entryCount()).toBe(0);
    expect(model.lookup(row(7), 'third', 0).kind).toBe('missed');
  });

  it('come out once, and a late settling does not touch the next flight', () => {
    const { cache, model } = createCache();
    const first = model.lookup(row(7), 'first', 0);
    model.lookup(row(7), 'twin', 0);
    const { flight } = first as Extract<typeof first, { kind: 'missed' }>;
    expect(model.settle(flight, null, 0)).toEqual(['twin']);
    const second = model.lookup(row(7), 'second', 0);
    model.lookup(row(7), 'third', 0);
    expect(model.settle(flight, [9, 9], 0)).toEqual([]);
    expect(cache.entryCount()).toBe(0);
    const next = (second as Extract<typeof second, { kind: 'missed' }>).flight;
    expect(model.settle(next, [1, 2], 0)).toEqual(['third']);
  });
});

describe('a full cache', () => {
  it('forgets what was used longest ago', () => {
    const { cache, model } = createCache({ entriesMax: 3 });
    for (const value of [1, 2, 3]) score(model, row(value));
    score(model, row(1));
    score(model, row(4));
    expect(cache.entryCount()).toBe(3);
    expect(cache.evictionCount()).toBe(1);
    expect([1, 3, 4].map((value) => score(model, row(value)))).toEqual(['hit', 'hit', 'hit']);
    expect(score(model, row(2))).toBe('missed');
  });

  it('does not count entries whose time was over as evicted', () => {
    const { cache, model } = createCache({ entriesMax: 2 });
    score(model, row(1), 0);
    score(model, row(2), 0);
    score(model, row(3), 1_000);
    expect(cache.evictionCount()).toBe(0);
    score(model, row(4), 1_000);
    score(model, row(5), 1_000);
    expect(cache.evictionCount()).toBe(1);
  });
});

describe('a cache that does not pay', () => {
  /** Looked up of so many rows, `same` of every ten the same row. */
  function lookedUp(model: VersionCache<string>, rows: number, same: number): number {
    const before = model.counts().bypassed;
    for (let index = 0; index < rows; index += 1) {
      score(model, row(index % 10 < same ? -1 : next++));
    }
    return rows - (model.counts().bypassed - before);
  }
  let next = 0;

  it('steps aside where no row comes again, and looks again now and then', () => {
    const { model } = createCache({ entriesMax: 10_000, lookupMs: 0.001 });
    expect(lookedUp(model, 1_000, 0)).toBe(512);
    expect(lookedUp(model, 1_000_000, 0)).toBeLessThan(1_000_000 / 12);
  });

  it('stays where rows come again and the model is dear', () => {
    const { model } = createCache({ lookupMs: 0.001 });
    expect(lookedUp(model, 100_000, 5)).toBe(100_000);
  });

  it('is weighed by what a hit saves', () => {
    const { of } = createCache({ lookupMs: 0.001 });
    // Half of the rows are hits: half of 4 µs is more than a lookup and half a store, half of 2 is not.
    expect(lookedUp(of('a', 0.004), 50_000, 5)).toBe(50_000);
    expect(lookedUp(of('b', 0.002), 50_000, 5)).toBeLessThan(50_000 / 10);
  });

  it('is hardly asked for a model that is cheaper than a lookup, until it is told otherwise', () => {
    const { of } = createCache({ lookupMs: 0.001 });
    const model = of('a', 0.0005);
    lookedUp(model, 1_000, 9);
    expect(lookedUp(model, 1_000_000, 9)).toBeLessThan(1_000_000 / 900);
    for (let batch = 0; batch < 100; batch += 1) model.tellRowMs(1);
    lookedUp(model, 100_000, 9);
    expect(lookedUp(model, 100_000, 9)).toBe(100_000);
  });

  it('comes back when rows begin to come again, however far apart', () => {
    const { model } = createCache({ entriesMax: 4_000, lookupMs: 0.001 });
    lookedUp(model, 20_000, 0);
    const before = model.counts();
    for (let index = 0; index < 1_000_000; index += 1) score(model, row(-(index % 3_500)));
    const { hits } = model.counts();
    expect(hits - before.hits).toBeGreaterThan(500_000);
  });

  it('leaves again when they stop', () => {
    const { model } = createCache({ lookupMs: 0.001 });
    lookedUp(model, 20_000, 5);
    lookedUp(model, 5_000, 0);
    expect(lookedUp(model, 100_000, 0)).toBeLessThan(100_000 / 10);
  });
});

describe('a key', () => {
  const key = createRowKey(DIGEST, [0, 1]);

  it('is the same for equal cells, however large the row before was', () => {
    const first = key([1, 'a']);
    key(['x'.repeat(10_000), 'y'.repeat(10_000)]);
    expect(key([1, 'a'])).toBe(first);
    expect(key([1, 'a', 'more'])).toBe(first);
  });

  it('is another one where a missing cell trades places with a number made for it', () => {
    const bytes = Buffer.from([7, 7, 7, 7, 7, 7, 7, 1]);
    const shifted = Buffer.from([1, 7, 7, 7, 7, 7, 7, 7]);
    expect(key([null, bytes.readDoubleLE()])).not.toBe(key([shifted.readDoubleLE(), null]));
  });

  it('is the same for every NaN, and another one for a missing cell', () => {
    const odd = new Float64Array(new BigUint64Array([0xfff8_0000_0000_0001n]).buffer)[0]!;
    expect(key([odd, null])).toBe(key([Number.NaN, null]));
    expect(key([Number.NaN, null])).not.toBe(key([null, null]));
    expect(key([1])).toBe(key([1, null]));
  });
});
