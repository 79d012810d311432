/** The categorical parts of the binary form; the grammar stands above `column-sketch.ts`. */
import { CATEGORIES_MAX, CATEGORY_LENGTH_MAX } from '../limits.ts';
import type { BeyondLimitState, CategoricalSketchState } from './categorical-sketch.ts';
import { HyperLogLog, REGISTER_COUNT, REGISTER_MAX } from './hyper-log-log.ts';
import { corrupt, type SketchReader, type SketchWriter } from './sketch-bytes.ts';

/** A UTF-16 code unit takes at most three bytes of UTF-8. */
const CATEGORY_BYTES_MAX = 3 * CATEGORY_LENGTH_MAX;
/** A length and a count. */
const CATEGORY_ENTRY_BYTES_MIN = 2;

/** With `beyond` it is the form of a column that has more categories than are held. */
export function writeCategoricalSketch(writer: SketchWriter, state: CategoricalSketchState): void {
  const { counts, beyond = null } = state;
  writer.count(state.missingCount);
  writer.count(state.otherCount);
  if (beyond !== null) writer.count(beyond.absentCountMax);
  writer.count(counts.size);
  for (const category of [...counts.keys()].sort()) {
    writer.text(category);
    writer.count(counts.get(category)!);
    if (beyond !== null) writer.count(beyond.countErrors.get(category)!);
  }
  if (beyond !== null) for (const rank of beyond.seen.registers) writer.byte(rank);
}

export function readCategoricalSketch(
  reader: SketchReader,
  form: { readonly isBeyondLimit: boolean },
): CategoricalSketchState {
  const missingCount = reader.count('missing count');
  const otherCount = reader.count('other count');
  const absentCountMax = form.isBeyondLimit ? readAbsentCountMax(reader, otherCount) : 0;
  const size = reader.length('number of categories', CATEGORIES_MAX, CATEGORY_ENTRY_BYTES_MIN);
  const counts = new Map<string, number>();
  const countErrors = new Map<string, number>();
  let total = otherCount;
  let previous: string | null = null;
  for (let index = 0; index < size; index++) {
    const category = readCategory(reader, index);
    if (previous !== null && category <= previous) {
      throw corrupt(`category ${index} does not come after the one before it`);
    }
    const count = reader.positiveCount(`count of category ${index}`);
    counts.set(category, count);
    total += count;
    previous = category;
    if (!form.isBeyondLimit) continue;
    const error = reader.count(`error of category ${index}`);
    if (error > absentCountMax) {
      throw corrupt(`category ${index} has an error of ${error}, more than ${absentCountMax}`);
    }
    countErrors.set(category, error);
  }
  if (total > Number.MAX_SAFE_INTEGER) throw corrupt('the counts add up beyond 2^53 - 1');
  if (!form.isBeyondLimit) return { missingCount, otherCount, counts, beyond: null };
  const beyond: BeyondLimitState = { absentCountMax, countErrors, seen: readSeen(reader, counts) };
  return { missingCount, otherCount, counts, beyond };
}

function readCategory(reader: SketchReader, index: number): string {
  const category = reader.text(`category ${index}`, CATEGORY_BYTES_MAX);
  if (category.length > CATEGORY_LENGTH_MAX) {
    throw corrupt(`category ${index} is longer than ${CATEGORY_LENGTH_MAX} characters`);
  }
  return category;
}

/** What is not held is among the others. */
function readAbsentCountMax(reader: SketchReader, otherCount: number): number {
  const absentCountMax = reader.positiveCount('largest count of an absent category');
  if (absentCountMax > otherCount) {
    throw corrupt(`an absent category counts ${absentCountMax}, all others ${otherCount}`);
  }
  return absentCountMax;
}

function readSeen(reader: SketchReader, counts: ReadonlyMap<string, number>): HyperLogLog {
  const registers = reader.bytes('registers', REGISTER_COUNT);
  const tooLarge = registers.findIndex((rank) => rank > REGISTER_MAX);
  if (tooLarge >= 0) throw corrupt(`register ${tooLarge} is above ${REGISTER_MAX}`);
  const seen = new HyperLogLog(registers);
  for (const category of counts.keys()) {
    if (!seen.mayHave(category)) throw corrupt('the registers lack a category that is held');
  }
  return seen;
}
