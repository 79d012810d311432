/**
 * Measures on the reference itself how much less its values tell than as many independent ones.
 *
 * The reference is given as sketches of consecutive, equally long stretches in time order. Each block
 * is scored against the whole reference, and the spread of the blocks is compared with what
 * independent rows would give; neighbours are joined for longer windows. A block is part of what it
 * is compared with, which takes away exactly its own share of the variance: dividing by blocks less
 * one puts that back, and is the same as comparing it with the rest.
 *
 * Kept on the safe side. Long stretches are few, so their inflation is drawn towards what shorter ones
 * lead one to expect: the same (correlation dies out), or, once it has been seen to grow, growth (a
 * trend, or a change of level inside the reference). It is then raised by what is not known about it:
 * a test against a variance estimated from few blocks has Student's tails. Never below 1. One block
 * that was an incident does not set the measure for all.
 */
import { joinCurves } from '../distance/joined-curves.ts';
import type { CategoricalSketch } from '../sketch/categorical-sketch.ts';
import { type ColumnSketch, mergeColumnSketches } from '../sketch/column-sketch.ts';
import type { NumericSketch } from '../sketch/numeric-sketch.ts';
import {
  type ColumnCalibration,
  INFLATION_MAX,
  type InflationAtCount,
} from './column-calibration.ts';
import { LEGENDRE_NAMES, legendreBaseline, legendreMeans } from './legendre.ts';
import { notFiniteCount, rowCount } from './numeric-column.ts';

export type { ColumnCalibration } from './column-calibration.ts';

/** More blocks are joined in pairs first. */
export const CALIBRATION_BLOCKS_MAX = 128;
/** Fewer blocks of one length say nothing about its variance. */
export const BLOCKS_MIN = 8;
/** What the shorter stretches lead one to expect counts as much as this many blocks. */
const PRIOR_BLOCKS = 48;
/** Inflation grows with the length where it is up on the shortest by this many standard deviations … */
const GROWTH_SIGNIFICANCE = 3;
/** … and goes on growing beyond the longest block where it does so by more than a tenth a doubling. */
const GROWTH_MIN = 0.1;
/**
 * Student's critical value over the normal one, squared, is close to exp(this / blocks) for tails of
 * 2e-4 (at 127, 63, 31 blocks: 1.06, 1.13, 1.28).
 */
const STUDENT_EXCESS = 8;
/**
 * A squared score beyond the median one times this times the logarithm of the number of blocks is cut
 * back: twice what the largest of as many normal ones comes to, so that those hardly ever are.
 */
const OUTLIER_SQUARE = 8.8;
/** Where the curve of a block is looked at for the Kolmogorov–Smirnov distance. */
const KS_QUANTILES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
/** The most frequent categories, each looked at on its own. */
const CATEGORIES_LOOKED_AT = 8;

/** Squares of one statistic over the blocks of one length, scaled to a mean of 1 where rows are independent. */
export type SquaresByStatistic = ReadonlyMap<string, readonly number[]>;

/** The blocks of one length. */
export interface Level {
  /** Mean number of values in a block. */
  readonly count: number;
  readonly blockCount: number;
  readonly squares: SquaresByStatistic;
}

/** `blocks`: in time order, of about equal length; empty ones are left out. */
export function calibrateColumn(blocks: readonly ColumnSketch[]): ColumnCalibration {
  let level = blocks.filter((block) => block.count > 0);
  while (level.length > CALIBRATION_BLOCKS_MAX) level = joinPairs(level, mergeColumnSketches);
  if (level.length < BLOCKS_MIN) return { inflation: {} };
  const whole = mergeColumnSketches(level);
  const squaresOf = whole.kind === 'numeric' ? numericSquares(whole) : categoricalSquares(whole);
  const levels: Level[] = [];
  for (; level.length >= BLOCKS_MIN; level = joinPairs(level, mergeColumnSketches)) {
    const count = level.reduce((sum, block) => sum + block.count, 0) / level.length;
    levels.push({ count, blockCount: level.length, squares: squaresOf(level) });
  }
  const statistics = [...levels[0]!.squares.keys()];
  return {
    inflation: Object.fromEntries(
      statistics.map((statistic) => [statistic, inflationByCount(levels, statistic)]),
    ),
  };
}

/** An odd last block goes to the pair before it. */
export function joinPairs<S>(blocks: readonly S[], merge: (parts: readonly S[]) => S): S[] {
  const joined: S[] = [];
  for (let index = 0; index + 1 < blocks.length; index += 2) {
    const end = index + 3 === blocks.length ? index + 3 : index + 2;
    joined.push(merge(blocks.slice(index, end)));
  }
  return joined;
}

/** `levels`: from the shortest to the longest, at least one. */
export function inflationByCount(
  levels: readonly Level[],
  statistic: string,
): readonly InflationAtCount[] {
  const points: InflationAtCount[] = [];
  /** Logarithms: what this length is taken to have, and what the next one has more. */
  let logarithm = 0;
  let growth = 0;
  let sureness = 0;
  let ordinaryFirst = 0;
  for (const [index, { count, blockCount, squares }] of levels.entries()) {
    const found = squares.get(statistic) ?? [];
    const measured = Math.log(Math.max(1e-3, meanWithoutOutliers(found)));
    const ordinary = Math.log(Math.max(1e-3, ordinaryMean(found)));
    const before = logarithm;
    const isFirst = index === 0;
    if (isFirst) ordinaryFirst = ordinary;
    // A mean of n squares has a logarithm of standard deviation √(2 / n).
    const deviation = Math.sqrt(2 / blockCount + 2 / levels[0]!.blockCount);
    const grows = ordinary - ordinaryFirst > GROWTH_SIGNIFICANCE * deviation;
    if (isFirst || (grows && growth === 0)) {
      logarithm = measured;
      sureness = blockCount;
    } else {
      const expected = before + growth;
      logarithm = (measured * blockCount + expected * PRIOR_BLOCKS) / (blockCount + PRIOR_BLOCKS);
      sureness = Math.min(blockCount + PRIOR_BLOCKS, levels[0]!.blockCount);
    }
    if (grows || growth > 0) growth = Math.min(Math.LN2, Math.max(0, logarithm - before));
    points.push(pointOf(count, logarithm, sureness));
  }
  if (growth < GROWTH_MIN) return points;
  // A reference that holds a change of its own goes on differing over stretches as long as itself.
  const longest = levels[levels.length - 1]!;
  for (let factor = 2; factor <= longest.blockCount; factor *= 2) {
    logarithm += growth;
    points.push(pointOf(longest.count * factor, logarithm, sureness));
  }
  return points;
}

function pointOf(count: number, logarithm: number, sureness: number): InflationAtCount {
  const inflation = Math.max(1, Math.exp(logarithm)) * Math.exp(STUDENT_EXCESS / sureness);
  return { count, inflation: Math.min(INFLATION_MAX, inflation) };
}

function meanWithoutOutliers(squares: readonly number[]): number {
  if (squares.length === 0) return 1;
  const sorted = [...squares].sort((left, right) => left - right);
  const median = sorted[sorted.length >> 1]!;
  const limit = median > 0 ? OUTLIER_SQUARE * Math.log(squares.length) * median : Infinity;
  return sorted.reduce((sum, square) => sum + Math.min(square, limit), 0) / sorted.length;
}

/** Without the largest sixteenth: what one incident, however long the blocks, cannot move. */
function ordinaryMean(squares: readonly number[]): number {
  if (squares.length === 0) return 1;
  const kept = [...squares]
    .sort((left, right) => left - right)
    .slice(0, squares.length - Math.max(1, squares.length >> 4));
  return kept.reduce((sum, square) => sum + square, 0) / kept.length;
}

function numericSquares(
  whole: NumericSketch,
): (blocks: readonly ColumnSketch[]) => SquaresByStatistic {
  const baseline = legendreBaseline(whole);
  const places = KS_QUANTILES.map((q) => {
    const x = whole.quantile(q);
    return { x, share: whole.digest.curve().atOrBelow(x) };
  });
  return (blocks) => {
    const squares = new SquareTable(blocks.length);
    const byQuantile = new SquareTable(blocks.length);
    for (const block of blocks as readonly NumericSketch[]) {
      const curves = joinCurves(whole, block);
      const means = legendreMeans(baseline, curves);
      for (const [degree, name] of LEGENDRE_NAMES.entries()) {
        if (baseline.variances[degree]! > 0) squares.add(name, means[degree]! ** 2 * block.count);
      }
      // Far out a supremum is that of the place that varies most: at most 1/4 of a share, the median's.
      for (const { x, share } of places) {
        const blockShare = block.digest.curve().atOrBelow(x);
        byQuantile.add(String(x), (blockShare - share) ** 2 * 4 * block.count);
      }
      squares.addShare('missing', block.missingCount, rowCount(block), {
        share: whole.missingCount / rowCount(whole),
      });
      squares.addShare('not_finite', notFiniteCount(block), rowCount(block), {
        share: notFiniteCount(whole) / rowCount(whole),
      });
    }
    return withMostRestless(squares, 'ks', byQuantile);
  };
}

function categoricalSquares(
  whole: CategoricalSketch,
): (blocks: readonly ColumnSketch[]) => SquaresByStatistic {
  const ranked = [...whole.counts].sort(
    ([left, leftCount], [right, rightCount]) => rightCount - leftCount || (left < right ? -1 : 1),
  );
  const rows = whole.count + whole.missingCount;
  return (blocks) => {
    const squares = new SquareTable(blocks.length);
    const byCategory = new SquareTable(blocks.length);
    for (const block of blocks as readonly CategoricalSketch[]) {
      const expectedMin = 1;
      let chiSquare = 0;
      let cells = 0;
      for (const [category, wholeCount] of ranked) {
        const expected = (block.count * wholeCount) / whole.count;
        if (expected < expectedMin) break;
        const count = block.counts.get(category) ?? 0;
        chiSquare += (count - expected) ** 2 / expected;
        cells++;
        if (cells > CATEGORIES_LOOKED_AT) continue;
        byCategory.addShare(category, count, block.count, { share: wholeCount / whole.count });
      }
      if (cells > 1) squares.add('mix', chiSquare / (cells - 1));
      squares.addShare('unseen', block.otherCount, block.count, {
        share: whole.otherCount / whole.count,
      });
      squares.addShare('missing', block.missingCount, block.count + block.missingCount, {
        share: whole.missingCount / rows,
      });
    }
    return withMostRestless(squares, 'category', byCategory);
  };
}

/** A test that looks for what moves most needs the inflation of what moves most by itself. */
export function withMostRestless(
  squares: SquareTable,
  statistic: string,
  candidates: SquareTable,
): SquaresByStatistic {
  const [restless] = [...candidates.byStatistic.values()].sort(
    (left, right) => meanWithoutOutliers(right) - meanWithoutOutliers(left),
  );
  return restless === undefined
    ? squares.byStatistic
    : new Map([...squares.byStatistic, [statistic, restless]]);
}

/** Squares by statistic, each made up for the part its block takes of the whole. */
export class SquareTable {
  readonly byStatistic = new Map<string, number[]>();
  readonly #correction: number;

  constructor(blockCount: number) {
    this.#correction = blockCount / (blockCount - 1);
  }

  add(statistic: string, square: number): void {
    const squares = this.byStatistic.get(statistic) ?? [];
    squares.push(square * this.#correction);
    this.byStatistic.set(statistic, squares);
  }

  /** A share against what it is in the whole; nothing where it never varies. */
  addShare(
    statistic: string,
    count: number,
    total: number,
    whole: { readonly share: number },
  ): void {
    const variance = whole.share * (1 - whole.share);
    if (variance <= 0 || total === 0) return;
    this.add(statistic, (count / total - whole.share) ** 2 * (total / variance));
  }
}
