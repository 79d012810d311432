/**
 * Mutated sketch bytes are refused with `state.corrupt`, or are a sound sketch in its only form.
 * `FUZZ_RUNS=1000000` asks for as many mutations, two minutes or so.
 */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CodedError } from '../../services/core/errors.ts';
import {
  type ColumnSketch,
  decodeColumnSketch,
  encodeColumnSketch,
  mergeColumnSketches,
} from '../../services/core/sketch/column-sketch.ts';
import { mutate, mutation } from './byte-mutations.ts';

const FOLDER = new URL('../golden/column-sketch-v1/', import.meta.url);
const ORIGINALS = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.bin'))
  .map((file) => new Uint8Array(readFileSync(new URL(file, FOLDER))));

function decodeOrRefuse(bytes: Uint8Array): ColumnSketch | null {
  try {
    return decodeColumnSketch(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(CodedError);
    expect((error as CodedError).code).toBe('state.corrupt');
    return null;
  }
}

const RUNS = Number(process.env.FUZZ_RUNS ?? 3_000);

test(`nothing else comes of any of ${RUNS} mutations`, { timeout: 30_000 + 2 * RUNS }, () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ORIGINALS),
      fc.array(mutation, { minLength: 1, maxLength: 3 }),
      (original, mutations) => {
        const bytes = mutate(original, mutations);
        const sketch = decodeOrRefuse(bytes);
        if (sketch === null) return;
        expect(Buffer.compare(encodeColumnSketch(sketch), bytes)).toBe(0);
        expect(mergeColumnSketches([sketch]).count).toBe(sketch.count);
        if (sketch.kind === 'categorical') {
          for (let index = 0; index < 3; index++) sketch.add(`another ${index}`);
          expect(sketch.cardinality).toBeGreaterThanOrEqual(sketch.counts.size);
          decodeColumnSketch(encodeColumnSketch(sketch));
          return;
        }
        if (sketch.count === 0) return;
        expect(sketch.quantile(0)).toBe(sketch.minimum);
        expect(sketch.quantile(1)).toBe(sketch.maximum);
        sketch.compact();
        const median = sketch.quantile(0.5);
        expect(median >= sketch.minimum && median <= sketch.maximum).toBe(true);
        decodeColumnSketch(encodeColumnSketch(sketch));
      },
    ),
    { numRuns: RUNS },
  );
});
