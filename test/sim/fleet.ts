/**
 * The processes of one run and their supervisor: one of each service, a new one for each that died,
 * and guests that nobody replaces.
 */
import { CodedError, isTransient } from '../../services/core/errors.ts';
import { SERVICES, type ServiceName } from '../../services/embedded/pipeline.ts';
import type { Bus } from '../../services/platform/bus/bus.ts';
import type { Clock } from '../../services/platform/clock/clock.ts';
import type { Component } from '../../services/platform/lifecycle/component.ts';
import type { ServiceScope } from '../../services/platform/lifecycle/service-scope.ts';
import type { StateStore } from '../../services/platform/store/state-store.ts';
import { createDraw, type Draw } from '../support/draw.ts';
import { createFakeModel, createFakeModelRuntime } from '../support/fake-model.ts';
import { FAKE_FOLDER } from '../support/fake-model-folder.ts';
import { createFaultyBus, type FaultyBus } from './faulty-bus.ts';
import {
  type CallSide,
  createFaultyProcess,
  type FaultRates,
  type FaultyProcess,
  NO_FAULTS,
} from './faulty-process.ts';
import { createFaultyStore } from './faulty-store.ts';
import type { Journal } from './journal.ts';

export const SERVICE_NAMES = Object.keys(SERVICES) as ServiceName[];

const RESTART_MS = 50;
const STOP_MS = 10_000;
/** A model run takes some virtual time; few rows go into one, so that batches are cut. */
const MODEL_ROWS_MAX = 10;

export interface Instance {
  readonly service: ServiceName;
  /** `validator-3`: the third process of the run. */
  readonly name: string;
  readonly component: Component;
  readonly process: FaultyProcess;
  readonly bus: FaultyBus;
  /** A new one is started when it dies. */
  supervised: boolean;
}

export interface FleetOptions {
  readonly clock: Clock;
  readonly bus: Bus;
  readonly store: StateStore;
  readonly journal: Journal;
  readonly scope: ServiceScope;
  readonly rates: FaultRates;
  readonly draw: Draw;
  onCall(instance: Instance, side: CallSide): void;
  onFault(kind: keyof FaultRates): void;
}

export class Fleet {
  readonly #options: FleetOptions;
  #instances: Instance[] = [];
  #healed = false;
  /** What a service died of though no fault explains it. */
  #bug: unknown = null;

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  get bug(): unknown {
    return this.#bug;
  }

  /** Neither killed nor given up. */
  get working(): readonly Instance[] {
    return this.#instances.filter(({ process, supervised }) => supervised && !process.dead);
  }

  launch(service: ServiceName, { supervised }: { readonly supervised: boolean }): Instance {
    const { clock, draw, journal, scope } = this.#options;
    const name = `${service}-${this.#instances.length + 1}`;
    const process = createFaultyProcess({
      clock,
      draw: createDraw(draw(0, 0x7fffffff)),
      rates: this.#healed ? NO_FAULTS : this.#options.rates,
      witness: {
        call: (side) => this.#options.onCall(instance, side),
        fault: (kind) => this.#options.onFault(kind),
      },
    });
    const bus = createFaultyBus(this.#options.bus, process);
    const model = createFakeModel({
      batchRowsFixed: MODEL_ROWS_MAX,
      wait: () => process.latency(),
    });
    const ports = {
      ...{ bus, clock: process.clock, telemetry: journal.telemetryOf(name), schemaSource: null },
      store: createFaultyStore(this.#options.store, process),
      modelRuntime: createFakeModelRuntime(model),
      openModelFolder: () => FAKE_FOLDER,
    };
    const component = SERVICES[service](ports, scope);
    const instance: Instance = { service, name, component, process, bus, supervised };
    this.#instances.push(instance);
    component.finished.catch((error: unknown) => this.#replace(instance, error));
    component.start().catch(() => undefined);
    return instance;
  }

  /** No fault happens to a call any more, of any process there is or will be. */
  heal(): void {
    this.#healed = true;
    for (const { process } of this.#instances) process.heal();
  }

  /** The supervisor no longer cares for those there are. */
  dismiss(): void {
    for (const instance of this.#instances) instance.supervised = false;
  }

  /** In good order, unless it is dead by then. */
  async stop({ component }: Instance): Promise<void> {
    await Promise.race([component.stop(STOP_MS), this.#options.clock.sleep(2 * STOP_MS)]);
  }

  /** The process is gone, and after a while the group knows. */
  async bury(instance: Instance, afterMs: number): Promise<void> {
    instance.process.kill();
    await this.#options.clock.sleep(afterMs);
    await instance.bus.evict();
  }

  /**
   * A service that died of a dependency that stayed away, or because a claim of a dead one arrived
   * late, is started again; anything else is a bug.
   */
  #replace(instance: Instance, error: unknown): void {
    if (instance.process.dead) return;
    if (!isTransient(error) && !isLateClaim(error)) this.#bug ??= error;
    if (!instance.supervised) return;
    instance.supervised = false;
    void this.#options.clock
      .sleep(RESTART_MS)
      .then(() => this.launch(instance.service, { supervised: true }));
  }
}

function isLateClaim(error: unknown): boolean {
  return (
    error instanceof CodedError &&
    error.code === 'state.corrupt' &&
    error.message.includes('was claimed elsewhere')
  );
}
