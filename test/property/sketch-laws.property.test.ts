/** Laws every sketch keeps, whatever goes in and however it is split, read, written and merged. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CategoricalSketch } from '../../services/core/sketch/categorical-sketch.ts';
import {
  type ColumnSketch,
  createColumnSketch,
  decodeColumnSketch,
  encodeColumnSketch,
  mergeColumnSketches,
} from '../../services/core/sketch/column-sketch.ts';
import { NumericSketch } from '../../services/core/sketch/numeric-sketch.ts';
import { TDigest } from '../../services/core/sketch/t-digest.ts';
import { DISTRIBUTIONS, rankError, sample } from '../unit/core/sketch/samples.ts';

const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
/** A sample that a failing property prints as what it was made from. */
function described(...[distribution, seed, count]: Parameters<typeof sample>): Float64Array {
  const text = () => `sample('${distribution}', ${seed}, ${count})`;
  return Object.assign(sample(distribution, seed, count), { [fc.toStringMethod]: text });
}

/** Seeded samples reach the merging passes; arbitrary doubles reach the corners. */
const values = fc.oneof(
  fc.array(finite, { maxLength: 40 }).map((array) => Float64Array.from(array)),
  fc
    .tuple(fc.constantFrom(...DISTRIBUTIONS), fc.nat(), fc.integer({ min: 1, max: 6_000 }))
    .map(([distribution, seed, count]) => described(distribution, seed, count)),
);
const RUNS = { numRuns: 60 };

function bytesOf(digest: TDigest): Uint8Array {
  return encodeColumnSketch(new NumericSketch(digest));
}

/** What may happen to a numeric sketch between two values. */
type Interruption = 'read' | 'encode' | 'restart' | 'merge-nothing';
const interruptions = fc.array(
  fc.tuple(
    fc.integer({ min: 0, max: 6_000 }),
    fc.constantFrom<Interruption>('read', 'encode', 'restart', 'merge-nothing'),
  ),
  { maxLength: 8 },
);

function interrupt(sketch: NumericSketch, what: Interruption): NumericSketch {
  if (what === 'read') {
    sketch.quantile(0.3);
    sketch.cdf(0.1);
  } else if (what === 'merge-nothing') sketch.mergeAll([new NumericSketch()]);
  else {
    const bytes = encodeColumnSketch(sketch);
    if (what === 'restart') return decodeColumnSketch(bytes) as NumericSketch;
  }
  return sketch;
}

function feed(input: Float64Array, breaks: readonly (readonly [number, Interruption])[] = []) {
  let sketch = new NumericSketch();
  input.forEach((value, index) => {
    for (const [at, what] of breaks) if (at === index) sketch = interrupt(sketch, what);
    sketch.add(value);
  });
  return sketch;
}

test('reading, writing, restarting and empty merges never change what a sketch becomes', () => {
  fc.assert(
    fc.property(values, interruptions, fc.boolean(), (input, breaks, compacted) => {
      const plain = feed(input);
      const interrupted = feed(input, breaks);
      if (compacted) {
        plain.compact();
        interrupted.compact();
      }
      expect(encodeColumnSketch(interrupted)).toEqual(encodeColumnSketch(plain));
    }),
    RUNS,
  );
});

test('decode after encode is the identity, on sketch and on bytes', () => {
  fc.assert(
    fc.property(values, fc.nat(5), fc.boolean(), (input, missing, compacted) => {
      const sketch = feed(input);
      sketch.addMissing(missing);
      sketch.add(Number.NaN);
      if (compacted) sketch.compact();
      const bytes = encodeColumnSketch(sketch);
      const decoded = decodeColumnSketch(bytes) as NumericSketch;
      expect(encodeColumnSketch(decoded)).toEqual(bytes);
      expect(decoded.count).toBe(sketch.count);
      expect([decoded.minimum, decoded.maximum]).toEqual([sketch.minimum, sketch.maximum]);
      expect(decoded.mean).toBe(sketch.mean);
      expect(decoded.quantile(0.37)).toBe(sketch.quantile(0.37));
    }),
    RUNS,
  );
});

test('weights in the buffer survive a restart', () => {
  const weighted = fc.array(fc.tuple(finite, fc.integer({ min: 1, max: 1_000 })), {
    maxLength: 1_200,
  });
  fc.assert(
    fc.property(weighted, fc.nat(1_200), (input, at) => {
      const plain = new NumericSketch(new TDigest());
      let restarted = new NumericSketch(new TDigest());
      input.forEach(([value, weight], index) => {
        // Only a digest takes weights, so it is compared and restored without the column around it.
        if (index === at) restarted = new NumericSketch(TDigest.restore(restarted.digest.state));
        plain.digest.add(value, weight);
        restarted.digest.add(value, weight);
      });
      expect(encodeColumnSketch(restarted)).toEqual(encodeColumnSketch(plain));
    }),
    RUNS,
  );
});

test('a compacted sketch is compact: compacting again changes nothing', () => {
  fc.assert(
    fc.property(values, (input) => {
      const sketch = feed(input);
      sketch.compact();
      const bytes = encodeColumnSketch(sketch);
      sketch.compact();
      expect(encodeColumnSketch(sketch)).toEqual(bytes);
    }),
    RUNS,
  );
});

test('quantiles rise with q, cdf rises with x, and both stay in range', () => {
  fc.assert(
    fc.property(values, fc.array(fc.double({ min: 0, max: 1, noNaN: true })), (input, shares) => {
      fc.pre(input.length > 0);
      const sketch = feed(input);
      const sorted = input.slice().sort();
      expect([sketch.quantile(0), sketch.quantile(1)]).toEqual([
        sorted[0]! + 0,
        sorted[sorted.length - 1]! + 0,
      ]);
      let quantile = -Infinity;
      for (const q of [...shares].sort((a, b) => a - b)) {
        expect(sketch.quantile(q)).toBeGreaterThanOrEqual(quantile);
        quantile = sketch.quantile(q);
        expect(quantile).toBeGreaterThanOrEqual(sketch.minimum);
        expect(quantile).toBeLessThanOrEqual(sketch.maximum);
      }
      let share = 0;
      for (const x of sorted) {
        expect(sketch.cdf(x)).toBeGreaterThanOrEqual(share);
        share = sketch.cdf(x);
        expect(share).toBeLessThanOrEqual(1);
      }
    }),
    RUNS,
  );
});

describe('any way of splitting and merging', () => {
  /** Merges a random tree: each step replaces some sketches by their merge. */
  function mergeTree(parts: ColumnSketch[], cuts: readonly number[]): ColumnSketch {
    const open = [...parts];
    for (const cut of cuts) {
      if (open.length < 2) break;
      const taken = open.splice(cut % open.length, 2 + (cut % 4));
      open.push(mergeColumnSketches(taken));
    }
    return mergeColumnSketches(open);
  }

  const splits = fc.array(fc.nat(6_000), { maxLength: 12 });

  test('of a numeric column keeps the weight and the extremes, and its rank error small', () => {
    fc.assert(
      fc.property(
        values,
        splits,
        fc.array(fc.nat()),
        fc.boolean(),
        (input, at, cuts, compacted) => {
          const bounds = [0, ...at.map((cut) => cut % (input.length + 1)), input.length];
          bounds.sort((a, b) => a - b);
          const parts = bounds
            .slice(1)
            .map((end, index) => feed(input.subarray(bounds[index], end)));
          if (compacted) for (const part of parts) part.compact();
          const merged = mergeTree(parts, cuts) as NumericSketch;
          expect(merged.count).toBe(input.length);
          expect(merged.minimum).toBe(Math.min(...input.map((value) => value + 0)));
          expect(merged.maximum).toBe(Math.max(...input.map((value) => value + 0)));
          const sorted = input.slice().sort();
          for (let q = 0.05; input.length > 0 && q < 1; q += 0.05) {
            expect(rankError(sorted, q, merged.quantile(q))).toBeLessThan(0.01);
          }
        },
      ),
      RUNS,
    );
  });

  test('merging all at once does not depend on the order of the parts', () => {
    fc.assert(
      fc.property(values, fc.integer({ min: 1, max: 9 }), (input, count) => {
        const parts = Array.from({ length: count }, (_, part) => {
          const digest = new TDigest();
          digest.addMany(input.filter((_value, index) => index % count === part));
          return digest;
        });
        const forward = new TDigest();
        forward.merge(parts);
        const backward = new TDigest();
        backward.merge([...parts].reverse());
        expect(bytesOf(backward)).toEqual(bytesOf(forward));
      }),
      RUNS,
    );
  });

  test('of a categorical column gives the counts of the whole', () => {
    const texts = fc.array(fc.string({ unit: 'binary', maxLength: 4 }), { maxLength: 300 });
    fc.assert(
      fc.property(texts, splits, fc.array(fc.nat()), (input, at, cuts) => {
        const bounds = [0, ...at.map((cut) => cut % (input.length + 1)), input.length];
        bounds.sort((a, b) => a - b);
        const whole = createColumnSketch('categorical');
        for (const text of input) whole.add(text);
        const parts = bounds.slice(1).map((end, index) => {
          const part = createColumnSketch('categorical');
          for (const text of input.slice(bounds[index], end)) part.add(text);
          return part;
        });
        const bytes = encodeColumnSketch(whole);
        expect(encodeColumnSketch(mergeTree(parts, cuts))).toEqual(bytes);
        expect((decodeColumnSketch(bytes) as CategoricalSketch).counts).toEqual(whole.counts);
        expect(encodeColumnSketch(decodeColumnSketch(bytes))).toEqual(bytes);
      }),
      RUNS,
    );
  });
});
