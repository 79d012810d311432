/**
 * A change of a share, such as that of missing values: the two-proportion test with the pooled share,
 * read with the skewness and kurtosis of the binomial counts, so that it holds for rare things too.
 * Fixed counts, no sketch error.
 */
import { type ColumnCalibration, inflationAt } from './column-calibration.ts';
import {
  type EffectFloors,
  effectiveCount,
  type Measurement,
  measureMeanDifference,
  type StatisticName,
} from './measurement.ts';

export function measureShare(options: {
  readonly name: StatisticName;
  /** Of `total` in the window, and of `referenceTotal` in the reference; both totals positive. */
  readonly count: number;
  readonly total: number;
  readonly referenceCount: number;
  readonly referenceTotal: number;
  readonly calibration: ColumnCalibration | null;
  readonly floors: EffectFloors;
  readonly subject?: string;
}): Measurement {
  const { name, total, referenceTotal, calibration } = options;
  const inflation = inflationAt(calibration, name, total);
  const effectiveTotal = effectiveCount(total, inflation);
  const effectiveReference = effectiveCount(
    referenceTotal,
    inflationAt(calibration, name, referenceTotal),
  );
  const share = options.count / total;
  const referenceShare = options.referenceCount / referenceTotal;
  const pooled =
    (share * effectiveTotal + referenceShare * effectiveReference) /
    (effectiveTotal + effectiveReference);
  const variance = pooled * (1 - pooled);
  const isConstant = variance <= 0;
  const deviation = isConstant ? 1 : Math.sqrt(variance);
  return measureMeanDifference({
    name,
    difference: (share - referenceShare) / deviation,
    effect: share - referenceShare,
    count: effectiveTotal,
    referenceCount: effectiveReference,
    scoreShape: isConstant
      ? { skewness: 0, excessKurtosis: 0 }
      : { skewness: (1 - 2 * pooled) / deviation, excessKurtosis: 1 / variance - 6 },
    clumping: inflation,
    valueCount: total,
    sketchError: 0,
    indifference: 0,
    effectMin: options.floors[name],
    ...(options.subject === undefined ? {} : { subject: options.subject }),
  });
}
