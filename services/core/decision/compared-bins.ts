/**
 * Both sides of a column, bin by bin, for a report: what a chart of the two is drawn from, and which
 * bin the sentence names.
 *
 * Ranges of a numeric column stand in the order of their values, categories in that of what they
 * contribute, the lesser ones summed up in one row; so the shares of each side add up to 1 whatever is
 * shown. Bins that are empty on both sides are left out. Time depends on the number of bins, which is
 * bounded, and not on how many values they hold.
 */
import { binsOf } from '../distance/bins.ts';
import { contributions } from '../distance/contributions.ts';
import type { ColumnSketch } from '../sketch/column-sketch.ts';
import { percent } from './percent.ts';

export interface BinReport {
  /** `≤ 3.2`, `(3.2, 5]`, `5`, `> 9`, or the beginning of a category. */
  readonly label: string;
  /** Of all values in bins, [0, 1]. */
  readonly referenceShare: number;
  /** Of the window's values in bins, [0, 1]. */
  readonly share: number;
  /** Share of the whole difference, [0, 1]; all 0 where there is none. */
  readonly contribution: number;
}

/** Categories with a row of their own. */
export const CATEGORY_ROWS_MAX = 10;
/** What the row of all further categories is called. */
export const ALL_OTHERS_LABEL = '(all others)';
/** Characters of a category that are shown. */
const LABEL_LENGTH_MAX = 60;
/** A bin that holds more of the difference than this holds most of it. */
const MOST = 0.5;

/** Empty where either side has no values, or the two are of different kinds. */
export function comparedBins(reference: ColumnSketch, window: ColumnSketch): readonly BinReport[] {
  if (reference.kind !== window.kind) return [];
  const bins = binsOf(reference, window);
  const contributed = contributions(bins);
  const row = (index: number): BinReport => ({
    label: shortLabel(bins.labelOf(index)),
    referenceShare: bins.reference[index]!,
    share: bins.window[index]!,
    contribution: contributed[index]!,
  });
  const held = [...contributed.keys()].filter(
    (index) => bins.reference[index]! > 0 || bins.window[index]! > 0,
  );
  if (reference.kind === 'numeric') return held.map(row);
  const shown = largest(contributed, held, CATEGORY_ROWS_MAX);
  const rows = shown.map(row);
  if (rows.length === held.length) return rows;
  const others = held.filter((index) => !shown.includes(index));
  const sumOf = (values: Float64Array) => others.reduce((sum, index) => sum + values[index]!, 0);
  return [
    ...rows,
    {
      label: ALL_OTHERS_LABEL,
      referenceShare: sumOf(bins.reference),
      share: sumOf(bins.window),
      contribution: sumOf(contributed),
    },
  ];
}

/** Indexes of the largest values, largest first and at a tie the first one; of a thousand, sorting is dear. */
function largest(values: Float64Array, indexes: readonly number[], countMax: number): number[] {
  const found: number[] = [];
  for (const index of indexes) {
    const value = values[index]!;
    if (found.length === countMax) {
      if (value <= values[found.at(-1)!]!) continue;
      found.pop();
    }
    let at = found.length;
    while (at > 0 && values[found[at - 1]!]! < value) at--;
    found.splice(at, 0, index);
  }
  return found;
}

/** Where the difference lies, as a part of a sentence; `null` where the bins show none. */
export function topContribution(
  bins: readonly BinReport[],
  kind: ColumnSketch['kind'],
): string | null {
  let top: BinReport | null = null;
  // Many categories at once would be no place to look at.
  for (const bin of kind === 'categorical' ? bins.slice(0, CATEGORY_ROWS_MAX) : bins) {
    if (bin.contribution > (top?.contribution ?? 0)) top = bin;
  }
  if (top === null) return null;
  const { label, share, referenceShare, contribution } = top;
  const place = kind === 'categorical' ? JSON.stringify(label) : label;
  const preposition = kind === 'categorical' || /^[([]/.test(label) ? 'in' : 'at';
  const part = contribution > MOST ? 'most' : 'the largest part';
  return `${part} of the difference lies ${preposition} ${place}: ${percent(share)} now, ${percent(referenceShare)} before`;
}

/** Never ends within a character. */
export function shortLabel(label: string): string {
  return label.length <= LABEL_LENGTH_MAX ? label : [...label].slice(0, LABEL_LENGTH_MAX).join('');
}
