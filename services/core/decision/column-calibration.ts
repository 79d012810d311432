/**
 * How much less a column's values tell than as many independent ones: what `calibrateColumn` found,
 * as it stands in reference.json, and how it is read.
 */
import { CodedError } from '../errors.ts';

export interface InflationAtCount {
  /** Values of a window. */
  readonly count: number;
  /** Variance of the statistic over that of independent values; 1 or more. */
  readonly inflation: number;
}

export interface ColumnCalibration {
  /** By statistic; ascending by count. A statistic that is not named is taken as independent. */
  readonly inflation: Readonly<Record<string, readonly InflationAtCount[]>>;
}

/** Nothing is worth less than a hundred-thousandth of its rows. */
export const INFLATION_MAX = 100_000;
const STATISTICS_MAX = 32;
const COUNTS_MAX = 32;
/** Enough to calibrate by, short enough to read. */
const DIGITS = 4;

/** Between two calibrated counts on a logarithmic scale; outside them, the nearest one's. */
export function inflationAt(
  calibration: ColumnCalibration | null,
  statistic: string,
  count: number,
): number {
  const points = calibration?.inflation[statistic];
  if (points === undefined || points.length === 0) return 1;
  const after = points.findIndex((point) => point.count >= count);
  if (after === 0) return points[0]!.inflation;
  if (after < 0) return points[points.length - 1]!.inflation;
  const left = points[after - 1]!;
  const right = points[after]!;
  const share = Math.log(count / left.count) / Math.log(right.count / left.count);
  return left.inflation * (right.inflation / left.inflation) ** share;
}

/** As JSON values: `{ statistic: { "count": inflation, … }, … }`. */
export function formatCalibration(
  calibration: ColumnCalibration,
): Readonly<Record<string, Readonly<Record<string, number>>>> {
  return Object.fromEntries(
    Object.entries(calibration.inflation).map(([statistic, points]) => [
      statistic,
      Object.fromEntries(
        points.map(({ count, inflation }) => [
          String(Math.round(count)),
          Number(inflation.toPrecision(DIGITS)),
        ]),
      ),
    ]),
  );
}

/** Throws `configuration.invalid` naming what is wrong. */
export function parseCalibration(value: unknown): ColumnCalibration {
  const inflation = entriesOf('the calibration', value, STATISTICS_MAX).map(
    ([statistic, counts]): [string, readonly InflationAtCount[]] => [
      statistic,
      parsePoints(statistic, counts),
    ],
  );
  return { inflation: Object.fromEntries(inflation) };
}

function parsePoints(statistic: string, value: unknown): readonly InflationAtCount[] {
  const place = `the calibration of ${statistic}`;
  return entriesOf(place, value, COUNTS_MAX)
    .map(([text, inflation]) => {
      const count = Number(text);
      if (!Number.isSafeInteger(count) || count < 1) {
        throw invalid(`${place}: ${JSON.stringify(text.slice(0, 40))} is not a count`);
      }
      if (!(typeof inflation === 'number' && inflation >= 1 && inflation <= INFLATION_MAX)) {
        throw invalid(`${place} at ${count}: expected a number from 1 to ${INFLATION_MAX}`);
      }
      return { count, inflation };
    })
    .sort((left, right) => left.count - right.count);
}

function entriesOf(place: string, value: unknown, countMax: number): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${place}: expected an object`);
  }
  const entries = Object.entries(value);
  if (entries.length > countMax) throw invalid(`${place}: expected at most ${countMax} entries`);
  return entries;
}

function invalid(message: string): CodedError {
  return new CodedError('configuration.invalid', message);
}
