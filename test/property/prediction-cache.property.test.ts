/**
 * The prediction cache changes no answer: whatever is evicted, out of date, on its way or bypassed,
 * every row gets exactly the answer that a worker without a cache would have given it.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Cells } from '../../services/inference-worker/model-batch.ts';
import {
  createPredictionCache,
  type Flight,
} from '../../services/inference-worker/prediction-cache.ts';
import { PredictionEntries } from '../../services/inference-worker/prediction-cache-entries.ts';
import { createRowKey } from '../../services/inference-worker/prediction-cache-key.ts';

const DIGEST = 'd'.repeat(64);

/** Cells that are easily taken for one another. */
const cell = fc.oneof(
  fc.constantFrom(0, -0, Number.NaN, 1, 1 + Number.EPSILON, Infinity, null, '', '0', '1', 'NaN'),
  fc.constantFrom('a', 'a\u0000', '\ud800', '\udfff', '\ufffd', 'é', 'e\u0301'),
  fc.double(),
  fc.string({ unit: 'binary', maxLength: 40 }),
);
const cells = fc.tuple(cell, cell, cell);

const isSame = (left: Cells, right: Cells) => left.every((each, i) => Object.is(each, right[i]));

/** Of everything a model can tell apart: the sign of a zero, half a surrogate pair. */
const textOf = (row: Cells) =>
  JSON.stringify(
    row.map((each) =>
      typeof each === 'string'
        ? [...Array(each.length).keys()].map((i) => each.charCodeAt(i))
        : Object.is(each, -0)
          ? '-0'
          : String(each),
    ),
  );

describe('keys', () => {
  const key = createRowKey(DIGEST, [0, 1, 2]);

  it('are equal where the rows are, and only there', () => {
    fc.assert(
      fc.property(cells, cells, (left, right) => {
        expect(key(left) === key(right)).toBe(isSame(left, right));
        expect(key([...left])).toBe(key(left));
      }),
      { numRuns: 3_000 },
    );
  });

  it('keep neighbouring texts apart', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 4 });
    fc.assert(
      fc.property(fc.tuple(text, text, text), fc.tuple(text, text, text), (left, right) => {
        expect(key(left) === key(right)).toBe(isSame(left, right));
      }),
      { numRuns: 2_000 },
    );
  });
});

/** What the model says, or that it fails; by the row alone. */
function modelOf(row: Cells): readonly number[] | null {
  const text = textOf(row);
  let sum = text.length;
  for (let i = 0; i < text.length; i += 1) sum = (sum * 31 + text.charCodeAt(i)) % 1_000_003;
  return sum % 7 === 0 ? null : [sum, 1 / (1 + sum)];
}

type Step =
  | { readonly kind: 'ask'; readonly row: number; readonly times: number }
  | { readonly kind: 'settle'; readonly flight: number }
  | { readonly kind: 'wait'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('ask'),
      row: fc.nat(11),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('settle'), flight: fc.nat(20) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('wait'), ms: fc.integer({ min: 0, max: 60 }) }),
  },
);

describe('answers', () => {
  it('are those of the model, one for each row', () => {
    const seen = { hits: 0, joins: 0, bypassed: 0, evictions: 0, failed: 0 };
    fc.assert(
      fc.property(
        fc.array(cells, { minLength: 12, maxLength: 12 }),
        fc.array(step, { minLength: 60, maxLength: 150 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 400 }),
        // Looking up pays, or it does not and the cache steps aside.
        fc.constantFrom(0, 1),
        (pool, steps, entriesMax, ttlMs, lookupMs) => {
          let measuredMs = 0;
          const cache = createPredictionCache<number>({
            ...{ entriesMax, ttlMs, outputCount: 2 },
            monotonicMs: () => {
              measuredMs += lookupMs;
              return measuredMs;
            },
          });
          const model = cache.of({ digest: DIGEST, cellIndices: [0, 1, 2], rowMs: 0.5 });
          const rows: Cells[] = [];
          const answers: (readonly number[] | null)[][] = [];
          const flights: { readonly flight: Flight<number>; readonly row: number }[] = [];
          let nowMs = 0;

          const ask = (row: Cells) => {
            const index = rows.push(row) - 1;
            answers.push([]);
            const found = model.lookup(row, index, nowMs);
            if (found.kind === 'hit') answers[index]!.push(found.outputs);
            else if (found.kind === 'bypassed') answers[index]!.push(modelOf(row));
            else if (found.kind === 'missed') flights.push({ flight: found.flight, row: index });
          };
          const settle = (at: number) => {
            const [{ flight, row } = { flight: null, row: 0 }] = flights.splice(at, 1);
            if (flight === null) return;
            const outputs = modelOf(rows[row]!);
            for (const index of [row, ...model.settle(flight, outputs, nowMs)]) {
              answers[index]!.push(outputs);
            }
            expect(cache.entryCount()).toBeLessThanOrEqual(entriesMax);
          };

          for (let warm = 0; lookupMs > 0 && warm < 600; warm += 1) {
            ask([warm, warm, null]);
            settle(0);
          }
          for (const each of steps) {
            if (each.kind === 'wait') nowMs += each.ms;
            else if (each.kind === 'settle') settle(each.flight % Math.max(1, flights.length));
            else for (let time = 0; time < each.times; time += 1) ask(pool[each.row]!);
          }
          while (flights.length > 0) settle(0);

          for (const [index, row] of rows.entries()) {
            expect(answers[index]).toEqual([modelOf(row)]);
          }
          const { hits, joins, bypassed, misses } = model.counts();
          expect(hits + joins + bypassed + misses).toBe(rows.length);
          seen.hits += hits;
          seen.joins += joins;
          seen.bypassed += bypassed;
          seen.evictions += cache.evictionCount();
          seen.failed += rows.filter((row) => modelOf(row) === null).length;
        },
      ),
      { numRuns: 250 },
    );
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(100);
  });
});

describe('entries', () => {
  it('are those of a list kept in the order of use', () => {
    const key = fc.constantFrom(...'abcdefgh');
    const operation = fc.record({ key, ms: fc.nat(5), put: fc.boolean() });
    fc.assert(
      fc.property(
        fc.array(operation, { maxLength: 300 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 40 }),
        (operations, entriesMax, ttlMs) => {
          const entries = new PredictionEntries({ entriesMax, ttlMs, width: 1 });
          let list: { key: string; value: number; atMs: number }[] = [];
          let nowMs = 0;
          for (const [value, { key, ms, put }] of operations.entries()) {
            nowMs += ms;
            const known = list.find((each) => each.key === key);
            if (put) {
              entries.set(key, [value], nowMs);
              list = list.filter((each) => each !== known);
              list = [...list, { key, value, atMs: nowMs }].slice(-entriesMax);
            } else {
              const isYoung = known !== undefined && (ttlMs === 0 || nowMs < known.atMs + ttlMs);
              expect(entries.get(key, nowMs)).toEqual(isYoung ? [known.value] : null);
              list = list.filter((each) => each !== known);
              if (isYoung) list.push(known);
            }
            expect(entries.count).toBe(list.length);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it('are kept while the arrays grow under them', () => {
    const entries = new PredictionEntries({ entriesMax: 5_000, ttlMs: 0, width: 2 });
    for (let i = 0; i < 7_000; i += 1) entries.set(String(i), [i, -i], 0);
    expect(entries.count).toBe(5_000);
    expect(entries.evictions).toBe(2_000);
    for (let i = 0; i < 7_000; i += 1) {
      expect(entries.get(String(i), 0)).toEqual(i < 2_000 ? null : [i, -i]);
    }
  });
});
