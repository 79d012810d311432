/**
 * The same bins on both sides: what PSI and its relatives are computed from, and what a report shows.
 *
 * A numeric column is cut at quantiles of the reference into `BINS_MAX` bins of about the same share.
 * Ties decide where that cannot be: a value that alone has the share of a bin is a bin of its own,
 * with a cut just before and just after it, so that a window moving off it is seen even where the
 * reference has nothing beside it; a cut within lighter ties goes after the value it falls on. The
 * outer bins are open. Every category is a bin; see category-bins.ts. Bins that are empty on both
 * sides count for nothing in any distance.
 */
import type { ColumnSketch } from '../sketch/column-sketch.ts';
import type { CumulativeCurve } from '../sketch/cumulative-curve.ts';
import type { NumericSketch } from '../sketch/numeric-sketch.ts';
import { categoryBins } from './category-bins.ts';

/** Bins of equal share, as is usual for PSI; own bins of heavy values may come to twice as many. */
export const BINS_MAX = 10;

/** Shares of both sides, bin by bin, each adding up to 1. No bins where either side has no value. */
export interface Shares {
  readonly reference: Float64Array;
  readonly window: Float64Array;
  /** Values the shares are of. */
  readonly referenceCount: number;
  readonly windowCount: number;
}

export interface Bins extends Shares {
  /** For people: `≤ 3.2`, `(3.2, 5]`, `5`, `> 9`, or a category. */
  readonly labelOf: (index: number) => string;
}

/** Both sketches are of one kind. Missing values, NaN and infinities are in no bin. */
export function binsOf(reference: ColumnSketch, window: ColumnSketch): Bins {
  if (reference.kind === 'numeric' && window.kind === 'numeric') {
    return quantileBins(reference, window);
  }
  if (reference.kind === 'categorical' && window.kind === 'categorical') {
    return categoryBins(reference, window);
  }
  throw new RangeError('a numeric and a categorical column cannot be compared');
}

/** Between the values below `value` and the rest, or after those equal to it as well. */
interface Cut {
  readonly value: number;
  readonly after: boolean;
}

/** Tells the end of a step from a rank within it, whatever the rounding of both. */
const RANK_TOLERANCE = 1e-12;

function quantileBins(reference: NumericSketch, window: NumericSketch): Bins {
  const { count: referenceCount } = reference;
  const { count: windowCount } = window;
  const isEmpty = referenceCount === 0 || windowCount === 0;
  const cuts = isEmpty ? [] : cutsOf(reference.digest.curve());
  let digits = 0;
  return {
    reference: isEmpty ? new Float64Array(0) : sharesOf(reference.digest.curve(), cuts),
    window: isEmpty ? new Float64Array(0) : sharesOf(window.digest.curve(), cuts),
    referenceCount,
    windowCount,
    labelOf(index) {
      digits ||= digitsOf(cuts);
      return rangeLabel(cuts[index - 1], cuts[index], digits);
    },
  };
}

function cutsOf(curve: CumulativeCurve): readonly Cut[] {
  const cuts: Cut[] = [];
  let covered = 0;
  for (let index = 1; index <= BINS_MAX; index++) {
    const q = index / BINS_MAX - RANK_TOLERANCE;
    if (q <= covered) continue;
    const value = curve.quantile(q);
    const below = curve.below(value);
    covered = curve.atOrBelow(value);
    const isHeavy = covered - below >= 1 / BINS_MAX - RANK_TOLERANCE;
    if (isHeavy) cuts.push({ value, after: false });
    // The last bin is open, so only a heavy maximum needs an end.
    if (isHeavy || index < BINS_MAX) cuts.push({ value, after: true });
  }
  return cuts;
}

function sharesOf(curve: CumulativeCurve, cuts: readonly Cut[]): Float64Array {
  const shares = new Float64Array(cuts.length + 1);
  let before = 0;
  for (const [index, { value, after }] of cuts.entries()) {
    const upTo = after ? curve.atOrBelow(value) : curve.below(value);
    // Interpolation may come out a last bit lower than the cut before.
    shares[index] = Math.max(0, upTo - before);
    before = Math.max(before, upTo);
  }
  shares[cuts.length] = 1 - before;
  return shares;
}

function rangeLabel(from: Cut | undefined, to: Cut | undefined, digits: number): string {
  const text = ({ value }: Cut) => String(Number(value.toPrecision(digits)));
  if (from === undefined && to === undefined) return 'all';
  if (from === undefined) return `${to!.after ? '≤' : '<'} ${text(to!)}`;
  if (to === undefined) return `${from.after ? '>' : '≥'} ${text(from)}`;
  if (from.value === to.value) return text(from);
  return `${from.after ? '(' : '['}${text(from)}, ${text(to)}${to.after ? ']' : ')'}`;
}

/** As few significant digits as keep all cuts apart: a column of timestamps needs more than 6. */
function digitsOf(cuts: readonly Cut[]): number {
  const distinct = new Set(cuts.map((cut) => cut.value)).size;
  for (const digits of [6, 9, 12]) {
    if (new Set(cuts.map((cut) => cut.value.toPrecision(digits))).size === distinct) return digits;
  }
  return 17;
}
