/** Everything a partition of a bus holds right now, repeats included. */
import type { Bus, BusRecord } from '../../services/platform/bus/bus.ts';

export async function readAll(bus: Bus, topic: string, partition = 0): Promise<BusRecord[]> {
  const { earliest, next } = await bus.offsets({ topic, partition });
  const records: BusRecord[] = [];
  for await (const record of bus.read({ topic, partition }, earliest, next)) records.push(record);
  return records;
}
