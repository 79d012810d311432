/**
 * How much the statistics of a set of columns vary while nothing drifts: what the reference says
 * about it beyond what its sketch keeps, from a sample of its rows.
 *
 * Of each correlation: the variance of Fisher's atanh r, times the number of rows. It is 1 for normal
 * columns, whatever r, and more where large values of two columns come together (the variance of r by
 * its influence function: S. Devlin, R. Gnanadesikan, J. Kettenring, 1975). Of the random features:
 * the traces of the square and the cube of their covariance, which are the second and third cumulant
 * of a squared distance of means; the trace itself is in the sketch.
 */
import { CodedError } from '../errors.ts';
import { completeRows } from '../sketch/fit-set.ts';
import { addFeatures, FEATURE_UNITS } from '../sketch/random-features.ts';
import { prepareSet, type SetSpecification, standardised } from '../sketch/set-specification.ts';

/** Of one row's influence on atanh r. */
export interface PairVariation {
  /** 1 for normal columns, and never less. */
  readonly variance: number;
  /** Standardised third and fourth moment; 0 and 9 for normal columns. */
  readonly skewness: number;
  readonly kurtosis: number;
}

/** Of one row's influence on a correlation where columns are normal. */
export const NORMAL_KURTOSIS = 9;

export interface SetVariation {
  /** By pair, in the order of `correlations`. */
  readonly pairs: readonly PairVariation[];
  /** Tr Σ² of the features, and tr Σ³; 0 where rows do not differ. */
  readonly squareTrace: number;
  readonly cubeTrace: number;
}

const DIGITS = 4;

export function setVariationFrom(
  rows: readonly Float64Array[],
  specification: SetSpecification,
): SetVariation {
  const complete = completeRows(rows).map((row) =>
    Int32Array.from(row, (value, index) => standardised(value, specification.columns[index]!)),
  );
  const { squareTrace, cubeTrace } = featureTraces(complete, specification);
  return {
    pairs: pairVariations(complete, specification.columns.length),
    squareTrace: rounded(squareTrace),
    cubeTrace: rounded(cubeTrace),
  };
}

/** As JSON values; each pair as `[variance, skewness, kurtosis]`. */
export function formatSetVariation(variation: SetVariation): unknown {
  const { pairs, squareTrace, cubeTrace } = variation;
  return {
    squareTrace,
    cubeTrace,
    pairs: pairs.map(({ variance, skewness, kurtosis }) => [variance, skewness, kurtosis]),
  };
}

/** Throws `configuration.invalid` naming what is wrong. */
export function parseSetVariation(value: unknown, specification: SetSpecification): SetVariation {
  const { squareTrace, cubeTrace, pairs } = (value ?? {}) as Readonly<Record<string, unknown>>;
  const dimension = specification.columns.length;
  const pairCount = (dimension * (dimension - 1)) / 2;
  if (!isAtLeast(squareTrace, 0) || !isAtLeast(cubeTrace, 0)) {
    throw invalid('squareTrace, cubeTrace: expected numbers from 0');
  }
  if (!Array.isArray(pairs) || pairs.length !== pairCount) {
    throw invalid(`pairs: expected a list of ${pairCount}`);
  }
  const parsed = pairs.map((pair: unknown, index): PairVariation => {
    const [variance, skewness, kurtosis] = Array.isArray(pair) ? (pair as unknown[]) : [];
    if (!isAtLeast(variance, 1) || !isAtLeast(skewness, -Infinity) || !isAtLeast(kurtosis, 0)) {
      throw invalid(`pair ${index + 1}: expected [variance from 1, skewness, kurtosis from 0]`);
    }
    return { variance, skewness, kurtosis };
  });
  return { squareTrace, cubeTrace, pairs: parsed };
}

function isAtLeast(value: unknown, least: number): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= least;
}

function invalid(message: string): CodedError {
  return new CodedError('configuration.invalid', `the variation of a set: ${message}`);
}

function pairVariations(rows: readonly Int32Array[], dimension: number): readonly PairVariation[] {
  const columns = Array.from({ length: dimension }, (_, index) =>
    toScores(Float64Array.from(rows, (row) => row[index]!)),
  );
  const pairs: PairVariation[] = [];
  for (let left = 1; left < dimension; left++) {
    for (let right = 0; right < left; right++) {
      pairs.push(pairVariation(columns[left]!, columns[right]!));
    }
  }
  return pairs;
}

interface Scores {
  /** Of mean 0 and variance 1; all 0 for a constant. */
  readonly values: Float64Array;
  readonly third: number;
  readonly fourth: number;
}

function toScores(values: Float64Array): Scores {
  const mean = average(values, (value) => value);
  const square = average(values, (value) => (value - mean) ** 2);
  const scale = square > 0 ? 1 / Math.sqrt(square) : 0;
  const scores = values.map((value) => (value - mean) * scale);
  return {
    values: scores,
    third: average(scores, (score) => score ** 3),
    fourth: average(scores, (score) => score ** 4),
  };
}

function pairVariation(left: Scores, right: Scores): PairVariation {
  const products = left.values.map((a, index) => a * right.values[index]!);
  const r = average(products, (product) => product);
  const influence = products.map((product, index) => {
    const squares = left.values[index]! ** 2 + right.values[index]! ** 2;
    return product - (r / 2) * squares;
  });
  const square = average(influence, (value) => value * value);
  if (!(square > 0)) return { variance: 1, skewness: 0, kurtosis: NORMAL_KURTOSIS };
  const third = average(influence, (value) => value ** 3) / square ** 1.5;
  // What is rare in both columns may never have come together in the sample.
  const thirdApart = left.third * right.third;
  return {
    variance: rounded(Math.max(1, square / Math.max(1e-9, (1 - r * r) ** 2))),
    skewness: rounded(Math.abs(thirdApart) > Math.abs(third) ? thirdApart : third),
    kurtosis: rounded(
      Math.max(average(influence, (value) => value ** 4) / square ** 2, left.fourth * right.fourth),
    ),
  };
}

function average(values: Float64Array, of: (value: number) => number): number {
  let sum = 0;
  for (const value of values) sum += of(value);
  return sum / values.length;
}

function featureTraces(
  rows: readonly Int32Array[],
  specification: SetSpecification,
): { readonly squareTrace: number; readonly cubeTrace: number } {
  const { frequencies } = prepareSet(specification);
  const size = 2 * specification.frequencyCount;
  const unit = FEATURE_UNITS * Math.sqrt(specification.frequencyCount);
  const features = new Float64Array(size);
  const mean = new Float64Array(size);
  const covariance = Array.from({ length: size }, () => new Float64Array(size));
  for (const row of rows) {
    features.fill(0);
    addFeatures(features, frequencies, row);
    for (let left = 0; left < size; left++) {
      const value = features[left]! / unit;
      mean[left]! += value / rows.length;
      for (let right = 0; right <= left; right++) {
        covariance[left]![right]! += (value * features[right]!) / (unit * rows.length);
      }
    }
  }
  for (let left = 0; left < size; left++) {
    for (let right = 0; right <= left; right++) {
      const value = covariance[left]![right]! - mean[left]! * mean[right]!;
      covariance[left]![right] = value;
      covariance[right]![left] = value;
    }
  }
  let squareTrace = 0;
  let cubeTrace = 0;
  for (let left = 0; left < size; left++) {
    for (let right = 0; right < size; right++) {
      squareTrace += covariance[left]![right]! ** 2;
      let product = 0;
      for (let index = 0; index < size; index++) {
        product += covariance[left]![index]! * covariance[index]![right]!;
      }
      cubeTrace += product * covariance[left]![right]!;
    }
  }
  return { squareTrace, cubeTrace };
}

function rounded(value: number): number {
  return Number(value.toPrecision(DIGITS));
}
