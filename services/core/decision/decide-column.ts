/**
 * The verdict on one column: it drifts when a measurement is both larger than what is worth waking
 * somebody for and too improbable for its part of the false-alarm budget, or, where the column has a
 * fixed threshold, when its distance reaches that.
 */
import { DISTANCES, type DistanceName } from '../distance/distances.ts';
import type { ColumnSketch } from '../sketch/column-sketch.ts';
import { shareBudget } from './budget.ts';
import type { ColumnCalibration } from './column-calibration.ts';
import { driftSentence } from './drift-sentence.ts';
import { measureCategorical } from './measure-categorical.ts';
import { measureNumeric } from './measure-numeric.ts';
import type { EffectFloors, Measurement, StatisticName } from './measurement.ts';

export type ColumnVerdict = 'ok' | 'drift' | 'insufficient-data';

export interface ComparedColumn {
  readonly name: string;
  readonly reference: ColumnSketch;
  readonly window: ColumnSketch;
  /** `null`: rows are taken as independent. */
  readonly calibration: ColumnCalibration | null;
  /** Share of the budget relative to other columns; positive, 1 for an ordinary one. */
  readonly priority: number;
  /**
   * At and above which the column drifts, whatever n; then nothing is tested and nothing taken from
   * the budget. `null` for the decision by budget.
   */
  readonly threshold: FixedThreshold | null;
}

export interface FixedThreshold {
  readonly distance: DistanceName;
  readonly threshold: number;
}

export interface JudgedStatistic {
  readonly name: StatisticName | DistanceName;
  /** Standardised: z, Kolmogorov's λ, chi-square, or the distance where the threshold is fixed. */
  readonly statistic: number;
  readonly effect: number;
  readonly effectMin: number;
  /** Of |statistic|; `null` where the threshold is fixed. */
  readonly criticalValue: number | null;
  readonly pValue: number | null;
  readonly exceeds: boolean;
}

export interface JudgedColumn {
  readonly name: string;
  readonly verdict: ColumnVerdict;
  readonly statistics: readonly JudgedStatistic[];
  /** The statistic that says best what drifted; `null` without drift. */
  readonly decisive: JudgedStatistic['name'] | null;
  readonly sentence: string;
}

/** They see that something changed, not what: decisive only where nothing else says more. */
const UNSPECIFIC: ReadonlySet<StatisticName> = new Set(['ks', 'mix']);

/** A floor of 0 is allowed; effects are then compared as they are. */
const EFFECT_UNIT_MIN = 1e-9;

/** A kind that changed between reference and window cannot be compared: nothing is measured. */
export function measureColumn(
  column: ComparedColumn,
  options: { readonly floors: EffectFloors; readonly countMin: number },
): readonly Measurement[] {
  const { reference, window, calibration } = column;
  if (column.threshold !== null) return [];
  if (reference.kind === 'numeric' && window.kind === 'numeric') {
    return measureNumeric({ reference, window, calibration, ...options });
  }
  if (reference.kind === 'categorical' && window.kind === 'categorical') {
    return measureCategorical({ reference, window, calibration, ...options });
  }
  return [];
}

/** `alpha`: the column's part of the window's budget. */
export function judgeColumn(
  column: ComparedColumn,
  measurements: readonly Measurement[],
  alpha: number,
  countMin: number,
): JudgedColumn {
  if (column.threshold !== null) return judgeByThreshold(column, column.threshold, countMin);
  const { statistics, exceeding } = testMeasurements(measurements, alpha);
  let decisive: Measurement | null = null;
  let excessMax = 0;
  for (const measurement of exceeding) {
    const { name, effect, effectMin } = measurement;
    const excess =
      (Math.abs(effect) / Math.max(effectMin, EFFECT_UNIT_MIN)) * (UNSPECIFIC.has(name) ? 1e-3 : 1);
    if (excess > excessMax) {
      excessMax = excess;
      decisive = measurement;
    }
  }
  return {
    name: column.name,
    verdict: verdictOf(column, decisive !== null, countMin),
    statistics,
    decisive: decisive?.name ?? null,
    sentence: driftSentence(column, decisive, countMin),
  };
}

/** Each against its part of `alpha`, by weight; and those that exceed both of their limits. */
export function testMeasurements<M extends Measurement>(
  measurements: readonly M[],
  alpha: number,
): { readonly statistics: readonly JudgedStatistic[]; readonly exceeding: readonly M[] } {
  const alphas = shareBudget(
    alpha,
    measurements.map(({ weight }) => weight),
  );
  const statistics = measurements.map((measurement, index): JudgedStatistic => {
    const { name, statistic, effect, effectMin, pValue } = measurement;
    const criticalValue = measurement.criticalValue(alphas[index]!);
    const exceeds = Math.abs(effect) >= effectMin && pValue <= alphas[index]!;
    return { name, statistic, effect, effectMin, criticalValue, pValue, exceeds };
  });
  return { statistics, exceeding: measurements.filter((_, index) => statistics[index]!.exceeds) };
}

/** What was measured may settle a drift, but not that all is well, unless there were enough values. */
function verdictOf(column: ComparedColumn, drifts: boolean, countMin: number): ColumnVerdict {
  if (drifts) return 'drift';
  return isEnough(column, countMin) ? 'ok' : 'insufficient-data';
}

function isEnough({ reference, window }: ComparedColumn, countMin: number): boolean {
  if (reference.kind !== window.kind) return false;
  // A column missing throughout the reference and the window alike is as it should be.
  if (reference.count === 0) return window.count === 0 && window.missingCount >= countMin;
  return window.count >= Math.max(1, countMin);
}

function judgeByThreshold(
  column: ComparedColumn,
  { distance: name, threshold }: FixedThreshold,
  countMin: number,
): JudgedColumn {
  const { reference, window } = column;
  const enough = reference.count > 0 && isEnough(column, countMin);
  if (!enough || !DISTANCES[name].kinds.includes(reference.kind)) {
    const sentence = driftSentence(column, null, countMin);
    return {
      name: column.name,
      verdict: 'insufficient-data',
      statistics: [],
      decisive: null,
      sentence,
    };
  }
  const distance = DISTANCES[name].compute(reference, window);
  const exceeds = distance >= threshold;
  return {
    name: column.name,
    verdict: exceeds ? 'drift' : 'ok',
    statistics: [
      {
        name,
        statistic: distance,
        effect: distance,
        effectMin: threshold,
        criticalValue: null,
        pValue: null,
        exceeds,
      },
    ],
    decisive: exceeds ? name : null,
    sentence: `${column.name}: ${name} is ${Number(distance.toPrecision(3))}, ${exceeds ? 'at or above' : 'below'} the threshold of ${threshold}.`,
  };
}
