/**
 * What the weights of a model file look like: how many, their range, and those that no healthy
 * training leaves behind: NaN, infinities, and numbers too small for their type to hold precisely.
 */
import type { TensorContent } from './model-file-numbers.ts';

export interface WeightSummary {
  /** Of the initialiser, or `node.attribute`. */
  readonly name: string;
  readonly element: string;
  readonly shape: readonly number[];
  /** Elements, read or not. */
  readonly count: number;
  /** Of the finite ones; `null` where there are none or they are not read. */
  readonly minimum: number | null;
  readonly maximum: number | null;
  readonly nanCount: number;
  readonly infiniteCount: number;
  readonly denormalCount: number;
  /** The file that holds the values instead; `null`: they were read here. */
  readonly externalFile: string | null;
}

/** The smallest normal number of each floating type: what is below, and not 0, is denormal. */
const SMALLEST_NORMAL: Readonly<Record<string, number>> = {
  float32: 2 ** -126,
  float64: 2 ** -1022,
  float16: 2 ** -14,
  bfloat16: 2 ** -126,
};

/** Shapes, axes, indices and categories: numbers and texts of a model that are no weights. */
const NOT_WEIGHTS: ReadonlySet<string> = new Set(['int64', 'bool', 'string']);

export function holdsWeights(content: TensorContent): boolean {
  return !NOT_WEIGHTS.has(content.element);
}

export function summariseWeights(name: string, content: TensorContent): WeightSummary {
  const { element, shape, externalFile } = content;
  const smallestNormal = SMALLEST_NORMAL[element] ?? 0;
  const numbers = content.numbers ?? [];
  let minimum = Number.POSITIVE_INFINITY;
  let maximum = Number.NEGATIVE_INFINITY;
  let nanCount = 0;
  let infiniteCount = 0;
  let denormalCount = 0;
  for (let index = 0; index < numbers.length; index++) {
    const value = numbers[index]!;
    const size = Math.abs(value);
    if (size < Number.POSITIVE_INFINITY) {
      if (value < minimum) minimum = value;
      if (value > maximum) maximum = value;
      if (size < smallestNormal && size > 0) denormalCount += 1;
    } else if (size === Number.POSITIVE_INFINITY) infiniteCount += 1;
    else nanCount += 1;
  }
  const isRanged = minimum <= maximum;
  return {
    ...{ name, element, shape },
    count: shape.reduce((product, dimension) => product * dimension, 1),
    minimum: isRanged ? minimum : null,
    maximum: isRanged ? maximum : null,
    ...{ nanCount, infiniteCount, denormalCount, externalFile },
  };
}

export interface WeightTotals {
  readonly count: number;
  readonly minimum: number | null;
  readonly maximum: number | null;
  readonly nanCount: number;
  readonly infiniteCount: number;
  readonly denormalCount: number;
}

export function totalWeights(weights: readonly WeightSummary[]): WeightTotals {
  const sum = (count: (weight: WeightSummary) => number) =>
    weights.reduce((total, weight) => total + count(weight), 0);
  const ranged = weights.filter((weight) => weight.minimum !== null);
  // Not spread into Math.min: a model may have more initialisers than a call takes arguments.
  const minimum = ranged.reduce((least, { minimum: own }) => Math.min(least, own!), Infinity);
  const maximum = ranged.reduce((most, { maximum: own }) => Math.max(most, own!), -Infinity);
  return {
    count: sum((weight) => weight.count),
    minimum: ranged.length === 0 ? null : minimum,
    maximum: ranged.length === 0 ? null : maximum,
    nanCount: sum((weight) => weight.nanCount),
    infiniteCount: sum((weight) => weight.infiniteCount),
    denormalCount: sum((weight) => weight.denormalCount),
  };
}
