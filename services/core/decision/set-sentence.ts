/** What moved in a set of columns as a sentence a person understands. */
import type { SetMeasurement } from './measure-set.ts';

const DIGITS = 2;

/**
 * `set`: its name. `decisive`: what exceeds its limits; `null` without drift. Of several, prefer a
 * correlation, which names two columns, to a projection, which names none, and that to the joint
 * distribution.
 */
export function setSentence(set: string, decisive: SetMeasurement | null): string {
  if (decisive === null) return `${set}: its columns go together as they did.`;
  const { name, change, effect, subject } = decisive;
  if (name === 'correlation' && change !== null) {
    const { left, right, before, now } = change;
    return `${set}: the correlation of ${left} and ${right} moved from ${value(before)} to ${value(now)}.`;
  }
  if (name === 'projection') {
    return `${set}: the columns together are distributed otherwise: the ${wordOf(subject)} of a mix of all of them moved.`;
  }
  return `${set}: the columns together are distributed otherwise (maximum mean discrepancy ${value(effect)}).`;
}

/** A statistic of one column, as of `LEGENDRE_NAMES` or `ks`. */
function wordOf(statistic: string | null): string {
  switch (statistic) {
    case 'location':
      return 'middle';
    case 'scale':
      return 'spread';
    case 'skewness':
      return 'lopsidedness';
    case 'tails':
      return 'tails';
    default:
      return 'distribution';
  }
}

/** Two digits after the point, and minus zero is zero. */
function value(number: number): string {
  return (Number(number.toFixed(DIGITS)) + 0).toFixed(DIGITS);
}
