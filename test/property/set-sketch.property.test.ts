/**
 * Laws of the set sketch and its distances: sums do not depend on how rows were split or in which
 * order parts were merged, and mutated bytes are refused or are a sound sketch in its only form.
 * `FUZZ_RUNS=1000000` asks for as many mutations.
 */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  correlationChange,
  correlations,
} from '../../services/core/distance/correlation-change.ts';
import { mmd } from '../../services/core/distance/mmd.ts';
import { CodedError } from '../../services/core/errors.ts';
import {
  createSetSketch,
  mergeSetSketches,
  type SetSketch,
} from '../../services/core/sketch/set-sketch.ts';
import { decodeSetSketch, encodeSetSketch } from '../../services/core/sketch/set-sketch-codec.ts';
import { SET_COLUMNS_MAX } from '../../services/core/sketch/set-specification.ts';
import { GOLDEN_SPECIFICATION } from '../unit/core/sketch/golden-set-sketches.ts';
import { setOf } from '../unit/core/sketch/set-samples.ts';
import { mutate, mutation } from './byte-mutations.ts';

const FOLDER = new URL('../golden/set-sketch-v1/', import.meta.url);
const ORIGINALS = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.bin'))
  .map((file) => new Uint8Array(readFileSync(new URL(file, FOLDER))));

const number = fc.oneof(
  { weight: 8, arbitrary: fc.double({ min: -60, max: 60, noNaN: true }) },
  { weight: 1, arbitrary: fc.double() },
);
const row = fc
  .tuple(number, number, number)
  .map(([a, b, c]) => Float64Array.of(a, b / 10, c / 1_000 - 3));
const rows = fc.array(row, { maxLength: 60 });

function numbersOf(sketch: SetSketch): unknown {
  const { count, leftOutCount, sums, products, features, projections } = sketch.state;
  const digests = projections.map((projection) => [projection.count, projection.minimum]);
  return { count, leftOutCount, sums, products, features, digests };
}

describe('merging', () => {
  test('gives the same sums however rows are split and in whatever order', () => {
    fc.assert(
      fc.property(fc.array(rows, { minLength: 1, maxLength: 5 }), fc.nat(), (parts, turn) => {
        const sketches = parts.map((part) => setOf(GOLDEN_SPECIFICATION, part));
        const whole = numbersOf(setOf(GOLDEN_SPECIFICATION, parts.flat()));
        const first = turn % sketches.length;
        const turned = [...sketches.slice(first), ...sketches.slice(0, first)];
        expect(numbersOf(mergeSetSketches(sketches))).toEqual(whole);
        expect(numbersOf(mergeSetSketches(turned))).toEqual(whole);
        const nested = mergeSetSketches([
          mergeSetSketches(sketches.slice(0, first + 1)),
          ...sketches.slice(first + 1),
        ]);
        expect(numbersOf(nested)).toEqual(whole);
      }),
    );
  });

  test('gives the same bytes from the same parts', () => {
    fc.assert(
      fc.property(fc.array(rows, { minLength: 1, maxLength: 4 }), (parts) => {
        const sketches = parts.map((part) => setOf(GOLDEN_SPECIFICATION, part));
        const reread = sketches.map((sketch) =>
          decodeSetSketch(encodeSetSketch(sketch), GOLDEN_SPECIFICATION),
        );
        expect(encodeSetSketch(mergeSetSketches(reread))).toEqual(
          encodeSetSketch(mergeSetSketches(sketches)),
        );
      }),
    );
  });
});

test('what is written is read back to the same bytes', () => {
  fc.assert(
    fc.property(rows, fc.nat(1e9), fc.boolean(), (added, leftOut, isSealed) => {
      const sketch = setOf(GOLDEN_SPECIFICATION, added);
      sketch.addLeftOut(leftOut);
      if (isSealed) sketch.compact();
      const bytes = encodeSetSketch(sketch);
      expect(encodeSetSketch(decodeSetSketch(bytes, GOLDEN_SPECIFICATION))).toEqual(bytes);
    }),
  );
});

describe('distances', () => {
  test('are 0 on identical sets, symmetric and in range', () => {
    fc.assert(
      fc.property(rows, rows, (left, right) => {
        const a = setOf(GOLDEN_SPECIFICATION, left);
        const b = setOf(GOLDEN_SPECIFICATION, right);
        for (const [distance, most] of [
          [correlationChange, 2],
          [mmd, Math.SQRT2],
        ] as const) {
          expect(distance(a, a)).toBe(0);
          expect(distance(a, b)).toBeCloseTo(distance(b, a), 12);
          expect(distance(a, b)).toBeGreaterThanOrEqual(0);
          expect(distance(a, b)).toBeLessThanOrEqual(most);
        }
        for (const r of correlations(a)) expect(Math.abs(r) <= 1 || Number.isNaN(r)).toBe(true);
      }),
    );
  });
});

test('equal rows have one place in feature space, however many columns there are', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: SET_COLUMNS_MAX }), fc.nat(1_000), (dimension, seed) => {
      const columns = Array.from({ length: dimension }, (_, index) => ({
        name: `c${index}`,
        centre: 0,
        scale: 1,
      }));
      const specification = { ...GOLDEN_SPECIFICATION, columns, seed };
      const sketch = createSetSketch(specification);
      const added = new Float64Array(dimension).fill(1.5);
      for (let index = 0; index < 20; index++) sketch.add(added);
      // The mean of their features is then of length 1.
      let square = 0;
      for (const sum of sketch.state.features) square += (sum / 20 / 2 ** 20) ** 2;
      expect(square / specification.frequencyCount).toBeCloseTo(1, 4);
      expect(encodeSetSketch(decodeSetSketch(encodeSetSketch(sketch), specification))).toEqual(
        encodeSetSketch(sketch),
      );
    }),
    { numRuns: 30 },
  );
});

const RUNS = Number(process.env.FUZZ_RUNS ?? 2_000);

test(`nothing else comes of any of ${RUNS} mutations`, { timeout: 30_000 + 2 * RUNS }, () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ORIGINALS),
      fc.array(mutation, { minLength: 1, maxLength: 3 }),
      (original, mutations) => {
        const bytes = mutate(original, mutations);
        let sketch: SetSketch;
        try {
          sketch = decodeSetSketch(bytes, GOLDEN_SPECIFICATION);
        } catch (error) {
          expect(error).toBeInstanceOf(CodedError);
          expect((error as CodedError).code).toBe('state.corrupt');
          return;
        }
        expect(Buffer.compare(encodeSetSketch(sketch), bytes)).toBe(0);
        const merged = mergeSetSketches([sketch, sketch]);
        expect(merged.count).toBe(2 * sketch.count);
        expect(mmd(sketch, merged)).toBeGreaterThanOrEqual(0);
        sketch.add(Float64Array.of(40, 2, -3));
        sketch.compact();
        decodeSetSketch(encodeSetSketch(sketch), GOLDEN_SPECIFICATION);
      },
    ),
    { numRuns: RUNS },
  );
});
