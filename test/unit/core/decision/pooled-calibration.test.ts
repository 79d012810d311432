import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { calibrateColumn } from '../../../../services/core/decision/calibration.ts';
import {
  type ColumnCalibration,
  formatCalibration,
  inflationAt,
  parseCalibration,
} from '../../../../services/core/decision/column-calibration.ts';
import { poolCalibrations } from '../../../../services/core/decision/pooled-calibration.ts';
import { sample, sketchOf } from '../sketch/samples.ts';

const LENGTHS = [64, 128, 256, 512, 1_024];

/** Inflation of `location` that grows by a factor with each doubling; 1.2 at the shortest length. */
function growing(factor: number, lengths = LENGTHS): ColumnCalibration {
  const points = lengths.map((count, index) => ({ count, inflation: 1.2 * factor ** index }));
  return { inflation: { location: points } };
}

function table(columns: readonly ColumnCalibration[]): ReadonlyMap<string, ColumnCalibration> {
  return new Map(columns.map((calibration, index) => [`column-${index}`, calibration]));
}

function repeated(count: number, calibration: ColumnCalibration): ColumnCalibration[] {
  return Array.from({ length: count }, () => calibration);
}

describe('poolCalibrations', () => {
  it('leaves a table alone in which few columns grow', () => {
    const calibrations = table([...repeated(17, growing(1.02)), ...repeated(3, growing(2))]);
    expect(poolCalibrations(calibrations)).toEqual(calibrations);
  });

  it('expects of every column what more than a quarter of them show', () => {
    const calibrations = table([...repeated(12, growing(1)), ...repeated(8, growing(1.9))]);
    const pooled = poolCalibrations(calibrations);
    const [quiet, restless] = [pooled.get('column-0')!, pooled.get('column-19')!];
    expect(restless).toEqual(calibrations.get('column-19'));
    for (const count of [64, 300, 1_024, 1e6]) {
      const expected = inflationAt(restless, 'location', count);
      expect(inflationAt(quiet, 'location', count)).toBeCloseTo(expected, 9);
    }
  });

  it('goes by the least restless of the upper quarter', () => {
    const columns = [...repeated(14, growing(1)), growing(1.5), ...repeated(5, growing(2))];
    const quiet = poolCalibrations(table(columns)).get('column-0')!;
    expect(inflationAt(quiet, 'location', 1_024)).toBeCloseTo(1.2 * 1.5 ** 4, 9);
  });

  it('counts lengths from the shortest, where missing values make them differ', () => {
    const short = growing(1, [32, 64, 128]);
    const calibrations = table([short, ...repeated(4, growing(1.8))]);
    const pooled = poolCalibrations(calibrations).get('column-0')!;
    for (const [index, count] of [32, 64, 128, 256, 512].entries()) {
      expect(inflationAt(pooled, 'location', count)).toBeCloseTo(1.2 * 1.8 ** index, 9);
    }
  });

  it('pools each statistic by itself and leaves one column, or none, as it is', () => {
    const other = { inflation: { category: growing(2).inflation.location! } };
    const calibrations = table([growing(1), growing(1), growing(1), other]);
    expect(poolCalibrations(calibrations)).toEqual(calibrations);
    expect(poolCalibrations(table([growing(3)]))).toEqual(table([growing(3)]));
    expect(poolCalibrations(new Map())).toEqual(new Map());
    const unknown = table([{ inflation: {} }, { inflation: { location: [] } }]);
    expect(poolCalibrations(unknown)).toEqual(unknown);
  });

  it('never lowers anything, whatever the columns, and can be written and read', () => {
    const calibration = fc
      .array(fc.double({ min: 1, max: 90_000, noNaN: true }), { minLength: 1, maxLength: 8 })
      .map((inflations): ColumnCalibration => {
        const points = inflations.map((inflation, index) => ({
          count: 50 * 2 ** index,
          inflation,
        }));
        return { inflation: { location: points } };
      });
    fc.assert(
      fc.property(fc.array(calibration, { maxLength: 12 }), (columns) => {
        const pooled = poolCalibrations(table(columns));
        for (const [index, own] of columns.entries()) {
          const raised = pooled.get(`column-${index}`)!;
          for (const { count, inflation } of own.inflation.location!) {
            // Reading between points rounds.
            expect(inflationAt(raised, 'location', count)).toBeGreaterThan(inflation * (1 - 1e-9));
          }
          parseCalibration(JSON.parse(JSON.stringify(formatCalibration(raised))));
        }
      }),
    );
  });

  it('finds nothing to pool in columns of independent or of autocorrelated rows', () => {
    const columns = Array.from({ length: 8 }, (_, index) => {
      const values = sample('normal', 400 + index, 16_000);
      const rho = index % 2 === 0 ? 0 : 0.7;
      for (let row = 1; row < values.length; row++) {
        values[row] = rho * values[row - 1]! + Math.sqrt(1 - rho * rho) * values[row]!;
      }
      return calibrateColumn(
        Array.from({ length: 125 }, (__, block) =>
          sketchOf(values.subarray(block * 128, block * 128 + 128)),
        ),
      );
    });
    expect(poolCalibrations(table(columns))).toEqual(table(columns));
  });
});
