/**
 * Bins of a categorical column: every category either side counts, and one for all others.
 *
 * The order is the reference's categories by code units, then the window's own, then the others. It
 * depends on the counts only and not on how the sketches came about, so sums over the bins, and
 * with them reports, are the same to the last bit in a replay.
 */
import type { CategoricalSketch } from '../sketch/categorical-sketch.ts';
import type { Bins } from './bins.ts';

/** What the bin of values beyond the counted categories is called. */
export const OTHER_LABEL = '(other)';

export function categoryBins(reference: CategoricalSketch, window: CategoricalSketch): Bins {
  const { count: referenceCount, otherCount: referenceOther, counts: referenceCounts } = reference;
  const { count: windowCount, otherCount: windowOther, counts: windowCounts } = window;
  if (referenceCount === 0 || windowCount === 0) return noBins(referenceCount, windowCount);
  const known = ascending([...referenceCounts.keys()]);
  const found = known.map((category) => windowCounts.get(category) ?? 0);
  const unseen = ascending(unseenCategories(referenceCounts, windowCounts, found));
  const length = known.length + unseen.length + 1;
  const referenceShares = new Float64Array(length);
  const windowShares = new Float64Array(length);
  for (let index = 0; index < known.length; index++) {
    referenceShares[index] = referenceCounts.get(known[index]!)! / referenceCount;
    windowShares[index] = found[index]! / windowCount;
  }
  for (let index = 0; index < unseen.length; index++) {
    windowShares[known.length + index] = windowCounts.get(unseen[index]!)! / windowCount;
  }
  referenceShares[length - 1] = referenceOther / referenceCount;
  windowShares[length - 1] = windowOther / windowCount;
  return {
    reference: referenceShares,
    window: windowShares,
    referenceCount,
    windowCount,
    labelOf: (index) => known[index] ?? unseen[index - known.length] ?? OTHER_LABEL,
  };
}

/** The window's categories that the reference does not count; `found` are its counts of the others. */
function unseenCategories(
  reference: ReadonlyMap<string, number>,
  window: ReadonlyMap<string, number>,
  found: readonly number[],
): string[] {
  const seenCount = found.reduce((sum, count) => (count > 0 ? sum + 1 : sum), 0);
  if (seenCount === window.size) return [];
  return [...window.keys()].filter((category) => !reference.has(category));
}

function noBins(referenceCount: number, windowCount: number): Bins {
  const nothing = new Float64Array(0);
  return {
    reference: nothing,
    window: nothing,
    referenceCount,
    windowCount,
    labelOf: () => OTHER_LABEL,
  };
}

/** Sorts in place, unless it need not: a sketch read from bytes is in order already. */
function ascending(categories: string[]): string[] {
  for (let index = 1; index < categories.length; index++) {
    if (categories[index - 1]! > categories[index]!) return categories.sort();
  }
  return categories;
}
