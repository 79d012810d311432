/** Mutated sketch bytes are refused with `state.corrupt`, or are a sound sketch in its only form. */
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

const FOLDER = new URL('../golden/column-sketch-v1/', import.meta.url);
const ORIGINALS = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.bin'))
  .map((file) => new Uint8Array(readFileSync(new URL(file, FOLDER))));

/** Half of the positions in the head, where the lengths are. */
const position = fc.oneof(fc.nat(60), fc.nat(30_000));
const mutation = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), at: position, byte: fc.nat(255) }),
  fc.record({ kind: fc.constant('cut' as const), at: position, byte: fc.nat(255) }),
  fc.record({ kind: fc.constant('insert' as const), at: position, byte: fc.nat(255) }),
  fc.record({ kind: fc.constant('remove' as const), at: position, byte: fc.nat(255) }),
);

interface Mutation {
  readonly kind: 'set' | 'cut' | 'insert' | 'remove';
  readonly at: number;
  readonly byte: number;
}

function mutate(bytes: Uint8Array, mutations: readonly Mutation[]): Uint8Array {
  const mutated = [...bytes];
  for (const { kind, at, byte } of mutations) {
    const index = at % (mutated.length + 1);
    if (kind === 'set' && index < mutated.length) mutated[index] = byte;
    else if (kind === 'cut') mutated.length = index;
    else if (kind === 'insert') mutated.splice(index, 0, byte);
    else if (kind === 'remove') mutated.splice(index, 1);
  }
  return Uint8Array.from(mutated);
}

function decodeOrRefuse(bytes: Uint8Array): ColumnSketch | null {
  try {
    return decodeColumnSketch(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(CodedError);
    expect((error as CodedError).code).toBe('state.corrupt');
    return null;
  }
}

test('nothing else comes of any mutation', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ORIGINALS),
      fc.array(mutation, { minLength: 1, maxLength: 3 }),
      (original, mutations) => {
        const bytes = mutate(original, mutations);
        const sketch = decodeOrRefuse(bytes);
        if (sketch === null) return;
        expect(encodeColumnSketch(sketch)).toEqual(bytes);
        expect(mergeColumnSketches([sketch]).count).toBe(sketch.count);
        if (sketch.kind === 'categorical' || sketch.count === 0) return;
        expect(sketch.quantile(0)).toBe(sketch.minimum);
        expect(sketch.quantile(1)).toBe(sketch.maximum);
        sketch.compact();
        const median = sketch.quantile(0.5);
        expect(median >= sketch.minimum && median <= sketch.maximum).toBe(true);
        decodeColumnSketch(encodeColumnSketch(sketch));
      },
    ),
    { numRuns: 3_000 },
  );
});
