/** A column sketch in a few numbers, for people: what reference.json shows beside the sketch itself. */
import type { CategoricalSketch } from '../sketch/categorical-sketch.ts';
import type { ColumnSketch } from '../sketch/column-sketch.ts';
import type { NumericSketch } from '../sketch/numeric-sketch.ts';

const QUANTILES = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99] as const;
const CATEGORIES_SHOWN = 10;
/** Enough to compare two profiles by eye, short enough to read. */
const DIGITS = 6;

/** JSON values in a fixed order; `null` where there is no value to take a number of. */
export function describeSketch(sketch: ColumnSketch): Readonly<Record<string, unknown>> {
  return sketch.kind === 'numeric' ? describeNumeric(sketch) : describeCategorical(sketch);
}

function describeNumeric(sketch: NumericSketch): Readonly<Record<string, unknown>> {
  const quantiles = QUANTILES.map((q): [string, number | null] => [
    String(q),
    rounded(sketch.quantile(q)),
  ]);
  return {
    count: sketch.count,
    missing: sketch.missingCount,
    notFinite: sketch.nanCount + sketch.positiveInfinityCount + sketch.negativeInfinityCount,
    mean: rounded(sketch.mean),
    standardDeviation: rounded(sketch.standardDeviation),
    minimum: rounded(sketch.minimum),
    maximum: rounded(sketch.maximum),
    quantiles: Object.fromEntries(quantiles),
  };
}

function describeCategorical(sketch: CategoricalSketch): Readonly<Record<string, unknown>> {
  const ranked = [...sketch.counts].sort(
    ([left, leftCount], [right, rightCount]) => rightCount - leftCount || (left < right ? -1 : 1),
  );
  return {
    count: sketch.count,
    missing: sketch.missingCount,
    distinct: sketch.cardinality,
    other: sketch.otherCount,
    top: Object.fromEntries(ranked.slice(0, CATEGORIES_SHOWN)),
  };
}

function rounded(value: number): number | null {
  return Number.isFinite(value) ? Number(value.toPrecision(DIGITS)) : null;
}
