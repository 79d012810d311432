/**
 * A bus as one faulty process sees it: a produce may be acknowledged in part, per partition a
 * contiguous beginning; runs that were already written come again; and a process that lost its
 * partitions may not know yet and go on with what it had fetched.
 */
import { CodedError } from '../../services/core/errors.ts';
import type {
  Assignment,
  Bus,
  OutgoingRecord,
  RecordBatch,
  SubscribeOptions,
  Subscription,
  TopicPartition,
} from '../../services/platform/bus/bus.ts';
import type { Clock } from '../../services/platform/clock/clock.ts';
import type { FaultyProcess } from './faulty-process.ts';

const LOST = { lostRequest: 'dependency.bus', lostReply: 'dependency.bus' } as const;
const PREFETCHED_RECORDS_MAX = 30;
const POLLED_RECORDS_MAX = 40;

export interface FaultyBus extends Bus {
  /** The group takes the partitions away; the process learns it when `notice` is called. */
  evict(): Promise<void>;
  notice(): void;
}

export function createFaultyBus(bus: Bus, clock: Clock, faults: FaultyProcess): FaultyBus {
  const subscriptions = new Set<FaultySubscription>();

  async function produce(records: readonly OutgoingRecord[]): Promise<void> {
    await faults.call(LOST, async () => {
      if (faults.chance(faults.rates.partialProduce)) {
        await bus.produce(beginnings(records, faults));
        throw new CodedError('dependency.bus', 'injected: some records were not acknowledged');
      }
      await bus.produce(records);
    });
    if (faults.chance(faults.rates.duplicate)) {
      for (const at of partitionsOf(records)) await repeatRun(bus, at, faults);
    }
  }

  return {
    ensureTopics: (specs) => bus.ensureTopics(specs),
    partitionCount: (topic) => bus.partitionCount(topic),
    offsets: (at) => bus.offsets(at),
    committed: (group, at) => bus.committed(group, at),
    produce,
    async subscribe(options) {
      const subscription = await FaultySubscription.open(bus, clock, faults, options);
      subscriptions.add(subscription);
      return subscription;
    },
    read: (at, from, to) => bus.read(at, from, to),
    offsetAt: (at, timestampMs) => bus.offsetAt(at, timestampMs),
    close: () => Promise.resolve(),
    async evict() {
      for (const subscription of subscriptions) await subscription.evict();
    },
    notice() {
      for (const subscription of subscriptions) subscription.notice();
    },
  };
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
  const from = faults.draw(Math.max(0, next - 60), next - 1);
  const run: OutgoingRecord[] = [];
  for await (const record of bus.read(at, from, faults.draw(from, next))) run.push(record);
  await bus.produce(run);
}

class FaultySubscription implements Subscription {
  readonly #clock: Clock;
  readonly #bus: Bus;
  readonly #faults: FaultyProcess;
  readonly #options: SubscribeOptions;
  /** Where each assignment would go on; what an evicted process reads from its own buffer. */
  readonly #nextOffsets = new Map<Assignment, number>();
  #inner: Subscription | null = null;
  /** Assignments taken away that the process still believes in. */
  readonly #ghosts = new Set<Assignment>();
  #evicted = false;

  static async open(
    bus: Bus,
    clock: Clock,
    faults: FaultyProcess,
    options: SubscribeOptions,
  ): Promise<FaultySubscription> {
    const subscription = new FaultySubscription(bus, clock, faults, options);
    subscription.#inner = await bus.subscribe({
      ...options,
      onAssigned: (assignment) => options.onAssigned(assignment),
      onRevoked: (assignment) => {
        if (subscription.#evicted) subscription.#ghosts.add(assignment);
        else options.onRevoked(assignment);
      },
    });
    return subscription;
  }

  private constructor(bus: Bus, clock: Clock, faults: FaultyProcess, options: SubscribeOptions) {
    this.#bus = bus;
    this.#clock = clock;
    this.#faults = faults;
    this.#options = options;
  }

  async poll(options: { recordsMax: number; waitMs: number }): Promise<readonly RecordBatch[]> {
    if (this.#faults.dead) return new Promise(() => undefined);
    if (this.#evicted) return this.#pollPrefetched(options.waitMs);
    const recordsMax = Math.min(options.recordsMax, this.#faults.draw(1, POLLED_RECORDS_MAX));
    const batches = await this.#inner!.poll({ ...options, recordsMax });
    await this.#faults.latency();
    if (this.#faults.dead) return new Promise(() => undefined);
    for (const { assignment, records } of batches) {
      this.#nextOffsets.set(assignment, records[records.length - 1]!.offset + 1);
    }
    return batches;
  }

  owns(assignment: Assignment): boolean {
    return this.#inner!.owns(assignment) || this.#ghostOf(assignment) !== null;
  }

  commit(assignment: Assignment, offset: number): Promise<void> {
    return this.#faults.call(LOST, () => this.#inner!.commit(assignment, offset));
  }

  assignments(): readonly Assignment[] {
    return [...this.#inner!.assignments(), ...this.#ghosts];
  }

  async close(): Promise<void> {
    if (this.#faults.dead) return new Promise(() => undefined);
    await this.#inner!.close();
  }

  async evict(): Promise<void> {
    this.#evicted = true;
    await this.#inner!.close();
  }

  notice(): void {
    const ended = [...this.#ghosts];
    this.#ghosts.clear();
    for (const assignment of ended) this.#options.onRevoked(assignment);
  }

  async #pollPrefetched(waitMs: number): Promise<readonly RecordBatch[]> {
    const batches: RecordBatch[] = [];
    for (const assignment of this.#ghosts) {
      const from = this.#nextOffsets.get(assignment);
      if (from === undefined) continue;
      const { next } = await this.#bus.offsets(assignment);
      const to = Math.min(next, from + this.#faults.draw(0, PREFETCHED_RECORDS_MAX));
      const records = [];
      for await (const record of this.#bus.read(assignment, from, to)) records.push(record);
      if (records.length > 0) batches.push({ assignment, records });
      this.#nextOffsets.set(assignment, to);
    }
    if (batches.length === 0) await this.#clock.sleep(waitMs);
    return batches;
  }

  #ghostOf({ topic, partition, joinEpoch }: Assignment): Assignment | null {
    for (const ghost of this.#ghosts) {
      if (ghost.topic === topic && ghost.partition === partition && ghost.joinEpoch === joinEpoch)
        return ghost;
    }
    return null;
  }
}
