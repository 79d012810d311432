/**
 * The random directions a set sketch looks along: frequencies of random Fourier features, and
 * projections. Both follow from the specification's seed alone.
 *
 * Features of a Gaussian kernel k(x, y) = exp(−|x − y|² / 2σ²): for m frequencies ω drawn from
 * N(0, I / σ²), the pairs cos ω·x, sin ω·x, over √m. Their inner product is k in expectation, off by
 * 1/√(2m) at most, and each row's features have length 1 (A. Rahimi, B. Recht, "Random features for
 * large-scale kernel machines", 2007). Projections go along normal vectors of length 1.
 *
 * Everything is the same to the bit on every machine and version: normal numbers are rounded, so that
 * the last bit of a logarithm does not matter; a frequency is a whole number of 2^-32 turns, so that a
 * phase is found in 32-bit arithmetic, which drops whole turns by itself; cosines come from a table of
 * 4 096 steps, as whole numbers of a small unit, so that sums of them are exact. The steps make another
 * map than cosine and sine, by a thousandth at most and for both sides alike, and halve the time.
 */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** What 1 is in a feature. 2^33 rows add up to less than 2^53. */
export const FEATURE_UNITS = 2 ** 20;
export const FREQUENCIES_MAX = 256;
/** Of the normal numbers that directions are made of. */
const NORMAL_UNITS = 2 ** 24;
const TWO_PI = 2 * Math.PI;

/** A turn. */
const PHASE_UNITS = 2 ** 32;
const STEPS = 4_096;
const STEPS_TO_SINE = (3 * STEPS) / 4;
const PHASE_SHIFT = 32 - Math.log2(STEPS);
const PHASE_ROUNDING = 2 ** (PHASE_SHIFT - 1);
const COSINES = Int32Array.from({ length: STEPS }, (_, step) =>
  Math.round(Math.cos((TWO_PI * step) / STEPS) * FEATURE_UNITS),
);

export interface RandomDirections {
  /** In 2^-32 turns per unit of x; all of the first frequency, then of the second. */
  readonly frequencies: Int32Array;
  /** Of length 1; all of the first projection, then of the second. */
  readonly projections: Float64Array;
}

export function drawDirections(options: {
  readonly seed: number;
  readonly dimension: number;
  readonly frequencyCount: number;
  readonly bandwidth: number;
  readonly projectionCount: number;
}): RandomDirections {
  const { seed, dimension, frequencyCount, bandwidth, projectionCount } = options;
  const normal = normalNumbers(seed);
  const frequencies = Int32Array.from({ length: frequencyCount * dimension }, () =>
    Math.round((normal() / (bandwidth * TWO_PI)) * PHASE_UNITS),
  );
  const projections = Float64Array.from({ length: projectionCount * dimension }, normal);
  for (let start = 0; start < projections.length; start += dimension) {
    const direction = projections.subarray(start, start + dimension);
    let square = 0;
    for (const part of direction) square += part * part;
    const length = Math.sqrt(square);
    for (let index = 0; index < dimension; index++) {
      direction[index] = length > 0 ? direction[index]! / length : 1 / Math.sqrt(dimension);
    }
  }
  return { frequencies, projections };
}

/** G. Box and M. Muller, 1958. */
function normalNumbers(seed: number): () => number {
  const generator = xoroshiro128plus(seed);
  return () => {
    const radius = Math.sqrt(-2 * Math.log(1 - uniformFloat64(generator)));
    const normal = radius * Math.cos(TWO_PI * uniformFloat64(generator));
    return Math.round(normal * NORMAL_UNITS) / NORMAL_UNITS;
  };
}

/**
 * Adds the features of one row, cosine and sine in turn and in whole units, to `sums`. `values` are
 * those of one row, in whole units.
 */
export function addFeatures(sums: Float64Array, frequencies: Int32Array, values: Int32Array): void {
  const dimension = (2 * frequencies.length) / sums.length;
  let at = 0;
  for (let feature = 0; feature < sums.length; feature += 2) {
    let phase = PHASE_ROUNDING;
    // Whole turns fall off the upper end.
    for (let index = 0; index < dimension; index++) {
      phase = (phase + Math.imul(frequencies[at++]!, values[index]!)) | 0;
    }
    const step = phase >>> PHASE_SHIFT;
    sums[feature]! += COSINES[step]!;
    sums[feature + 1]! += COSINES[(step + STEPS_TO_SINE) & (STEPS - 1)]!;
  }
}
