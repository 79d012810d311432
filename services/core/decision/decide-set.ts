/**
 * The verdict on a set of columns: as on a column, it drifts when a measurement is both larger than
 * what is worth waking somebody for and too improbable for its part of the false-alarm budget. There
 * is no fixed threshold.
 */
import type { SetSketch } from '../sketch/set-sketch.ts';
import type { ColumnCalibration } from './column-calibration.ts';
import { type JudgedColumn, testMeasurements } from './decide-column.ts';
import { criticalMmd, measureSet, type SetMeasurement } from './measure-set.ts';
import type { EffectFloors } from './measurement.ts';
import { setSentence } from './set-sentence.ts';
import type { SetVariation } from './set-variation.ts';

export interface ComparedSet {
  readonly name: string;
  /** Both of one specification. */
  readonly reference: SetSketch;
  readonly window: SetSketch;
  readonly variation: SetVariation;
  /** `null`: rows are taken as independent. */
  readonly calibration: ColumnCalibration | null;
  /** Share of the budget relative to columns and other sets; positive. */
  readonly priority: number;
}

export interface JudgedSet extends JudgedColumn {
  /** Maximum mean discrepancy at and above which the set drifts; `null` where nothing was tested. */
  readonly threshold: number | null;
}

/** What says most comes first: two columns by name, then a projection, then that anything moved. */
const PREFERENCE = ['correlation', 'projection', 'joint'] as const;

/** `alpha`: the set's part of the window's budget. */
export function judgeSet(
  set: ComparedSet,
  alpha: number,
  options: { readonly floors: EffectFloors; readonly countMin: number },
): JudgedSet {
  const { name, window } = set;
  const comparison = { ...set, ...options };
  const measurements = measureSet(comparison);
  if (measurements.length === 0) {
    return {
      name,
      verdict: 'insufficient-data',
      statistics: [],
      decisive: null,
      sentence: `${name} has ${window.count} complete rows, too few to judge by or all alike.`,
      threshold: null,
    };
  }
  const { statistics, exceeding } = testMeasurements(measurements, alpha);
  const decisive = preferred(exceeding);
  const joint = statistics.find((statistic) => statistic.name === 'joint');
  const critical = joint?.criticalValue ?? null;
  const floor = options.floors.joint;
  return {
    name,
    verdict: decisive === null ? 'ok' : 'drift',
    statistics,
    decisive: decisive?.name ?? null,
    sentence: setSentence(name, decisive),
    threshold: critical === null ? floor : Math.max(floor, criticalMmd(comparison, critical)),
  };
}

function preferred(exceeding: readonly SetMeasurement[]): SetMeasurement | null {
  for (const name of PREFERENCE) {
    const found = exceeding.find((measurement) => measurement.name === name);
    if (found !== undefined) return found;
  }
  return null;
}
