/**
 * The published cases of scipy, Evidently, TFDV, NannyML, frouros and whylogs, every one either run
 * against a distance here or named with the reason why not. Read from ../shared/data.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { binsOf, type Shares } from '../../../../services/core/distance/bins.ts';
import { chiSquare, chiSquareDegrees } from '../../../../services/core/distance/chi-square.ts';
import { cramerVonMises } from '../../../../services/core/distance/cramer-von-mises.ts';
import { hellinger } from '../../../../services/core/distance/hellinger.ts';
import { jensenShannonDivergence } from '../../../../services/core/distance/jensen-shannon.ts';
import { joinCurves } from '../../../../services/core/distance/joined-curves.ts';
import { ks } from '../../../../services/core/distance/ks.ts';
import { kullbackLeibler } from '../../../../services/core/distance/kullback-leibler.ts';
import { lInfinity } from '../../../../services/core/distance/l-infinity.ts';
import { l1 } from '../../../../services/core/distance/l1.ts';
import { psi } from '../../../../services/core/distance/psi.ts';
import { energy, wasserstein } from '../../../../services/core/distance/wasserstein.ts';
import { CategoricalSketch } from '../../../../services/core/sketch/categorical-sketch.ts';
import { describeWithSharedData, sharedData } from '../../../support/shared-data.ts';
import { sketchOf } from '../sketch/samples.ts';
import {
  type Bucket,
  chiSquareTail,
  cramerVonMisesTail,
  createLegacyNormal,
  rebucket,
  sharesOf,
  WHOLE_POPULATION,
} from './peer-conventions.ts';

interface Case {
  readonly id: string;
  readonly metric: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly expected: unknown;
  readonly abs_tol: number;
  readonly note?: string;
}

/** The reason stands in the name of the test that is skipped. */
const EXCLUDED: Readonly<Record<string, string>> = {
  'scipy-w1-11': 'infinite values are no part of a curve; their rate is non_finite_rate_change',
  'tfdv-jsd-09': 'an empty side is no error here but 0; too little data is for the verdict to say',
  'evidently-t-01': 'the p-value of a t-test, no distance; its effect is mean_change',
  'evidently-es-01': 'Epps–Singleton needs characteristic functions of raw rows',
  'evidently-fisher-02': 'the p-value of an exact test, no distance',
  'evidently-fisher-04': 'the p-value of an exact test, no distance',
  'evidently-fisher-06': 'the p-value of an exact test, no distance',
  'evidently-mmd-sigma': 'a kernel width from all pairs of raw rows, which no sketch keeps',
  'frouros-mmd-01': 'MMD over all pairs of raw rows of a set of columns, not of one column',
  'frouros-mwu-elec2': 'its inputs are those of a case that is not in the file',
};

/** Samples that a sketch no longer holds value by value are held to the bound of KS from sketches. */
const SKETCHED: Readonly<Record<string, number>> = { 'scipy-ks-15': 0.005 };

type Run = (inputs: Case['inputs'], each: Case) => number;

const RUNS: Readonly<Record<string, Run>> = {
  ks_2samp: ({ x, y }) => ks(sketchOf(numbers(x)), sketchOf(numbers(y))),
  wasserstein_1: (inputs) => wasserstein(curvesOf(inputs), 1),
  energy_distance: (inputs) => energy(curvesOf(inputs), 1),
  cramer_von_mises_2samp_pvalue(inputs) {
    const curves = curvesOf(inputs);
    const { referenceCount: n, windowCount: m } = curves;
    return cramerVonMisesTail((cramerVonMises(curves) * n * m) / (n + m), n, m);
  },
  kl_divergence_nats: ({ p, q }) => kullbackLeibler(given(q, p), 0),
  chi_square_statistic: ({ observed, expected }) =>
    chiSquare(againstFixed(expected ?? numbers(observed).map(() => 1), observed)),
  chi2_contingency({ table }) {
    const [reference, window] = table as [number[], number[]];
    const shares = counted(reference, window);
    expect(chiSquareDegrees(shares)).toBe(1);
    return chiSquare(shares);
  },
  // The reference as fixed shares: n → ∞.
  chi_square_pvalue({ reference, current }) {
    const shares = againstFixed(countsIn(reference), countsIn(current));
    return chiSquareTail(chiSquare(shares), chiSquareDegrees(shares));
  },
  // The permutation p-value is no distance; the statistic is half of L1 and stands in the note.
  tvd_permutation_pvalue: ({ reference, current }) =>
    l1(counted(countsIn(reference), countsIn(current))) / 2,
  l_infinity_categorical: ({ training, reference, serving, current }) =>
    lInfinity(categorical(training ?? reference), categorical(serving ?? current)),
  // Both sides together weigh 2.
  normalized_absolute_difference: ({ training, serving }) =>
    lInfinity(categorical(training), categorical(serving)) / 2,
  jensen_shannon_divergence_bits_from_histograms({ a, b }) {
    const [left, right] = rebucket(bucketsOf(a), bucketsOf(b));
    return jensenShannonDivergence(counted([...left, nanCount(a)], [...right, nanCount(b)]));
  },
  hellinger: ({ reference, current, target }) =>
    Array.isArray(reference)
      ? hellinger(binsOf(sketchOf(numbers(reference)), sketchOf(numbers(target))))
      : hellinger(binsOf(categorical(reference), categorical(current))),
  psi: ({ ref_share, cur_share, zero_replacement }) =>
    psi(given(ref_share, cur_share), Number(zero_replacement ?? 0)),
  bhattacharyya: ({ ref_share, cur_share }) =>
    -Math.log(1 - hellinger(given(ref_share, cur_share)) ** 2),
};

const FILE = sharedData('distance-vectors.json');
describeWithSharedData('distance vectors', () => {
  const { cases } = JSON.parse(readFileSync(FILE, 'utf8')) as { readonly cases: readonly Case[] };

  test('every case that is excluded is there', () => {
    const ids = cases.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(Object.keys(EXCLUDED)));
    expect(ids).toEqual(expect.arrayContaining(Object.keys(SKETCHED)));
  });

  for (const each of cases) {
    const reason = EXCLUDED[each.id];
    if (reason !== undefined) {
      test.skip(`${each.id} ${each.metric} (excluded: ${reason})`, () => {});
      continue;
    }
    test(`${each.id} ${each.metric}`, () => {
      const run = RUNS[each.metric];
      if (run === undefined) throw new Error(`${each.metric}: neither run nor excluded`);
      const error = Math.abs(run(each.inputs, each) - expectedOf(each));
      expect(error).toBeLessThanOrEqual(SKETCHED[each.id] ?? each.abs_tol);
    });
  }
});

function expectedOf({ metric, expected, note }: Case): number {
  if (metric === 'tvd_permutation_pvalue')
    return Number(/TVD itself .* = ([\d.]+)/.exec(note!)![1]);
  if (typeof expected === 'number') return expected;
  return (expected as { readonly statistic: number }).statistic;
}

/** A list of numbers, or NumPy's `linspace` less a constant. */
function numbers(input: unknown): readonly number[] {
  if (Array.isArray(input)) return input as number[];
  const { linspace, minus } = input as {
    readonly linspace: [number, number, number];
    readonly minus?: number;
  };
  const [from, to, count] = linspace;
  const step = (to - from) / (count - 1);
  return Array.from({ length: count }, (_, index) => from + index * step - (minus ?? 0));
}

function curvesOf(inputs: Case['inputs']) {
  if (inputs.numpy_legacy_seed !== undefined) return legacyCurves(inputs);
  const { x, y, u, v, u_weights, v_weights, reference, current } = inputs;
  return joinCurves(
    sketchOf(repeated(x ?? u ?? reference, u_weights)),
    sketchOf(repeated(y ?? v ?? current, v_weights)),
  );
}

function repeated(values: unknown, weights: unknown): number[] {
  const each = Array.isArray(weights) ? (weights as number[]) : [];
  return numbers(values).flatMap((value, index) => Array(each[index] ?? 1).fill(value) as number[]);
}

function legacyCurves(inputs: Case['inputs']) {
  const normal = createLegacyNormal(Number(inputs.numpy_legacy_seed));
  const drawn = (text: unknown) => {
    const [mean, deviation, count] = String(text).match(/-?\d+/g)!.map(Number);
    return Array.from({ length: count! }, () => mean! + deviation! * normal());
  };
  return joinCurves(sketchOf(drawn(inputs.reference)), sketchOf(drawn(inputs.current)));
}

function given(reference: unknown, window: unknown): Shares {
  const counts = { referenceCount: WHOLE_POPULATION, windowCount: WHOLE_POPULATION };
  return sharesOf(numbers(reference), numbers(window), counts);
}

function counted(reference: readonly number[], window: readonly number[]): Shares {
  return sharesOf(reference, window, {
    referenceCount: reference.reduce((sum, count) => sum + count, 0),
    windowCount: window.reduce((sum, count) => sum + count, 0),
  });
}

function againstFixed(reference: unknown, window: unknown): Shares {
  const windowCount = numbers(window).reduce((sum, count) => sum + count, 0);
  const counts = { referenceCount: WHOLE_POPULATION, windowCount };
  return sharesOf(numbers(reference), numbers(window), counts);
}

function countsIn(input: unknown): readonly number[] {
  return (input as { readonly counts: readonly number[] }).counts;
}

/** Counts by category, or shares with one digit after the point. */
function categorical(input: unknown): CategoricalSketch {
  const entries = Object.entries(input as Readonly<Record<string, number>>);
  const isShares = entries.some(([, value]) => value % 1 !== 0);
  const counts = entries
    .map(([category, value]): [string, number] => [
      category,
      Math.round(isShares ? value * 10 : value),
    ])
    .filter(([, count]) => count > 0);
  return CategoricalSketch.restore({
    missingCount: 0,
    otherCount: 0,
    counts: new Map(counts),
    beyond: null,
  });
}

function bucketsOf(input: unknown): readonly Bucket[] {
  if (Array.isArray(input)) return input as Bucket[];
  return (input as { readonly buckets: readonly Bucket[] }).buckets;
}

function nanCount(input: unknown): number {
  return (input as { readonly nan_count?: number }).nan_count ?? 0;
}
