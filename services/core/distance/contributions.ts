/**
 * Which bins make the difference: what a report names first.
 *
 * A bin contributes its term of the Jensen–Shannon divergence, which is never negative, needs no
 * smoothing, and adds up to the divergence over the bins; it is given as a share of that sum.
 */
import type { Shares } from './bins.ts';
import { jensenShannonTerm } from './jensen-shannon.ts';

/** Of every bin, in the order of the bins: shares of the whole difference, all 0 where there is none. */
export function contributions({ reference, window }: Shares): Float64Array {
  const terms = reference.map((share, index) => jensenShannonTerm(share, window[index]!));
  const sum = terms.reduce((total, term) => total + term, 0);
  return sum > 0 ? terms.map((term) => Math.min(term / sum, 1)) : terms;
}
