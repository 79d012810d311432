/**
 * A subscription as one faulty process sees it: polls bring few records and late, and a process that
 * lost its partitions may not know yet and go on with what it had fetched.
 */
import type {
  Assignment,
  Bus,
  RecordBatch,
  SubscribeOptions,
  Subscription,
} from '../../services/platform/bus/bus.ts';
import { type FaultyProcess, LOST_ON_BUS, NEVER } from './faulty-process.ts';

const PREFETCHED_RECORDS_MAX = 30;
const POLLED_RECORDS_MAX = 40;

export class FaultySubscription implements Subscription {
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
    faults: FaultyProcess,
    options: SubscribeOptions,
  ): Promise<FaultySubscription> {
    const subscription = new FaultySubscription(bus, faults, options);
    // Lost before the group knows of the member: a join that is not answered is made again.
    await faults.call(LOST_ON_BUS, async () => undefined);
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

  private constructor(bus: Bus, faults: FaultyProcess, options: SubscribeOptions) {
    this.#bus = bus;
    this.#faults = faults;
    this.#options = options;
  }

  async poll(options: { recordsMax: number; waitMs: number }): Promise<readonly RecordBatch[]> {
    if (this.#faults.dead) return NEVER;
    if (this.#evicted) return this.#pollPrefetched(options.waitMs);
    const recordsMax = Math.min(options.recordsMax, this.#faults.draw(1, POLLED_RECORDS_MAX));
    const batches = await this.#inner!.poll({ ...options, recordsMax });
    await this.#faults.latency();
    if (this.#faults.dead) return NEVER;
    for (const { assignment, records } of batches) {
      this.#nextOffsets.set(assignment, records[records.length - 1]!.offset + 1);
    }
    return batches;
  }

  owns(assignment: Assignment): boolean {
    return this.#inner!.owns(assignment) || this.#ghostOf(assignment) !== null;
  }

  commit(assignment: Assignment, offset: number, note?: string): Promise<boolean> {
    return this.#faults.call(LOST_ON_BUS, () => this.#inner!.commit(assignment, offset, note));
  }

  assignments(): readonly Assignment[] {
    return [...this.#inner!.assignments(), ...this.#ghosts];
  }

  async close(): Promise<void> {
    if (this.#faults.dead) return NEVER;
    await this.#inner!.close();
    this.notice();
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
    if (batches.length === 0) await this.#faults.clock.sleep(waitMs);
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
