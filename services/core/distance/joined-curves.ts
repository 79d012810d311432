/**
 * Two cumulative distributions on common knots, from which every distance between curves is a sum.
 *
 * At a knot both sides may have a step, from `below` (the limit from the left) to `above`; between two
 * knots both are straight. So differences and their integrals are exact for the two curves, and exact
 * for the samples where the sketches still hold every distinct value. Shares, not counts.
 */
import type { NumericSketch } from '../sketch/numeric-sketch.ts';

export interface JoinedCurves {
  /** Knots in use; the arrays may be longer. 0 where either side has no finite value. */
  readonly count: number;
  /** Ascending, no two alike. */
  readonly positions: Float64Array;
  readonly referenceBelow: Float64Array;
  readonly referenceAbove: Float64Array;
  readonly windowBelow: Float64Array;
  readonly windowAbove: Float64Array;
  /** Finite values. */
  readonly referenceCount: number;
  readonly windowCount: number;
}

const NOTHING = new Float64Array(0);

/** One walk over the knots of both. The sketches are not changed. */
export function joinCurves(reference: NumericSketch, window: NumericSketch): JoinedCurves {
  const counts = { referenceCount: reference.count, windowCount: window.count };
  if (reference.count === 0 || window.count === 0) {
    return {
      count: 0,
      positions: NOTHING,
      referenceBelow: NOTHING,
      referenceAbove: NOTHING,
      windowBelow: NOTHING,
      windowAbove: NOTHING,
      ...counts,
    };
  }
  const left = reference.digest.curve();
  const right = window.digest.curve();
  const capacity = left.positions.length + right.positions.length;
  const positions = new Float64Array(capacity);
  const referenceBelow = new Float64Array(capacity);
  const referenceAbove = new Float64Array(capacity);
  const windowBelow = new Float64Array(capacity);
  const windowAbove = new Float64Array(capacity);
  let count = 0;
  let leftAt = 0;
  let rightAt = 0;
  // Positions are finite: Infinity stands for the end, where reading on would be slow.
  const leftEnd = left.positions.length;
  const rightEnd = right.positions.length;
  let leftX = left.positions[0]!;
  let rightX = right.positions[0]!;
  while (leftX < Infinity || rightX < Infinity) {
    const x = Math.min(leftX, rightX);
    positions[count] = x;
    referenceBelow[count] = left.belowFrom(leftAt, x);
    windowBelow[count] = right.belowFrom(rightAt, x);
    while (leftX === x) leftX = ++leftAt < leftEnd ? left.positions[leftAt]! : Infinity;
    while (rightX === x) rightX = ++rightAt < rightEnd ? right.positions[rightAt]! : Infinity;
    referenceAbove[count] = left.atOrBelowFrom(leftAt, x);
    windowAbove[count] = right.atOrBelowFrom(rightAt, x);
    count++;
  }
  return {
    count,
    positions,
    referenceBelow,
    referenceAbove,
    windowBelow,
    windowAbove,
    ...counts,
  };
}
