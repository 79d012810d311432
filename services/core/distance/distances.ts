/**
 * Every distance by the name that monitor.yaml and reports use, with what is to be known of it.
 *
 * All are computed from two sketches in time that does not depend on how many values went in. Every
 * one is finite, at least 0, 0 on identical sketches and 0 where a side has nothing to compare;
 * changes, which have a direction, come without it here. Formula and source stand at each function.
 */
import type { ColumnType } from '../monitor/monitor.ts';
import type { ColumnSketch } from '../sketch/column-sketch.ts';
import type { NumericSketch } from '../sketch/numeric-sketch.ts';
import type { Shares } from './bins.ts';
import { chiSquare, cramersV } from './chi-square.ts';
import { Comparison } from './comparison.ts';
import { cramerVonMises } from './cramer-von-mises.ts';
import { hellinger } from './hellinger.ts';
import { ksOfCurves } from './ks.ts';
import { kullbackLeibler } from './kullback-leibler.ts';
import { lInfinityOfShares } from './l-infinity.ts';
import { l1 } from './l1.ts';
import { meanChange, medianChange } from './location-change.ts';
import { psi } from './psi.ts';
import { missingRateChange, nonFiniteRateChange } from './rate-change.ts';
import { robustScaleChange, scaleChange } from './scale-change.ts';
import { unseenShare } from './unseen-share.ts';
import { energy, wasserstein } from './wasserstein.ts';

export interface DistanceProperties {
  /** Types of columns it takes. */
  readonly kinds: readonly ColumnType[];
  /** What one of it is: `share`, `bits`, `nats`, `scales` of the reference, or none. */
  readonly unit: 'share' | 'squared share' | 'bits' | '√bits' | 'nats' | 'scales' | '√scales' | '';
  /** The least and the most it can be. */
  readonly range: readonly [number, number];
  /** Types of columns for which swapping reference and window changes nothing. */
  readonly symmetric: readonly ColumnType[];
}

export interface Distance extends DistanceProperties {
  /** Throws a `RangeError` on a kind of column it does not take. */
  compute(reference: ColumnSketch, window: ColumnSketch): number;
  /** The same, where several distances of one comparison are wanted. */
  computeFrom(comparison: Comparison): number;
}

const BOTH: readonly ColumnType[] = ['numeric', 'categorical'];
const NUMERIC: readonly ColumnType[] = ['numeric'];
const CATEGORICAL: readonly ColumnType[] = ['categorical'];
const UNBOUNDED: readonly [number, number] = [0, Infinity];
const UNIT_RANGE: readonly [number, number] = [0, 1];

export const DISTANCES = {
  ks: define(
    { kinds: NUMERIC, unit: 'share', range: UNIT_RANGE, symmetric: NUMERIC },
    ({ curves }) => ksOfCurves(curves),
  ),
  wasserstein: define(
    { kinds: NUMERIC, unit: 'scales', range: UNBOUNDED, symmetric: [] },
    ({ curves, referenceScale }) => wasserstein(curves, referenceScale),
  ),
  energy: define(
    { kinds: NUMERIC, unit: '√scales', range: UNBOUNDED, symmetric: [] },
    ({ curves, referenceScale }) => energy(curves, referenceScale),
  ),
  cramer_von_mises: define(
    { kinds: NUMERIC, unit: 'squared share', range: [0, 0.5], symmetric: NUMERIC },
    ({ curves }) => cramerVonMises(curves),
  ),
  psi: ofBins({ unit: 'nats', range: UNBOUNDED, symmetric: CATEGORICAL }, (bins) => psi(bins)),
  kullback_leibler: ofBins({ unit: 'nats', range: UNBOUNDED, symmetric: [] }, (bins) =>
    kullbackLeibler(bins),
  ),
  jensen_shannon: define(
    { kinds: BOTH, unit: '√bits', range: UNIT_RANGE, symmetric: CATEGORICAL },
    ({ divergence }) => Math.sqrt(divergence),
  ),
  jensen_shannon_divergence: define(
    { kinds: BOTH, unit: 'bits', range: UNIT_RANGE, symmetric: CATEGORICAL },
    ({ divergence }) => divergence,
  ),
  hellinger: ofBins({ unit: '', range: UNIT_RANGE, symmetric: CATEGORICAL }, hellinger),
  l1: ofBins({ unit: 'share', range: [0, 2], symmetric: CATEGORICAL }, l1),
  l_infinity: ofBins(
    { unit: 'share', range: UNIT_RANGE, symmetric: CATEGORICAL },
    lInfinityOfShares,
  ),
  chi_square: ofBins({ unit: '', range: UNBOUNDED, symmetric: CATEGORICAL }, chiSquare),
  cramers_v: ofBins({ unit: '', range: UNIT_RANGE, symmetric: CATEGORICAL }, cramersV),
  mean_change: ofNumeric({ unit: 'scales', range: UNBOUNDED, symmetric: [] }, meanChange),
  median_change: ofNumeric({ unit: 'scales', range: UNBOUNDED, symmetric: [] }, medianChange),
  scale_change: ofNumeric({ unit: '', range: UNIT_RANGE, symmetric: NUMERIC }, scaleChange),
  robust_scale_change: ofNumeric(
    { unit: '', range: UNIT_RANGE, symmetric: NUMERIC },
    robustScaleChange,
  ),
  missing_rate_change: define(
    { kinds: BOTH, unit: 'share', range: UNIT_RANGE, symmetric: BOTH },
    ({ reference, window }) => Math.abs(missingRateChange(reference, window)),
  ),
  non_finite_rate_change: ofNumeric(
    { unit: 'share', range: UNIT_RANGE, symmetric: NUMERIC },
    nonFiniteRateChange,
  ),
  unseen_share: define(
    { kinds: CATEGORICAL, unit: 'share', range: UNIT_RANGE, symmetric: [] },
    ({ bins }) => unseenShare(bins),
  ),
} as const satisfies Readonly<Record<string, Distance>>;

export type DistanceName = keyof typeof DISTANCES;

/** What a column is shown and judged by where nothing else is said. */
export const USUAL_DISTANCES = {
  numeric: 'ks',
  categorical: 'l_infinity',
} as const satisfies Readonly<Record<ColumnType, DistanceName>>;

/** In the order of the table. */
export const DISTANCE_NAMES = Object.keys(DISTANCES) as readonly DistanceName[];

export function isDistanceName(name: string): name is DistanceName {
  return Object.hasOwn(DISTANCES, name);
}

/** Those that take columns of this type, in the order of the table. */
export function distanceNamesFor(type: ColumnType): readonly DistanceName[] {
  return DISTANCE_NAMES.filter((name) => DISTANCES[name].kinds.includes(type));
}

/** Several distances of one column at once; all that take the column's type unless `names` says. */
export function measureDistances(
  comparison: Comparison,
  names: readonly DistanceName[] = distanceNamesFor(comparison.reference.kind),
): Readonly<Record<string, number>> {
  const distances: Record<string, number> = {};
  for (const name of names) distances[name] = DISTANCES[name].computeFrom(comparison);
  return distances;
}

function define(properties: DistanceProperties, of: (comparison: Comparison) => number): Distance {
  const computeFrom = (comparison: Comparison) => {
    const { kind } = comparison.reference;
    if (!properties.kinds.includes(kind)) {
      throw new RangeError(`this distance takes ${properties.kinds} columns, not ${kind}`);
    }
    return of(comparison);
  };
  return {
    ...properties,
    compute: (reference, window) => computeFrom(new Comparison(reference, window)),
    computeFrom,
  };
}

function ofBins(
  properties: Omit<DistanceProperties, 'kinds'>,
  of: (shares: Shares) => number,
): Distance {
  return define({ ...properties, kinds: BOTH }, ({ bins }) => of(bins));
}

/** A change of a numeric column, without its direction. */
function ofNumeric(
  properties: Omit<DistanceProperties, 'kinds'>,
  of: (reference: NumericSketch, window: NumericSketch) => number,
): Distance {
  // `define` has refused any other kind.
  return define({ ...properties, kinds: NUMERIC }, ({ reference, window }) =>
    Math.abs(of(reference as NumericSketch, window as NumericSketch)),
  );
}
