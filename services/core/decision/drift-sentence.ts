/**
 * The verdict on a column as a sentence: what was typical, what is now, in the column's own unit, and
 * in which bin most of the difference lies. Two facts at most: it is read on a phone at night.
 */
import type { ColumnSketch } from '../sketch/column-sketch.ts';
import type { NumericSketch } from '../sketch/numeric-sketch.ts';
import { comparedBins, shortLabel, topContribution } from './compared-bins.ts';
import type { Measurement } from './measurement.ts';
import { notFiniteCount, rowCount } from './numeric-column.ts';
import { percent } from './percent.ts';

const DIGITS = 3;

interface Compared {
  readonly name: string;
  readonly reference: ColumnSketch;
  readonly window: ColumnSketch;
}

/** `decisive`: what exceeds its limits by most; `null` without drift. */
export function driftSentence(
  column: Compared,
  decisive: Measurement | null,
  countMin: number,
): string {
  const { name, reference, window } = column;
  if (reference.kind !== window.kind) {
    return `${name} is ${window.kind} and was ${reference.kind}: nothing to compare.`;
  }
  if (decisive === null) {
    if (window.count >= Math.max(1, countMin)) return `${name} is as it was.`;
    return `${name} has ${window.count} values, too few to judge by.`;
  }
  return `${name} ${whatMoved(column, decisive)}`;
}

function whatMoved({ reference, window }: Compared, decisive: Measurement): string {
  switch (decisive.name) {
    case 'missing':
      return moved(
        'is missing',
        decisive,
        rates(reference, window, rowsOf, (sketch) => sketch.missingCount),
      );
    case 'not_finite':
      return moved('is NaN or infinite', decisive, rates(reference, window, rowsOf, notFiniteOf));
    case 'category': {
      const category = decisive.subject ?? '';
      const shares = rates(
        reference,
        window,
        (sketch) => sketch.count,
        (sketch) => (sketch.kind === 'categorical' ? (sketch.counts.get(category) ?? 0) : 0),
      );
      return moved(`is ${JSON.stringify(shortLabel(category))}`, decisive, shares);
    }
    case 'unseen':
      return `has values that were never there before: ${percent(decisive.effect)} of them.`;
    case 'mix':
      return `has another mix of categories: ${facts(`${percent(decisive.effect)} of values would have to change category`, topPlace(reference, window))}`;
    default:
      return distributionMoved(reference, window, decisive);
  }
}

function distributionMoved(
  reference: ColumnSketch,
  window: ColumnSketch,
  decisive: Measurement,
): string {
  if (reference.kind !== 'numeric' || window.kind !== 'numeric') return 'has changed.';
  const median = `a typical value moved from ${value(reference.quantile(0.5))} to ${value(window.quantile(0.5))}`;
  const middle = `the middle half of values lies between ${range(window, 0.25, 0.75)}, before between ${range(reference, 0.25, 0.75)}`;
  const tails = `nine tenths of values lie between ${range(window, 0.05, 0.95)}, before between ${range(reference, 0.05, 0.95)}`;
  const place = topPlace(reference, window);
  switch (decisive.name) {
    case 'location':
      return `is ${decisive.effect < 0 ? 'lower' : 'higher'}: ${facts(median, place ?? middle)}`;
    case 'scale':
      return `is spread ${decisive.effect < 0 ? 'less' : 'more'} widely: ${facts(middle, place ?? tails)}`;
    case 'skewness':
      return `is lopsided where it was not: ${facts(middle, place ?? tails)}`;
    case 'tails':
      return `has ${decisive.effect < 0 ? 'lighter' : 'other'} tails: ${facts(tails, place)}`;
    default:
      return `is distributed otherwise: ${facts(`${percent(decisive.effect)} of values would have to move`, place ?? tails)}`;
  }
}

/** Only of a column that drifts, so that a quiet one costs no bins. */
function topPlace(reference: ColumnSketch, window: ColumnSketch): string | null {
  return topContribution(comparedBins(reference, window), reference.kind);
}

function facts(first: string, second: string | null): string {
  return second === null ? `${first}.` : `${first}; ${second}.`;
}

interface Rates {
  readonly before: number;
  readonly now: number;
}

/** Categories are shares of the values, missing and not finite ones of the rows. */
function rates(
  reference: ColumnSketch,
  window: ColumnSketch,
  totalOf: (sketch: ColumnSketch) => number,
  countOf: (sketch: ColumnSketch) => number,
): Rates {
  return {
    before: countOf(reference) / totalOf(reference),
    now: countOf(window) / totalOf(window),
  };
}

function rowsOf(sketch: ColumnSketch): number {
  return sketch.kind === 'numeric' ? rowCount(sketch) : sketch.count + sketch.missingCount;
}

function notFiniteOf(sketch: ColumnSketch): number {
  return sketch.kind === 'numeric' ? notFiniteCount(sketch) : 0;
}

function moved(what: string, { effect }: Measurement, { before, now }: Rates): string {
  const often = effect < 0 ? 'less often' : 'more often';
  return `${what} ${often}: ${percent(now)} of the time, before ${percent(before)}.`;
}

function range(sketch: NumericSketch, from: number, to: number): string {
  return `${value(sketch.quantile(from))} and ${value(sketch.quantile(to))}`;
}

function value(number: number): string {
  return String(Number(number.toPrecision(DIGITS)));
}
