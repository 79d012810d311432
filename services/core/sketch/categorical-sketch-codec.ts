/** The categorical part of the binary form; the grammar stands above `column-sketch.ts`. */
import { CATEGORIES_MAX, CATEGORY_LENGTH_MAX } from '../limits.ts';
import type { CategoricalSketchState } from './categorical-sketch.ts';
import { corrupt, type SketchReader, type SketchWriter } from './sketch-bytes.ts';

/** A UTF-16 code unit takes at most three bytes of UTF-8. */
const CATEGORY_BYTES_MAX = 3 * CATEGORY_LENGTH_MAX;
/** A length and a count. */
const CATEGORY_ENTRY_BYTES_MIN = 2;

export function writeCategoricalSketch(writer: SketchWriter, state: CategoricalSketchState): void {
  writer.count(state.missingCount);
  writer.count(state.otherCount);
  writer.count(state.counts.size);
  for (const category of [...state.counts.keys()].sort()) {
    writer.text(category);
    writer.count(state.counts.get(category)!);
  }
}

export function readCategoricalSketch(reader: SketchReader): CategoricalSketchState {
  const missingCount = reader.count('missing count');
  const otherCount = reader.count('other count');
  const size = reader.length('number of categories', CATEGORIES_MAX, CATEGORY_ENTRY_BYTES_MIN);
  const counts = new Map<string, number>();
  let total = otherCount;
  let previous: string | null = null;
  for (let index = 0; index < size; index++) {
    const category = reader.text(`category ${index}`, CATEGORY_BYTES_MAX);
    if (category.length > CATEGORY_LENGTH_MAX) {
      throw corrupt(`category ${index} is longer than ${CATEGORY_LENGTH_MAX} characters`);
    }
    if (previous !== null && category <= previous) {
      throw corrupt(`category ${index} does not come after the one before it`);
    }
    const count = reader.positiveCount(`count of category ${index}`);
    counts.set(category, count);
    total += count;
    previous = category;
  }
  if (total > Number.MAX_SAFE_INTEGER) throw corrupt('the counts add up beyond 2^53 - 1');
  return { missingCount, otherCount, counts };
}
