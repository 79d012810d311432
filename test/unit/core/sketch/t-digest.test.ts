/** The digest: conventions at single values, exactness where nothing is lost, error where it is. */
import { createRequire } from 'node:module';
import { describe, expect, test } from 'vitest';
import { encodeColumnSketch } from '../../../../services/core/sketch/column-sketch.ts';
import { NumericSketch } from '../../../../services/core/sketch/numeric-sketch.ts';
import { centroidCountMax } from '../../../../services/core/sketch/scale-function.ts';
import { BUFFER_COUNT_MAX, TDigest } from '../../../../services/core/sketch/t-digest.ts';
import { rankError, runsOf, sample } from './samples.ts';

const QUANTILES = Array.from({ length: 999 }, (_, index) => (index + 1) / 1000);

function digestOf(values: Iterable<number>, compression = 200): TDigest {
  const digest = new TDigest({ compression });
  for (const value of values) digest.add(value);
  return digest;
}

function bytesOf(digest: TDigest): Uint8Array {
  return encodeColumnSketch(new NumericSketch(digest));
}

function worstRankError(digest: { quantile(q: number): number }, values: Float64Array): number {
  const sorted = values.slice().sort();
  return Math.max(...QUANTILES.map((q) => rankError(sorted, q, digest.quantile(q))));
}

describe('small samples are kept whole', () => {
  const values = Float64Array.from({ length: 20 }, (_, index) => (index * 7) % 20);
  const sorted = values.slice().sort();

  test.each(['in the buffer', 'compacted'])('%s', (where) => {
    const digest = digestOf(values);
    if (where === 'compacted') digest.compact();
    for (const q of [...QUANTILES, 0]) {
      expect(digest.quantile(q)).toBe(sorted[Math.floor(q * 20)]);
    }
    expect(digest.quantile(1)).toBe(19);
    expect(digest.cdf(-0.1)).toBe(0);
    expect(digest.cdf(10)).toBe(0.525);
    expect(digest.cdf(10.5)).toBe(0.55);
    expect(digest.cdf(19.1)).toBe(1);
  });
});

test('an empty digest has no quantiles, and a question out of range is refused', () => {
  const digest = new TDigest();
  expect([digest.count, digest.minimum, digest.maximum]).toEqual([0, Infinity, -Infinity]);
  expect(digest.quantile(0.5)).toBeNaN();
  expect(digest.cdf(0)).toBeNaN();
  digest.compact();
  digest.merge([new TDigest()]);
  expect(digest.count).toBe(0);
  expect(() => digest.quantile(1.01)).toThrow(RangeError);
  expect(() => digest.quantile(Number.NaN)).toThrow(RangeError);
});

test.each([0, 19, 1001, 99.5, Number.NaN])('compression %d is refused', (compression) => {
  expect(() => new TDigest({ compression })).toThrow(RangeError);
});

test.each([Number.NaN, Infinity, -Infinity])('the value %d is refused', (value) => {
  const digest = new TDigest();
  expect(() => digest.add(value)).toThrow(RangeError);
  expect(digest.count).toBe(0);
});

test.each([0, -1, 1.5, Number.NaN, 2 ** 53])('the weight %d is refused', (weight) => {
  const digest = new TDigest();
  expect(() => digest.add(1, weight)).toThrow(RangeError);
  expect(digest.count).toBe(0);
});

test('a weight counts as that many values', () => {
  const weighted = new TDigest();
  weighted.add(5);
  weighted.add(1, 3);
  weighted.add(9, 96);
  const repeated = digestOf([5, 1, 1, 1, ...Array.from({ length: 96 }, () => 9)]);
  weighted.compact();
  repeated.compact();
  expect(bytesOf(weighted)).toEqual(bytesOf(repeated));
  expect([weighted.count, weighted.minimum, weighted.maximum]).toEqual([100, 1, 9]);
});

test('discrete data stay exact: every value is one step', () => {
  const values = sample('poisson', 3, 100_000);
  const digest = digestOf(values);
  digest.compact();
  for (let x = 2; x <= 9; x++) {
    const share = values.filter((value) => value <= x).length / values.length;
    expect(digest.curve().atOrBelow(x)).toBeCloseTo(share, 3);
    expect(digest.curve().below(x + 1)).toBeCloseTo(share, 3);
  }
});

test('values further apart than the largest double stay finite', () => {
  const { MAX_VALUE } = Number;
  const digest = digestOf(
    Array.from({ length: 5_000 }, (_, index) => (index % 2 === 0 ? -MAX_VALUE : MAX_VALUE) / 1.01),
  );
  digest.add(0);
  digest.compact();
  for (const q of QUANTILES) expect(Number.isFinite(digest.quantile(q))).toBe(true);
  expect(digest.cdf(0)).toBeCloseTo(0.5, 2);
});

test('minus zero is zero', () => {
  const digest = digestOf([-0, 0]);
  digest.compact();
  expect(digest.minimum).toBe(0);
  expect(digest.state.centroids.count).toBe(1);
});

describe('rank error at compression 200 and 100 000 values', () => {
  const ERROR_MAX = 6e-4;
  test.each(['normal', 'lognormal', 'uniform'] as const)('%s', (distribution) => {
    for (let seed = 1; seed <= 3; seed++) {
      const values = sample(distribution, seed, 100_000);
      const digest = digestOf(values);
      digest.compact();
      expect(worstRankError(digest, values)).toBeLessThan(ERROR_MAX);
      const parts = runsOf(values, 100).map((run) => {
        const part = digestOf(run);
        part.compact();
        return part;
      });
      const merged = new TDigest();
      merged.merge(parts);
      merged.compact();
      expect(worstRankError(merged, values)).toBeLessThan(ERROR_MAX);
    }
  });

  test.each([
    ['ascending', 1],
    ['descending', -1],
  ])('%s', (_name, sign) => {
    const values = sample('lognormal', 5, 100_000).sort((a, b) => sign * (a - b));
    const digest = digestOf(values);
    digest.compact();
    expect(worstRankError(digest, values)).toBeLessThan(2 * ERROR_MAX);
  });
});

test('it agrees with the npm package tdigest as far as that one is exact', () => {
  const { TDigest: Rival } = createRequire(import.meta.url)('tdigest') as {
    TDigest: new () => {
      push(value: number): void;
      compress(): void;
      percentile(q: number): number;
      p_rank(x: number): number;
    };
  };
  const values = sample('normal', 11, 50_000);
  const digest = digestOf(values);
  const rival = new Rival();
  for (const value of values) rival.push(value);
  rival.compress();
  for (let q = 0.01; q < 1; q += 0.01) {
    expect(Math.abs(digest.cdf(rival.percentile(q)) - q)).toBeLessThan(0.004);
    expect(Math.abs(rival.p_rank(digest.quantile(q)) - q)).toBeLessThan(0.004);
  }
});

test('the number of centroids stays within its bound, and the buffer within its limit', () => {
  for (const compression of [20, 200, 1000]) {
    const digest = new TDigest({ compression });
    for (let power = 0; power < 44; power++) {
      for (let index = 0; index < 400; index++) digest.add(Math.sin(index) * index, 2 ** power);
    }
    expect(digest.state.centroids.count).toBeLessThanOrEqual(centroidCountMax(2 * compression));
    expect(digest.state.buffer.length).toBeLessThanOrEqual(BUFFER_COUNT_MAX);
    digest.compact();
    expect(digest.state.centroids.count).toBeLessThanOrEqual(centroidCountMax(compression));
  }
});

test('what is read is what is there now, after more values, a merge and compacting', () => {
  const read = digestOf(sample('normal', 1, 3_000));
  const unread = digestOf(sample('normal', 1, 3_000));
  const steps: ((digest: TDigest) => void)[] = [
    (digest) => digest.add(50),
    (digest) => digest.merge([digestOf(sample('normal', 2, 2_000))]),
    (digest) => digest.compact(),
  ];
  for (const step of steps) {
    read.quantile(0.5);
    step(read);
    step(unread);
    const fresh = TDigest.restore(structuredClone(unread.state));
    for (const q of QUANTILES) expect(read.quantile(q)).toBe(fresh.quantile(q));
  }
});

test('digests of close values far from zero merge in order', () => {
  const values = sample('uniform', 9, 40_000).map((value) => 1.7e12 + Math.floor(value * 1e6));
  const merged = new TDigest();
  merged.merge(runsOf(values, 100).map((run) => digestOf(run)));
  expect(worstRankError(merged, values)).toBeLessThan(0.002);
  expect([...merged.state.centroids.means.subarray(0, merged.state.centroids.count)]).toEqual(
    [...merged.state.centroids.means.subarray(0, merged.state.centroids.count)].sort(
      (a, b) => a - b,
    ),
  );
});

test('a column of two hundred distinct values is sealed as it is held', () => {
  const values = sample('rounded', 21, 20_000);
  const open = digestOf(values);
  const sealed = digestOf(values);
  sealed.compact();
  expect(sealed.state.centroids.count).toBeLessThanOrEqual(300);
  expect(bytesOf(sealed).length).toBeLessThan(4_096);
  for (const value of values.subarray(0, 500)) expect(sealed.cdf(value)).toBe(open.cdf(value));
});

test('digests of different compressions merge', () => {
  const digest = digestOf([1, 2], 100);
  digest.merge([digestOf([3], 1000), digestOf([0, 4], 20)]);
  expect([digest.count, digest.minimum, digest.maximum]).toEqual([5, 0, 4]);
  expect(digest.compression).toBe(100);
});
