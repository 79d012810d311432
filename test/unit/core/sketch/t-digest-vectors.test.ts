/** Expectations of Dunning's and DataSketches' own tests, where they are at hand. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { TDigest } from '../../../../services/core/sketch/t-digest.ts';
import { describeWithSharedData, sharedData } from '../../../support/shared-data.ts';

const FILE = sharedData('sketch/tdigest-vectors.json');

type Data =
  | readonly number[]
  | { readonly repeat: number; readonly of: readonly number[]; readonly then?: readonly number[] }
  | { readonly range: readonly [number, number] }
  | { readonly merge: readonly Data[] };

interface Case {
  readonly id: string;
  readonly compression: number;
  readonly data: Data;
  readonly checks: readonly {
    readonly op: string;
    readonly arg: number;
    readonly expected: number;
    readonly abs_tol: number;
  }[];
}

/** Not ours to pass, and why. */
const EXCLUDED: Readonly<Record<string, string>> = {
  'ds-two-values': 'DataSketches interpolates between single values, we step as Dunning does',
  'ds-nonfinite': 'non-finite values are refused by the digest and counted by the column sketch',
  'ds-extreme': 'described by an alternation; t-digest.test.ts has the same case',
};

function valuesOf(data: Data): number[] {
  if ('merge' in data) return data.merge.flatMap(valuesOf);
  if ('range' in data) {
    const [from, to] = data.range;
    return Array.from({ length: to - from }, (_, index) => from + index);
  }
  if ('repeat' in data) {
    const repeated = Array.from({ length: data.repeat }, () => data.of).flat();
    return [...repeated, ...(data.then ?? [])];
  }
  return [...data];
}

function digestOf(data: Data, compression: number): TDigest {
  const digest = new TDigest({ compression: Math.max(compression, 20) });
  if ('merge' in data) digest.merge(data.merge.map((part) => digestOf(part, compression)));
  else for (const value of valuesOf(data)) digest.add(value);
  return digest;
}

describeWithSharedData('the vectors of other implementations', () => {
  const { cases } = JSON.parse(readFileSync(FILE, 'utf8')) as { readonly cases: readonly Case[] };
  const ours = cases.filter(({ id }) => /^(dunning|ds)-/.test(id));

  test('every case is either run or excluded for a reason', () => {
    for (const id of Object.keys(EXCLUDED)) expect(ours.map((one) => one.id)).toContain(id);
    expect(ours.length - Object.keys(EXCLUDED).length).toBeGreaterThanOrEqual(16);
  });

  describe.each(ours.filter(({ id }) => !(id in EXCLUDED)))(
    '$id',
    ({ compression, data, checks }) => {
      test.each(checks)('$op($arg) is $expected', ({ op, arg, expected, abs_tol }) => {
        for (const compacted of [false, true]) {
          const digest = digestOf(data, compression);
          if (compacted) digest.compact();
          const actual = op === 'quantile' ? digest.quantile(arg) : digest.cdf(arg);
          expect(['quantile', 'cdf', 'rank']).toContain(op);
          expect(Math.abs(actual - expected)).toBeLessThanOrEqual(abs_tol + 1e-12);
        }
      });
    },
  );
});
