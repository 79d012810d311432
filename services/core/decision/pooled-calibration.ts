/**
 * What the columns of one reference tell about each other: that its levels change at all.
 *
 * Autocorrelation shows in every stretch of a column, so each column is its own witness. A change of
 * level is rare: a reference holds one or two, and a column that went through none of them is no proof
 * that it never will. Where many columns of a table change level together (it was collected in parts,
 * or is sorted by something), the others are quiet by chance, and a budget that takes them at their
 * word is broken by the next part. So from the shortest stretch to a longer one each inflation grows
 * by no less than it does in the upper quarter of the columns. Nothing is changed where fewer grow: one
 * counter or one column that is sorted says nothing about the rest. A column's own growth is never
 * taken back, and nothing is ever lowered: the budget is only kept more strictly.
 *
 * Seen on the phishing table (46 columns, rows 0–8000): 17 columns change level near row 5 000, most
 * of them by more than 0.2; column 38 stays within 0.19 to 0.25 there and goes to 0.35 after row 8 000.
 */
import {
  type ColumnCalibration,
  INFLATION_MAX,
  type InflationAtCount,
  inflationAt,
} from './column-calibration.ts';

/** Of the columns, ordered by growth: the one at this share of the way sets the least growth. */
const LEAST_GROWTH_RANK = 0.75;
/** Less than this, over all lengths, is the noise of estimating it: 1.05 on independent rows. */
const GROWTH_MIN = 1.5;

/** Lengths are powers of two of the shortest; nearer to each other than this they are one. */
const SAME_LENGTH_MAX = 1.5;

/** Inflation at a length over that of the shortest; lengths as multiples of the shortest one's. */
interface Growth {
  readonly multiple: number;
  readonly growth: number;
}

/** By name of column. Each statistic is pooled over the columns that have it. */
export function poolCalibrations(
  calibrations: ReadonlyMap<string, ColumnCalibration>,
): ReadonlyMap<string, ColumnCalibration> {
  const byStatistic = new Map<string, ColumnCalibration[]>();
  for (const calibration of calibrations.values()) {
    for (const [statistic, points] of Object.entries(calibration.inflation)) {
      if (points.length === 0) continue;
      byStatistic.set(statistic, [...(byStatistic.get(statistic) ?? []), calibration]);
    }
  }
  const least = new Map(
    [...byStatistic].map(([statistic, columns]) => [statistic, leastGrowth(statistic, columns)]),
  );
  return new Map(
    [...calibrations].map(([name, { inflation }]) => [
      name,
      {
        inflation: Object.fromEntries(
          Object.entries(inflation).map(([statistic, points]) => [
            statistic,
            raise(points, least.get(statistic) ?? []),
          ]),
        ),
      },
    ]),
  );
}

/** Ascending by multiple, over as many lengths as the column that has most of them; or nothing. */
function leastGrowth(statistic: string, columns: readonly ColumnCalibration[]): readonly Growth[] {
  const curves = columns.map((calibration) => calibration.inflation[statistic]!);
  const longest = curves.reduce((left, right) => (right.length > left.length ? right : left));
  const least = longest.map(({ count }) => {
    const multiple = count / longest[0]!.count;
    const growths = columns
      .map((calibration, index) => {
        const shortest = curves[index]![0]!;
        return inflationAt(calibration, statistic, shortest.count * multiple) / shortest.inflation;
      })
      .sort((left, right) => left - right);
    return { multiple, growth: growths[Math.floor(LEAST_GROWTH_RANK * (growths.length - 1))]! };
  });
  return least.some(({ growth }) => growth >= GROWTH_MIN) ? least : [];
}

/** A column's own points no lower than the least growth has them, and that goes on where it ends. */
function raise(
  points: readonly InflationAtCount[],
  least: readonly Growth[],
): readonly InflationAtCount[] {
  const shortest = points[0];
  const last = points[points.length - 1];
  if (shortest === undefined || last === undefined || least.length === 0) return points;
  const floors = least.map(({ multiple, growth }) => ({
    count: shortest.count * multiple,
    inflation: Math.min(INFLATION_MAX, shortest.inflation * growth),
  }));
  const floor: ColumnCalibration = { inflation: { floor: floors } };
  const raised = points.map(({ count, inflation }) => ({
    count,
    inflation: Math.max(inflation, inflationAt(floor, 'floor', count)),
  }));
  // The lengths of two columns differ by a few rows, where one of them has missing values.
  const beyond = floors.filter(
    ({ count, inflation }) => count > last.count * SAME_LENGTH_MAX && inflation > last.inflation,
  );
  return [...raised, ...beyond];
}
