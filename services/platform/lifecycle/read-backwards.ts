/**
 * Reads a partition from its end towards its beginning, in stretches that grow, for who looks for the
 * last record of a kind. Each stretch comes in ascending order, the last stretch first.
 */
import type { Bus, BusRecord, TopicPartition } from '../bus/bus.ts';

const FIRST_STRETCH_RECORDS = 1_000;
const STRETCH_GROWTH = 4;

export async function* readBackwards(
  bus: Bus,
  at: TopicPartition,
): AsyncGenerator<readonly BusRecord[]> {
  const { earliest, next } = await bus.offsets(at);
  let end = next;
  for (let size = FIRST_STRETCH_RECORDS; end > earliest; size *= STRETCH_GROWTH) {
    const from = Math.max(earliest, end - size);
    const stretch: BusRecord[] = [];
    for await (const record of bus.read(at, from, end)) stretch.push(record);
    yield stretch;
    end = from;
  }
}
