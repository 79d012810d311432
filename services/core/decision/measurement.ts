/**
 * One thing measured of a column: how large the change is, and how improbable without any.
 *
 * Whether it alarms is not settled here: that needs the share of the false-alarm budget this
 * measurement gets, which depends on all the others.
 */
import {
  fromNormalScore,
  normalQuantile,
  normalScore,
  normalTail,
  type TailShape,
} from './critical-value.ts';

/**
 * `location` … `tails`: Legendre means; `ks`: the Kolmogorov–Smirnov distance; `category`: the most
 * moved category; `mix`: all categories together; `unseen`: values in no category of the reference;
 * `missing`, `not_finite`: shares of the rows. Of a set of columns: `correlation`, of the pair that
 * moved most; `joint`: the maximum mean discrepancy; `projection`: the most moved random projection.
 */
export type StatisticName =
  | 'location'
  | 'scale'
  | 'skewness'
  | 'tails'
  | 'ks'
  | 'category'
  | 'mix'
  | 'unseen'
  | 'missing'
  | 'not_finite'
  | 'correlation'
  | 'joint'
  | 'projection';

export interface Measurement {
  readonly name: StatisticName;
  /** Standardised: z, Kolmogorov's λ, or chi-square. Signed where the change has a direction. */
  readonly statistic: number;
  /** In the unit of `EFFECT_FLOORS`; signed likewise. */
  readonly effect: number;
  readonly effectMin: number;
  /** Probability of a statistic at least this large without a change. */
  readonly pValue: number;
  /** Share of the column's part of the budget, relative to the column's other measurements. */
  readonly weight: number;
  /** The statistic, without sign, whose probability is `alpha`. */
  criticalValue(alpha: number): number;
  /** What moved, where it has a name: a category. */
  readonly subject: string | null;
}

/** Smallest effects worth waking somebody for, by statistic. */
export type EffectFloors = Readonly<Record<StatisticName, number>>;

/**
 * | statistic | unit of the effect | floor | about |
 * |---|---|---|---|
 * | location | standard deviations a normal column would have moved by | 0.11 | 0.2 σ is found; 0.02 σ in all of 20 columns stays silent |
 * | scale | ratio of standard deviations of a normal column, as a logarithm | 0.1 | × 1.1 |
 * | skewness, tails | standard deviations of the score | 0.14 | |
 * | ks | share of values | 0.05 | a shift of 0.125 σ |
 * | category | share of values | 0.03 | |
 * | unseen | share of values | 0.01 | |
 * | mix | total variation: half the sum of all changes of share | 0.05 | |
 * | missing | share of rows | 0.02 | |
 * | not_finite | share of rows | 0.01 | |
 * | correlation | difference of coefficients | 0.1 | |
 * | joint | maximum mean discrepancy | 0.03 | 5 or 20 columns, all moved by 0.02 σ, are at 0.01; by 0.1 σ at 0.05 |
 * | projection | as of the statistic of it that moved, which has its own floor | 0 | |
 */
export const EFFECT_FLOORS: EffectFloors = {
  location: 0.11,
  scale: 0.1,
  skewness: 0.14,
  tails: 0.14,
  ks: 0.05,
  category: 0.03,
  mix: 0.05,
  unseen: 0.01,
  missing: 0.02,
  not_finite: 0.01,
  correlation: 0.1,
  joint: 0.03,
  projection: 0,
};

/**
 * How a column's part of the budget is divided. Most goes to what moves most often; a missing rate
 * needs little, because where it matters it is far beyond any critical value. The last three share the
 * part of a set of columns.
 */
export const STATISTIC_WEIGHTS: Readonly<Record<StatisticName, number>> = {
  location: 0.4,
  scale: 0.15,
  skewness: 0.09,
  tails: 0.09,
  ks: 0.2,
  category: 0.6,
  mix: 0.3,
  unseen: 0.04,
  missing: 0.05,
  not_finite: 0.02,
  correlation: 0.4,
  joint: 0.4,
  projection: 0.2,
};

/**
 * A mean of scores closer to the reference than this, in standard deviations of the score, is not a
 * change at all: the null hypothesis is this interval, not a point. It takes in the sketches' bias, and
 * keeps a shift of 0.02 σ in every column at once within the budget for none, at any n.
 */
export const SCORE_INDIFFERENCE = 0.012;
/**
 * Dependent values come in clumps, and a mean of few clumps has heavier tails than its variance says:
 * excess kurtosis this much times (inflation − 1) over the count. AR(1) data of correlation 0.7, whose
 * skewness and tails otherwise alarm five times too often at n = 100, then keep to their budget.
 */
const CLUMP_KURTOSIS = 1.5;

/** Independent values that as many dependent ones are worth. */
export function effectiveCount(count: number, inflation: number): number {
  return count / Math.max(1, inflation);
}

/**
 * The difference of two means of one score, of variance 1 per value, as a two-sided test. `count` and
 * `referenceCount` are effective counts; `sketchError` is the standard error the sketches add.
 */
export function measureMeanDifference(options: {
  readonly name: StatisticName;
  readonly difference: number;
  readonly effect: number;
  readonly count: number;
  readonly referenceCount: number;
  readonly scoreShape: TailShape;
  /** Largest inflation of anything measured of the column: how large the clumps are. */
  readonly clumping: number;
  /** Values of the window as they are, dependent or not. */
  readonly valueCount: number;
  readonly sketchError: number;
  /** A difference up to this is none. */
  readonly indifference: number;
  readonly effectMin: number;
  readonly subject?: string;
}): Measurement {
  const { count, referenceCount, scoreShape, sketchError } = options;
  const variance = 1 / count + 1 / referenceCount;
  const standardError = Math.sqrt(variance + sketchError * sketchError);
  // Cumulants of a difference of means: odd ones subtract, even ones add up.
  const clumps = (CLUMP_KURTOSIS * Math.max(0, options.clumping - 1)) / options.valueCount;
  const shape: TailShape = {
    skewness: (scoreShape.skewness * (1 / count ** 2 - 1 / referenceCount ** 2)) / variance ** 1.5,
    excessKurtosis:
      (Math.max(0, scoreShape.excessKurtosis) * (1 / count ** 3 + 1 / referenceCount ** 3)) /
        variance ** 2 +
      clumps,
  };
  const size = Math.max(0, Math.abs(options.difference) - options.indifference);
  const statistic = (Math.sign(options.difference) * size) / standardError;
  return {
    name: options.name,
    statistic,
    effect: options.effect,
    effectMin: options.effectMin,
    pValue: Math.min(1, 2 * normalTail(Math.abs(normalScore(statistic, shape)))),
    weight: STATISTIC_WEIGHTS[options.name],
    criticalValue: (alpha) =>
      fromNormalScore(normalQuantile(alpha / 2), Math.sign(statistic), shape),
    subject: options.subject ?? null,
  };
}
