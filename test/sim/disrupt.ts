/** Carries out the disruptions of a plan, each at its moment, and counts those that happened. */
import type { ServiceName } from '../../services/embedded/pipeline.ts';
import type { Bus } from '../../services/platform/bus/bus.ts';
import type { Clock } from '../../services/platform/clock/clock.ts';
import { groupName } from '../../services/platform/lifecycle/stateful-service.ts';
import type { Draw } from '../support/draw.ts';
import type { CallSide } from './faulty-process.ts';
import type { Fleet, Instance } from './fleet.ts';
import type { Journal } from './journal.ts';
import type { LosableStore } from './losable-store.ts';
import type { Disruption, DisruptionKind } from './plan.ts';

export interface DisruptorOptions {
  readonly clock: Clock;
  readonly bus: Bus;
  readonly store: LosableStore;
  readonly fleet: Fleet;
  readonly journal: Journal;
  readonly draw: Draw;
  readonly monitor: string;
  readonly run: string;
  readonly inputsOf: Readonly<Record<ServiceName, readonly string[]>>;
  onDisruption(kind: DisruptionKind): void;
}

export class Disruptor {
  readonly #options: DisruptorOptions;
  /** Waiting for a call that may never be made. */
  #armed: Disruption[] = [];
  readonly #callCounts = new Map<ServiceName, number>();
  #underWay = 0;

  constructor(options: DisruptorOptions, disruptions: readonly Disruption[]) {
    this.#options = options;
    for (const disruption of disruptions) {
      if (disruption.when.at === 'call') this.#armed.push(disruption);
      else void this.#atTime(disruption, disruption.when.ms);
    }
  }

  /** True when nothing is under way and nothing will happen at a time still to come. */
  get isOver(): boolean {
    return this.#underWay === 0;
  }

  disarm(): void {
    this.#armed = [];
  }

  onCall(caller: Instance, side: CallSide): void {
    const number = (this.#callCounts.get(caller.service) ?? 0) + (side === 'before' ? 1 : 0);
    this.#callCounts.set(caller.service, number);
    const struck = this.#armed.filter(
      ({ when }) =>
        when.at === 'call' &&
        when.service === caller.service &&
        when.number === number &&
        when.side === side,
    );
    this.#armed = this.#armed.filter((disruption) => !struck.includes(disruption));
    for (const disruption of struck) void this.#happen(disruption, caller);
  }

  async #atTime(disruption: Disruption, ms: number): Promise<void> {
    this.#underWay += 1;
    await this.#options.clock.sleep(ms);
    await this.#happen(disruption, null);
    this.#underWay -= 1;
  }

  /** What happens to the caller happens before this first waits: the call feels it. */
  async #happen(disruption: Disruption, caller: Instance | null): Promise<void> {
    this.#options.onDisruption(disruption.kind);
    this.#options.journal.note(`disruption ${JSON.stringify(disruption)}`);
    this.#underWay += 1;
    await this.#disrupt(disruption, caller);
    this.#underWay -= 1;
  }

  async #disrupt(disruption: Disruption, caller: Instance | null): Promise<void> {
    const { clock, draw, store } = this.#options;
    switch (disruption.kind) {
      case 'kill':
        return this.#kill(disruption.lastingMs, caller ?? this.#victim(disruption.service));
      case 'ghost':
        return this.#haunt(disruption.lastingMs, this.#victim(disruption.service));
      case 'join':
        return this.#join(disruption.service, disruption.lastingMs);
      case 'rebalance':
        return this.#rebalance(disruption.service, disruption.lastingMs);
      case 'clock-jump':
        return this.#victim(disruption.service)?.process.jump(disruption.byMs);
      case 'store-emptied':
        return store.empty();
      case 'store-rolled-back':
        return store.rollBack(draw);
      case 'store-away':
        store.away += 1;
        await clock.sleep(disruption.lastingMs);
        store.away -= 1;
    }
  }

  /** `null` while the supervisor is about to start one. */
  #victim(service: ServiceName): Instance | null {
    return this.#options.fleet.working.find((instance) => instance.service === service) ?? null;
  }

  async #kill(lastingMs: number, victim: Instance | null): Promise<void> {
    if (victim === null) return;
    const { fleet } = this.#options;
    const wasSupervised = victim.supervised;
    victim.supervised = false;
    await fleet.bury(victim, lastingMs);
    if (wasSupervised) fleet.launch(victim.service, { supervised: true });
  }

  async #haunt(lastingMs: number, victim: Instance | null): Promise<void> {
    if (victim === null) return;
    const { clock, fleet } = this.#options;
    victim.supervised = false;
    await victim.bus.evict();
    fleet.launch(victim.service, { supervised: true });
    await clock.sleep(lastingMs);
    victim.bus.notice();
    await fleet.bury(victim, lastingMs);
  }

  async #join(service: ServiceName, lastingMs: number): Promise<void> {
    const { clock, fleet } = this.#options;
    const guest = fleet.launch(service, { supervised: false });
    await clock.sleep(lastingMs);
    await fleet.stop(guest);
    await fleet.bury(guest, 0);
  }

  async #rebalance(service: ServiceName, lastingMs: number): Promise<void> {
    const { bus, clock, inputsOf, monitor, run } = this.#options;
    const visitor = await bus.subscribe({
      group: groupName(monitor, service, run),
      topics: inputsOf[service],
      onAssigned: () => new Promise(() => undefined),
      onRevoked: () => undefined,
    });
    await clock.sleep(lastingMs);
    await visitor.close();
  }
}
