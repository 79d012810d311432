/** The column sketch as a whole: both kinds, merging, and every way bytes can be wrong. */
import { describe, expect, test } from 'vitest';
import { CodedError } from '../../../../services/core/errors.ts';
import { CATEGORIES_MAX } from '../../../../services/core/limits.ts';
import {
  createColumnSketch,
  decodeColumnSketch,
  encodeColumnSketch,
  mergeColumnSketches,
} from '../../../../services/core/sketch/column-sketch.ts';
import { HyperLogLog } from '../../../../services/core/sketch/hyper-log-log.ts';
import { sketchOf } from './samples.ts';

test('a sketch is made by column type', () => {
  expect(createColumnSketch('numeric').kind).toBe('numeric');
  expect(createColumnSketch('categorical').kind).toBe('categorical');
});

describe('merging', () => {
  test('makes a new sketch and leaves the parts as they were', () => {
    const parts = [sketchOf([1, 2]), sketchOf([3])];
    const before = parts.map(encodeColumnSketch);
    const merged = mergeColumnSketches(parts);
    expect(merged.count).toBe(3);
    expect(parts.map(encodeColumnSketch)).toEqual(before);
  });

  test('refuses nothing, and two kinds', () => {
    expect(() => mergeColumnSketches([])).toThrow(RangeError);
    const kinds = [createColumnSketch('numeric'), createColumnSketch('categorical')];
    expect(() => mergeColumnSketches(kinds)).toThrow(CodedError);
  });
});

test('equal states give equal bytes, in whatever order categories came', () => {
  const [left, right] = [createColumnSketch('categorical'), createColumnSketch('categorical')];
  for (const value of ['b', 'a', 'c', 'a']) left.add(value);
  for (const value of ['c', 'a', 'a', 'b']) right.add(value);
  expect(encodeColumnSketch(left)).toEqual(encodeColumnSketch(right));
});

test('bytes may lie anywhere in a larger buffer', () => {
  const bytes = encodeColumnSketch(sketchOf([1, 2, 3]));
  const larger = new Uint8Array(bytes.length + 7);
  larger.set(bytes, 3);
  expect(decodeColumnSketch(larger.subarray(3, 3 + bytes.length)).count).toBe(3);
});

// Hostile bytes, each written out by the grammar of schemas/column-sketch.md with one thing wrong.
const MAGIC = [0x54, 0x47, 0x43, 0x53];

function double(value: number): number[] {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return [...bytes];
}

interface NumericParts {
  flags: number;
  count: number[];
  mean: number;
  m2: number;
  compression: number[];
  means: number[];
  weights: number[][];
  bits: number[];
  bufferLength: number[];
  buffer: number[];
  bufferWeights: number[][];
}

/** 1, a mixed centroid of 4 values around 2, 3, and 2.5 in the buffer. */
const SOUND: NumericParts = {
  flags: 0,
  count: [7],
  mean: 2.1,
  m2: 2,
  compression: [200, 1],
  means: [1, 2, 3],
  weights: [[1], [4], [1]],
  bits: [0b010],
  bufferLength: [1],
  buffer: [2.5],
  bufferWeights: [],
};

function numeric(parts: Partial<NumericParts> = {}): Uint8Array {
  const all = { ...SOUND, ...parts };
  return Uint8Array.from([
    ...[...MAGIC, 1, 1, all.flags, ...all.count, 0, 0, 0, 0],
    ...[...double(all.mean), ...double(all.m2), ...all.compression],
    ...[all.means.length, ...all.means.flatMap(double), ...all.weights.flat(), ...all.bits],
    ...[...all.bufferLength, ...all.buffer.flatMap(double), ...all.bufferWeights.flat()],
  ]);
}

/** Missing 0, other 0, then the categories. */
function categorical(...tail: number[]): Uint8Array {
  return Uint8Array.from([...MAGIC, 1, 2, 0, 0, ...tail]);
}

/** Missing 0, five others of which one category has at most 3, "a" once or up to twice more. */
function beyond(
  parts: { absent?: number; other?: number; error?: number; registers?: Uint8Array } = {},
): Uint8Array {
  const seen = new HyperLogLog();
  seen.add('a');
  const { absent = 3, other = 5, error = 2, registers = seen.registers } = parts;
  return Uint8Array.from([...MAGIC, 1, 3, 0, other, absent, 1, ...A_ONCE, error, ...registers]);
}

const A_ONCE = [1, 97, 1];
const GIGABYTE = [128, 128, 128, 128, 4];
const MINUS_ONE = [255, 255, 255, 255, 255, 255, 255, 255, 255, 1];

const HOSTILE: readonly (readonly [what: string, bytes: Uint8Array, message: RegExp])[] = [
  ['nothing at all', new Uint8Array(), /magic needs 1 bytes and 0 are left/],
  ['another magic', Uint8Array.from([0x54, 0x47, 0x43, 0x54, 1, 1]), /no magic/],
  ['version 0', Uint8Array.from([...MAGIC, 0, 1]), /version 0 is not known/],
  ['version 2', Uint8Array.from([...MAGIC, 2, 1]), /version 2 is not known/],
  ['an unknown kind', Uint8Array.from([...MAGIC, 1, 4]), /kind 4 is not known/],
  ['an unknown flag', numeric({ flags: 2 }), /flags 2/],
  ['bytes after the end', Uint8Array.from([...numeric(), 0]), /1 bytes are left/],
  ['a mean of NaN', numeric({ mean: Number.NaN }), /mean is NaN/],
  ['an infinite mean', numeric({ mean: Infinity }), /mean is Infinity/],
  ['a mean above every value', numeric({ mean: 3.1 }), /mean 3.1 is not between 1 and 3/],
  ['a mean below every value', numeric({ mean: 0.9 }), /mean 0.9 is not between 1 and 3/],
  ['an M2 of NaN', numeric({ m2: Number.NaN }), /M2 is NaN/],
  ['a negative M2', numeric({ m2: -1 }), /M2 is -1/],
  ['a compression too small', numeric({ compression: [19] }), /compression 19/],
  ['a compression too large', numeric({ compression: [233, 7] }), /compression 1001/],
  ['a centroid at NaN', numeric({ means: [1, Number.NaN, 3] }), /mean of a centroid is NaN/],
  ['an infinite centroid', numeric({ means: [1, 2, Infinity] }), /mean of a centroid is Infinity/],
  ['minus zero', numeric({ means: [-0, 2, 3] }), /minus zero/],
  ['descending centroids', numeric({ means: [1, 4, 3] }), /descend at centroid 2/],
  ['a repeated centroid', numeric({ means: [1, 1, 3], bits: [0] }), /centroid 1 repeats/],
  ['a weight of zero', numeric({ weights: [[1], [0], [1]] }), /weight of a centroid is 0/],
  ['a negative weight', numeric({ weights: [[1], MINUS_ONE, [1]] }), /beyond 2\^53/],
  ['a padded weight', numeric({ weights: [[1], [132, 0], [1]] }), /more bytes than it takes/],
  [
    'a mixed centroid of one value',
    numeric({ weights: [[1], [1], [4]] }),
    /mixed and has a weight/,
  ],
  ['a first centroid that is mixed', numeric({ bits: [0b011] }), /first or the last/],
  ['a last centroid that is mixed', numeric({ bits: [0b110] }), /first or the last/],
  ['a mixed bit for no centroid', numeric({ bits: [0b1010] }), /belongs to no centroid/],
  ['a wrong count', numeric({ count: [8] }), /count is 8 and the weights add up to 7/],
  ['a NaN in the buffer', numeric({ buffer: [Number.NaN] }), /buffered value is NaN/],
  ['more buffer than bytes', numeric({ bufferLength: [2] }), /needs 16 bytes and 8 are left/],
  ['a gigabyte of buffer', numeric({ bufferLength: GIGABYTE }), /buffer length is 1073741824/],
  [
    'buffered weights that are all 1',
    numeric({ flags: 1, bufferWeights: [[1]] }),
    /every buffered weight is 1/,
  ],
  [
    'a buffered weight of zero',
    numeric({ flags: 1, bufferWeights: [[0]] }),
    /weight of a buffered value is 0/,
  ],
  [
    'a gigabyte of centroids',
    Uint8Array.from([...numeric().subarray(0, 30), ...GIGABYTE, 0, 0]),
    /number of centroids is 1073741824/,
  ],
  [
    'more centroids than bytes',
    Uint8Array.from([...numeric().subarray(0, 30), 200, 1, ...double(1)]),
    /number of centroids needs 1800 bytes and 8 are left/,
  ],
  [
    'moments without values',
    numeric({ count: [0], means: [], weights: [], bits: [], bufferLength: [0], buffer: [] }),
    /moments without a value/,
  ],
  ['more categories than bytes', categorical(3, ...A_ONCE), /needs 6 bytes and 3 are left/],
  ['too many categories', categorical(129, 8), new RegExp(`more than ${CATEGORIES_MAX}`)],
  ['a gigabyte of text', categorical(1, ...GIGABYTE), /length of category 0 is 1073741824/],
  ['a text that ends early', categorical(1, 5, 97, 1), /length of category 0 needs 5 bytes/],
  ['a text that is not UTF-8', categorical(1, 1, 0xff, 1), /category 0 is not UTF-8/],
  ['a category never counted', categorical(1, 1, 97, 0), /count of category 0 is 0/],
  ['a category twice', categorical(2, ...A_ONCE, ...A_ONCE), /category 1 does not come after/],
  ['unsorted categories', categorical(2, 1, 98, 1, ...A_ONCE), /category 1 does not come after/],
  [
    'a category longer than the limit',
    categorical(1, 129, 2, ...Array.from({ length: 257 }, () => 97), 1),
    /longer than 256 characters/,
  ],
  ['an error above the largest', beyond({ error: 4 }), /error of 4, more than 3/],
  ['more absent than others', beyond({ absent: 6 }), /absent category counts 6, all others 5/],
  ['nothing beyond the limit', beyond({ absent: 0 }), /largest count of an absent category is 0/],
  ['a register too large', beyond({ registers: registersOf(34) }), /register 0 is above 33/],
  ['registers that lack a category', beyond({ registers: registersOf(0) }), /lack a category/],
  ['too few registers', beyond().subarray(0, -1), /registers needs 2048 bytes and 2047 are left/],
  ['a register too many', Uint8Array.from([...beyond(), 0]), /1 bytes are left/],
];

function registersOf(rank: number): Uint8Array {
  return new Uint8Array(2_048).fill(rank);
}

describe('hostile bytes are refused', () => {
  test('the sound ones are not', () => {
    expect(encodeColumnSketch(decodeColumnSketch(numeric()))).toEqual(numeric());
    const sound = categorical(1, ...A_ONCE);
    expect(encodeColumnSketch(decodeColumnSketch(sound))).toEqual(sound);
    expect(encodeColumnSketch(decodeColumnSketch(beyond()))).toEqual(beyond());
  });

  test.each(HOSTILE)('%s', (_what, bytes, message) => {
    expect(() => decodeColumnSketch(bytes)).toThrow(message);
    expect(() => decodeColumnSketch(bytes)).toThrow(
      expect.objectContaining({ name: 'CodedError', code: 'state.corrupt' }),
    );
  });

  test.each([
    ['numeric', numeric()],
    ['categorical', categorical(2, ...A_ONCE, 1, 98, 1)],
    ['categorical beyond its limit', beyond()],
  ])('a %s sketch cut anywhere', (_kind, bytes) => {
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeColumnSketch(bytes.subarray(0, length))).toThrow(CodedError);
    }
  });
});
