/**
 * What is measured of a categorical column: the category that moved most, all of them together,
 * values of no known category, and the share of missing values.
 *
 * `category`: a two-proportion test per category of the reference, weighted Bonferroni; a category
 * too rare ever to reach the effect floor gets a small weight. `mix`: chi-square of homogeneity,
 * categories with a small expected count pooled. `unseen`: whatever the reference has not counted.
 * Time depends on the number of categories, which is bounded, and not on n.
 */
import type { CategoricalSketch } from '../sketch/categorical-sketch.ts';
import { type ColumnCalibration, inflationAt } from './column-calibration.ts';
import { chiSquareQuantile, chiSquareTail } from './critical-value.ts';
import { measureShare } from './measure-share.ts';
import {
  type EffectFloors,
  effectiveCount,
  type Measurement,
  STATISTIC_WEIGHTS,
} from './measurement.ts';

/** Categories expected less often than this in the window are one category to the chi-square test. */
const EXPECTED_COUNT_MIN = 5;
/** A category of this share or more gets full weight. */
const FULL_WEIGHT_SHARE = 0.05;
const WEIGHT_MIN = 0.02;

export interface CategoricalComparison {
  readonly reference: CategoricalSketch;
  readonly window: CategoricalSketch;
  readonly calibration: ColumnCalibration | null;
  readonly floors: EffectFloors;
  readonly countMin: number;
}

export function measureCategorical(comparison: CategoricalComparison): readonly Measurement[] {
  const { reference, window, calibration, floors, countMin } = comparison;
  const measurements: Measurement[] = [];
  if (window.count >= Math.max(1, countMin) && reference.count > 0) {
    const table = categoryTable(reference, window);
    const options = { total: window.count, referenceTotal: reference.count, calibration, floors };
    if (table.length > 1) measurements.push(measureMostMoved(comparison, table));
    // Of two categories the one says all there is.
    if (table.length > 2) measurements.push(measureMix(comparison, table));
    const known = table.reduce((sum, { count }) => sum + count, 0);
    measurements.push(
      measureShare({
        ...options,
        name: 'unseen',
        count: window.count - known,
        referenceCount: reference.otherCount,
      }),
    );
  }
  const rows = window.count + window.missingCount;
  const referenceRows = reference.count + reference.missingCount;
  if (rows < Math.max(1, countMin) || referenceRows === 0) return measurements;
  measurements.push(
    measureShare({
      name: 'missing',
      count: window.missingCount,
      referenceCount: reference.missingCount,
      total: rows,
      referenceTotal: referenceRows,
      calibration,
      floors,
    }),
  );
  return measurements;
}

interface CategoryCounts {
  readonly category: string;
  readonly count: number;
  readonly referenceCount: number;
}

/** The reference's categories, most frequent first; at a tie, by code units. */
export function categoryTable(
  reference: CategoricalSketch,
  window: CategoricalSketch,
): readonly CategoryCounts[] {
  const rows: CategoryCounts[] = [];
  for (const [category, referenceCount] of reference.counts) {
    rows.push({ category, referenceCount, count: window.counts.get(category) ?? 0 });
  }
  return rows.sort(
    (left, right) =>
      right.referenceCount - left.referenceCount || (left.category < right.category ? -1 : 1),
  );
}

function measureMostMoved(
  { reference, window, calibration, floors }: CategoricalComparison,
  table: readonly CategoryCounts[],
): Measurement {
  // Of two categories one says it all.
  const tested = table.length === 2 ? table.slice(1) : table;
  const weights = tested.map(({ referenceCount }) =>
    Math.max(WEIGHT_MIN, Math.min(1, referenceCount / reference.count / FULL_WEIGHT_SHARE)),
  );
  const weightSum = weights.reduce((sum, weight) => sum + weight, 0);
  const totals = { total: window.count, referenceTotal: reference.count };
  let best: Measurement | null = null;
  let bestShare = 1;
  for (const [index, { category, count, referenceCount }] of tested.entries()) {
    const measurement = measureShare({
      name: 'category',
      count,
      referenceCount,
      ...totals,
      calibration,
      floors,
      subject: category,
    });
    const share = weights[index]! / weightSum;
    if (best === null || measurement.pValue / share < best.pValue / bestShare) {
      best = measurement;
      bestShare = share;
    }
  }
  const { pValue, criticalValue, ...rest } = best!;
  return {
    ...rest,
    pValue: Math.min(1, pValue / bestShare),
    criticalValue: (alpha) => criticalValue(alpha * bestShare),
  };
}

function measureMix(
  { reference, window, calibration, floors }: CategoricalComparison,
  table: readonly CategoryCounts[],
): Measurement {
  const total = effectiveCount(window.count, inflationAt(calibration, 'mix', window.count));
  const referenceTotal = effectiveCount(
    reference.count,
    inflationAt(calibration, 'mix', reference.count),
  );
  const cells = pooledCells({ reference, window, table, total, referenceTotal });
  const precision = (total * referenceTotal) / (total + referenceTotal);
  let chiSquare = 0;
  let variation = 0;
  for (const { share, referenceShare } of cells) {
    const pooled = (share * total + referenceShare * referenceTotal) / (total + referenceTotal);
    const difference = share - referenceShare;
    variation += Math.abs(difference) / 2;
    if (pooled > 0) chiSquare += (precision * difference * difference) / pooled;
  }
  const degrees = Math.max(1, cells.length - 1);
  return {
    name: 'mix',
    statistic: chiSquare,
    effect: variation,
    effectMin: floors.mix,
    pValue: cells.length < 2 ? 1 : chiSquareTail(chiSquare, degrees),
    weight: STATISTIC_WEIGHTS.mix,
    criticalValue: (alpha) => chiSquareQuantile(alpha, degrees),
    subject: null,
  };
}

interface Cell {
  readonly share: number;
  readonly referenceShare: number;
}

/** Which categories are pooled follows from the reference and n alone, so it favours no outcome. */
function pooledCells(options: {
  readonly reference: CategoricalSketch;
  readonly window: CategoricalSketch;
  readonly table: readonly CategoryCounts[];
  readonly total: number;
  readonly referenceTotal: number;
}): readonly Cell[] {
  const { reference, window, table, total, referenceTotal } = options;
  const cells: Cell[] = [];
  let share = 0;
  let referenceShare = 0;
  for (const { count, referenceCount } of table) {
    const expected = (referenceCount / reference.count) * Math.min(total, referenceTotal);
    if (expected < EXPECTED_COUNT_MIN) break;
    const cell = {
      share: count / window.count,
      referenceShare: referenceCount / reference.count,
    };
    cells.push(cell);
    share += cell.share;
    referenceShare += cell.referenceShare;
  }
  // The rest, unseen ones included: a cell of its own, or part of the smallest one.
  const rest = { share: Math.max(0, 1 - share), referenceShare: Math.max(0, 1 - referenceShare) };
  const isSmall = rest.referenceShare * Math.min(total, referenceTotal) < EXPECTED_COUNT_MIN;
  const last = isSmall ? cells.pop() : undefined;
  if (last === undefined) return [...cells, rest];
  return [
    ...cells,
    {
      share: last.share + rest.share,
      referenceShare: last.referenceShare + rest.referenceShare,
    },
  ];
}
