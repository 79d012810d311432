/** What a run has written, read back from the topics, and what is left of it without repeats. */
import { isControl } from '../../services/core/message/control.ts';
import { HEADER, headerText } from '../../services/core/message/header.ts';
import { type Origin, originOf } from '../../services/core/message/origin.ts';
import type { QuarantineStage } from '../../services/core/message/quarantine.ts';
import type { Topics } from '../../services/core/monitor/monitor.ts';
import type { Bus, BusRecord } from '../../services/platform/bus/bus.ts';
import { readAll } from '../support/read-all.ts';

/** Every topic of the run, by partition, repeats included. */
export type RunLogs = Readonly<Record<keyof Topics, readonly (readonly BusRecord[])[]>>;

export async function readLogs(bus: Bus, topics: Topics): Promise<RunLogs> {
  const logs: Record<string, BusRecord[][]> = {};
  for (const [name, topic] of Object.entries(topics)) {
    const partitions: BusRecord[][] = [];
    for (let partition = 0; partition < ((await bus.partitionCount(topic)) ?? 0); partition += 1) {
      partitions.push(await readAll(bus, topic, partition));
    }
    logs[name] = partitions;
  }
  return logs as unknown as RunLogs;
}

/** Records of all topics together. */
export async function countRecords(bus: Bus, topics: Topics): Promise<number> {
  let count = 0;
  for (const topic of Object.values(topics) as string[]) {
    for (let partition = 0; partition < ((await bus.partitionCount(topic)) ?? 0); partition += 1) {
      count += (await bus.offsets({ topic, partition })).next;
    }
  }
  return count;
}

/** What a consumer that drops repeats by origin makes of a partition. */
export function advancing(log: readonly BusRecord[]): readonly BusRecord[] {
  const lastOffsets = new Map<string, number>();
  return log.filter((record) => {
    const origin = originOf(record);
    const from = `${origin.topic}:${origin.partition}`;
    if (origin.offset <= (lastOffsets.get(from) ?? -1)) return false;
    lastOffsets.set(from, origin.offset);
    return true;
  });
}

export function eventsAlone(log: readonly BusRecord[]): readonly BusRecord[] {
  return log.filter(({ headers }) => !isControl(headers));
}

/** The two services that refuse events take turns in one partition, each in its own order. */
export function refusedBy(stage: QuarantineStage, log: readonly BusRecord[]): readonly BusRecord[] {
  return advancing(log.filter((r) => headerText(r.headers, HEADER.errorStage) === stage));
}

export function nameOf({ topic, partition, offset }: Origin): string {
  return `${topic}:${partition}:${offset}`;
}
