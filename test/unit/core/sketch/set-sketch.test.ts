/** The set sketch: what it keeps, merging, and every way bytes can be wrong. */
import { describe, expect, test } from 'vitest';
import { CodedError } from '../../../../services/core/errors.ts';
import { setSpecificationFrom } from '../../../../services/core/sketch/fit-set.ts';
import { createSetSketch, mergeSetSketches } from '../../../../services/core/sketch/set-sketch.ts';
import {
  decodeSetSketch,
  encodeSetSketch,
} from '../../../../services/core/sketch/set-sketch-codec.ts';
import {
  parseSetSpecification,
  prepareSet,
  type SetSpecification,
} from '../../../../services/core/sketch/set-specification.ts';
import { columnNames, correlated, sampleRows, setOf } from './set-samples.ts';

const ROWS = sampleRows(correlated(4, 0.5), 3, 1_200);
const SPECIFICATION = setSpecificationFrom(ROWS, columnNames(4), 1)!;

describe('a set sketch', () => {
  test('leaves out and counts rows that lack a value', () => {
    const sketch = setOf(SPECIFICATION, [
      Float64Array.of(1, 2, 3, 4),
      Float64Array.of(1, Number.NaN, 3, 4),
      Float64Array.of(1, 2, 3, Infinity),
    ]);
    sketch.addLeftOut(2);
    expect([sketch.count, sketch.leftOutCount]).toEqual([1, 4]);
    expect(sketch.projections.map(({ count }) => count)).toEqual([1, 1, 1, 1]);
  });

  test('gives a value far out no more weight than the clipping', () => {
    const far = setOf(SPECIFICATION, [Float64Array.of(1e300, 0, 0, 0)]);
    const farther = setOf(SPECIFICATION, [Float64Array.of(Number.MAX_VALUE, 0, 0, 0)]);
    expect(encodeSetSketch(farther)).toEqual(encodeSetSketch(far));
    expect(Math.max(...far.state.sums)).toBe(5 * 256);
  });

  test('goes on, bit for bit, where the written one was', () => {
    for (const written of [0, 1, 100, 700]) {
      const whole = setOf(SPECIFICATION, ROWS.slice(0, written));
      const read = decodeSetSketch(encodeSetSketch(whole), SPECIFICATION);
      for (const row of ROWS.slice(written)) {
        whole.add(row);
        read.add(row);
      }
      expect(encodeSetSketch(read)).toEqual(encodeSetSketch(whole));
    }
  });

  test('is the same from the same seed, and another from another', () => {
    const again = setSpecificationFrom(ROWS, columnNames(4), 1)!;
    const other = setSpecificationFrom(ROWS, columnNames(4), 2)!;
    const sketch = setOf(SPECIFICATION, ROWS);
    expect(encodeSetSketch(setOf(again, ROWS))).toEqual(encodeSetSketch(sketch));
    expect(() => mergeSetSketches([sketch, setOf(other, ROWS)])).toThrow(/two specifications/);
    expect(() => decodeSetSketch(encodeSetSketch(sketch), other)).toThrow(/another specification/);
  });

  test('is merged into a new one and stays as it was', () => {
    const parts = [setOf(SPECIFICATION, ROWS.slice(0, 5)), setOf(SPECIFICATION, ROWS.slice(5, 9))];
    const before = parts.map(encodeSetSketch);
    expect(mergeSetSketches(parts).count).toBe(9);
    expect(parts.map(encodeSetSketch)).toEqual(before);
    expect(() => mergeSetSketches([])).toThrow(RangeError);
  });
});

describe('a specification', () => {
  test('has the median and the robust scale of each column', () => {
    const rows = ROWS.map((row) => row.map((value, index) => 10 ** index * (value + index)));
    const { columns } = setSpecificationFrom(rows, columnNames(4), 1)!;
    for (const [index, { centre, scale }] of columns.entries()) {
      expect(centre / 10 ** index).toBeCloseTo(index, 0);
      expect(scale / 10 ** index).toBeGreaterThan(0.9);
      expect(scale / 10 ** index).toBeLessThan(1.1);
    }
  });

  test('needs a hundred complete rows, and two columns', () => {
    const gaps = ROWS.map((row, index) => (index < 99 ? row : row.map(() => Number.NaN)));
    expect(setSpecificationFrom(gaps, columnNames(4), 1)).toBeNull();
    expect(() => setSpecificationFrom(ROWS, ['a'], 1)).toThrow(RangeError);
  });

  test('of constant columns is one all the same', () => {
    const rows = Array.from({ length: 100 }, () => Float64Array.of(0, -7));
    const specification = setSpecificationFrom(rows, ['a', 'b'], 1)!;
    expect(parseSetSpecification(JSON.parse(JSON.stringify(specification)))).toEqual(specification);
    expect(setOf(specification, rows).count).toBe(100);
  });

  test.each<[string, (specification: Record<string, unknown>) => unknown, RegExp]>([
    ['no object', () => [], /the set: expected an object/],
    ['one column', ({ columns }) => ({ columns: (columns as unknown[]).slice(1, 2) }), /2 to 64/],
    [
      'a column twice',
      (all) => ({
        ...all,
        columns: [(all.columns as unknown[])[0], (all.columns as unknown[])[0]],
      }),
      /twice/,
    ],
    [
      'a scale of 0',
      (all) => ({
        ...all,
        columns: [
          { name: 'a', centre: 0, scale: 0 },
          { name: 'b', centre: 0, scale: 1 },
        ],
      }),
      /column 1: scale: expected a number above 0/,
    ],
    ['a bandwidth of text', (all) => ({ ...all, bandwidth: '1' }), /bandwidth/],
    ['a million frequencies', (all) => ({ ...all, frequencyCount: 1e6 }), /frequencyCount/],
    ['half a projection', (all) => ({ ...all, projectionCount: 0.5 }), /projectionCount/],
    ['a negative seed', (all) => ({ ...all, seed: -1 }), /seed/],
  ])('with %s is refused', (_what, change, message) => {
    const value = change(JSON.parse(JSON.stringify(SPECIFICATION)));
    expect(() => parseSetSpecification(value)).toThrow(message);
    expect(() => parseSetSpecification(value)).toThrow(
      expect.objectContaining({ code: 'configuration.invalid' }),
    );
  });
});

// Hostile bytes, each written out by the grammar of schemas/set-sketch.md with one thing wrong.
const SMALL: SetSpecification = {
  columns: [
    { name: 'a', centre: 0, scale: 1 },
    { name: 'b', centre: 0, scale: 1 },
  ],
  bandwidth: 1,
  frequencyCount: 1,
  projectionCount: 1,
  seed: 1,
};
const FINGERPRINT = [...prepareSet(SMALL).fingerprint];
const MAGIC = [0x54, 0x47, 0x43, 0x53];

function double(value: number): number[] {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return [...bytes];
}

interface Parts {
  head: number[];
  fingerprint: number[];
  counts: number[];
  count: number[];
  sums: number[];
  products: number[];
  features: number[];
  /** Counts of the projection: its own, missing, NaN, +∞ and −∞. */
  projected: number[];
  compression: number[];
  buffer: number[];
}

/** The rows (1, 0.5) and (-1, 0.5). */
const SOUND: Parts = {
  head: [...MAGIC, 1, 4],
  fingerprint: FINGERPRINT,
  counts: [2, 1, 1],
  count: [2, 0],
  sums: [0, 256],
  products: [131_072, 0, 32_768],
  features: [1_000_000, -5],
  projected: [2, 0, 0, 0, 0],
  compression: [200, 1],
  buffer: [1, 0],
};

function set(change: Partial<Parts> = {}): Uint8Array {
  const all = { ...SOUND, ...change };
  const mean = all.buffer.reduce((sum, value) => sum + value, 0) / (all.buffer.length || 1);
  return Uint8Array.from([
    ...[...all.head, ...all.fingerprint, ...all.counts, ...all.count],
    ...[...all.sums, ...all.products, ...all.features].flatMap(double),
    ...[0, ...all.projected, ...double(mean), ...double(0.5), ...all.compression, 0],
    ...[all.buffer.length, ...all.buffer.flatMap(double)],
  ]);
}

const GIGABYTE = [128, 128, 128, 128, 4];

const HOSTILE: readonly (readonly [what: string, bytes: Uint8Array, message: RegExp])[] = [
  ['nothing at all', new Uint8Array(), /magic needs 1 bytes and 0 are left/],
  ['another magic', set({ head: [0x54, 0x47, 0x43, 0x54, 1, 4] }), /no magic/],
  ['version 2', set({ head: [...MAGIC, 2, 4] }), /version 2 is not known/],
  ['a column sketch', set({ head: [...MAGIC, 1, 1] }), /kind 1 is not that of a set/],
  ['an unknown kind', set({ head: [...MAGIC, 1, 5] }), /kind 5/],
  [
    'another specification',
    set({ fingerprint: [...FINGERPRINT.slice(1), FINGERPRINT[0]!] }),
    /another specification/,
  ],
  ['a gigabyte of columns', set({ counts: [...GIGABYTE, 1, 1] }), /columns is 1073741824, not 2/],
  ['no frequencies', set({ counts: [2, 0, 1] }), /frequencies is 0, not 1/],
  ['more projections', set({ counts: [2, 1, 2] }), /projections is 2, not 1/],
  ['a padded count', set({ count: [130, 0, 0] }), /more bytes than it takes/],
  ['a sum of NaN', set({ sums: [Number.NaN, 256] }), /sum is NaN/],
  ['an infinite product', set({ products: [Infinity, 0, 1] }), /sum of products is Infinity/],
  ['half a unit', set({ sums: [0.5, 256] }), /sum 0 is 0.5, not whole/],
  ['minus zero', set({ sums: [-0, 256] }), /minus zero/],
  ['negative squares', set({ products: [-1, 0, 32_768] }), /squares of column 0 is -1/],
  ['squares beyond the clipping', set({ products: [1e9, 0, 32_768] }), /squares of column 0 is/],
  ['a sum too large', set({ sums: [0, 300] }), /sum of column 1 is 300/],
  ['a product too large', set({ products: [131_072, 65_537, 32_768] }), /columns 0 and 1/],
  ['a feature too large', set({ features: [2_097_000, 2_097_000] }), /feature 0 is outside/],
  ['sums of no rows', set({ count: [0, 0] }), /squares of column 0 is 131072/],
  ['a row too many', set({ projected: [3, 0, 0, 0, 0] }), /count is 3 and the weights add up to 2/],
  [
    'a projection of fewer rows',
    set({ projected: [1, 0, 0, 0, 0], buffer: [1] }),
    /projection has 1 values and the set 2 rows/,
  ],
  ['a projection with NaN', set({ projected: [2, 0, 1, 0, 0] }), /not finite/],
  ['a projection with gaps', set({ projected: [2, 1, 0, 0, 0] }), /not finite/],
  ['another compression', set({ compression: [100] }), /compression of 100/],
  ['a projection too far out', set({ buffer: [1, 7.1] }), /beyond all clipped rows/],
  ['bytes after the end', Uint8Array.from([...set(), 0]), /1 bytes are left/],
];

describe('hostile bytes are refused', () => {
  test('the sound ones are not', () => {
    expect(encodeSetSketch(decodeSetSketch(set(), SMALL))).toEqual(set());
  });

  test.each(HOSTILE)('%s', (_what, bytes, message) => {
    expect(() => decodeSetSketch(bytes, SMALL)).toThrow(message);
    expect(() => decodeSetSketch(bytes, SMALL)).toThrow(
      expect.objectContaining({ name: 'CodedError', code: 'state.corrupt' }),
    );
  });

  test('a sketch cut anywhere', () => {
    const bytes = set();
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeSetSketch(bytes.subarray(0, length), SMALL)).toThrow(CodedError);
    }
  });
});

test('an empty one is sound', () => {
  const empty = createSetSketch(SMALL);
  expect(encodeSetSketch(decodeSetSketch(encodeSetSketch(empty), SMALL))).toEqual(
    encodeSetSketch(empty),
  );
});
