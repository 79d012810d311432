/**
 * A bus as one faulty process sees it: every call may be lost or never return, a produce may be
 * acknowledged in part, per partition a contiguous beginning, and runs that were already written come
 * again. What it is assigned is the subscription's business (faulty-subscription.ts).
 */
import { CodedError } from '../../services/core/errors.ts';
import type {
  Bus,
  BusRecord,
  OutgoingRecord,
  TopicPartition,
} from '../../services/platform/bus/bus.ts';
import { type FaultyProcess, LOST_ON_BUS } from './faulty-process.ts';
import { FaultySubscription } from './faulty-subscription.ts';

const REPEATED_RECORDS_MAX = 60;
/** Records of a range that come with one reply. */
const READ_RECORDS_MAX = 100;

export interface FaultyBus extends Bus {
  /** The group takes the partitions away; the process learns it when `notice` is called. */
  evict(): Promise<void>;
  notice(): void;
}

export function createFaultyBus(bus: Bus, faults: FaultyProcess): FaultyBus {
  const subscriptions = new Set<FaultySubscription>();

  async function produce(records: readonly OutgoingRecord[]): Promise<void> {
    const nowMs = faults.clock.nowMs();
    const stamped = records.map((each) => ({ ...each, timestampMs: each.timestampMs ?? nowMs }));
    await faults.call(LOST_ON_BUS, async () => {
      if (faults.strikes('partialProduce')) {
        await bus.produce(beginnings(stamped, faults));
        throw new CodedError('dependency.bus', 'injected: some records were not acknowledged');
      }
      await bus.produce(stamped);
    });
    if (faults.strikes('duplicate')) {
      for (const at of partitionsOf(records)) await repeatRun(bus, at, faults);
    }
  }

  async function* read(at: TopicPartition, from: number, to: number): AsyncIterable<BusRecord> {
    for (let next = from; next < to; next += READ_RECORDS_MAX) {
      const end = Math.min(to, next + READ_RECORDS_MAX);
      const part = await faults.call(LOST_ON_BUS, () => collect(bus.read(at, next, end)));
      yield* part;
    }
  }

  return {
    deleteTopics: (topics) => bus.deleteTopics(topics),
    ensureTopics: (specs) => faults.call(LOST_ON_BUS, () => bus.ensureTopics(specs)),
    partitionCount: (topic) => faults.call(LOST_ON_BUS, () => bus.partitionCount(topic)),
    offsets: (at) => faults.call(LOST_ON_BUS, () => bus.offsets(at)),
    committed: (group, at) => faults.call(LOST_ON_BUS, () => bus.committed(group, at)),
    offsetAt: (at, timestampMs) => faults.call(LOST_ON_BUS, () => bus.offsetAt(at, timestampMs)),
    produce,
    read,
    async subscribe(options) {
      const subscription = await FaultySubscription.open(bus, faults, options);
      subscriptions.add(subscription);
      return subscription;
    },
    close: () => Promise.resolve(),
    async evict() {
      for (const subscription of subscriptions) await subscription.evict();
    },
    notice() {
      for (const subscription of subscriptions) subscription.notice();
    },
  };
}

async function collect(records: AsyncIterable<BusRecord>): Promise<readonly BusRecord[]> {
  const collected: BusRecord[] = [];
  for await (const record of records) collected.push(record);
  return collected;
}

/** Of every partition's records the first few, each partition by itself. */
function beginnings(
  records: readonly OutgoingRecord[],
  faults: FaultyProcess,
): readonly OutgoingRecord[] {
  const left = new Map<string, number>();
  return records.filter((record) => {
    // Only topics of one partition leave the choice to the bus.
    const key = `${record.topic}:${record.partition ?? 0}`;
    const count = left.get(key) ?? faults.draw(0, records.length);
    left.set(key, count - 1);
    return count > 0;
  });
}

function partitionsOf(records: readonly OutgoingRecord[]): readonly TopicPartition[] {
  const found = new Map<string, TopicPartition>();
  for (const { topic, partition } of records) {
    if (partition !== null) found.set(`${topic}:${partition}`, { topic, partition });
  }
  return [...found.values()];
}

async function repeatRun(bus: Bus, at: TopicPartition, faults: FaultyProcess): Promise<void> {
  const { next } = await bus.offsets(at);
  if (next === 0) return;
  const from = faults.draw(Math.max(0, next - REPEATED_RECORDS_MAX), next - 1);
  await bus.produce(await collect(bus.read(at, from, faults.draw(from, next))));
}
