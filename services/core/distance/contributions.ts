/**
 * Which bins make the difference: what a report names first.
 *
 * A bin contributes its term of the Jensen–Shannon divergence, which is never negative, needs no
 * smoothing, and adds up to the divergence over the bins; it is given as a share of that sum.
 */
import type { Bins } from './bins.ts';
import { jensenShannonTerm } from './jensen-shannon.ts';

export interface Contribution {
  readonly label: string;
  /** Shares of all values in bins. */
  readonly reference: number;
  readonly window: number;
  /** Share of the whole difference, [0, 1]; all 0 where there is none. */
  readonly contribution: number;
}

/** Of every bin that is not empty on both sides, largest contribution first; at a tie in bin order. */
export function contributions(bins: Bins): readonly Contribution[] {
  const terms = bins.reference.map((share, index) => jensenShannonTerm(share, bins.window[index]!));
  const sum = terms.reduce((total, term) => total + term, 0);
  const found: Contribution[] = [];
  terms.forEach((term, index) => {
    const reference = bins.reference[index]!;
    const window = bins.window[index]!;
    if (reference === 0 && window === 0) return;
    const contribution = sum > 0 ? Math.min(term / sum, 1) : 0;
    found.push({ label: bins.labelOf(index), reference, window, contribution });
  });
  return found.sort((left, right) => right.contribution - left.contribution);
}
