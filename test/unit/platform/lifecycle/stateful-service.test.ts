/**
 * The runner of stateful services against its promises: state and position commit together, effects
 * come after commits, and whoever was fenced says nothing. In virtual time, on the memory adapters.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { CodedError } from '../../../../services/core/errors.ts';
import {
  FENCED_PATIENCE_MS,
  FLUSH_INTERVAL_MS,
  FLUSH_RECORDS_MAX,
  POLL_WAIT_MS,
  RETRY_PATIENCE_MS,
} from '../../../../services/core/limits.ts';
import type {
  Bus,
  BusRecord,
  OutgoingRecord,
  Subscription,
} from '../../../../services/platform/bus/bus.ts';
import { createMemoryBus } from '../../../../services/platform/bus/memory-bus.ts';
import { createVirtualClock } from '../../../../services/platform/clock/virtual-clock.ts';
import type { Component } from '../../../../services/platform/lifecycle/component.ts';
import type { ShardProcessor } from '../../../../services/platform/lifecycle/shard-processor.ts';
import {
  createStatefulService,
  groupName,
} from '../../../../services/platform/lifecycle/stateful-service.ts';
import { createMemoryStateStore } from '../../../../services/platform/store/memory-state-store.ts';
import type { StateStore } from '../../../../services/platform/store/state-store.ts';
import { createMemoryTelemetry } from '../../../../services/platform/telemetry/memory-telemetry.ts';

const SHARD = { run: 'live', monitor: 'm', service: 'counter', topic: 'in', partition: 0 };
const GROUP = groupName('m', 'counter', 'live');

/** Counts records; a record with a value is said again on `out`, with its number. */
class Counter implements ShardProcessor {
  #count: number;
  #outputs: OutgoingRecord[] = [];
  readonly #silence: (silentMs: number) => string | null;

  constructor(
    entries: ReadonlyMap<string, Uint8Array>,
    silence: (silentMs: number) => string | null,
  ) {
    this.#count = Number(Buffer.from(entries.get('count') ?? []).toString() || '0');
    this.#silence = silence;
  }

  get hasOutputs(): boolean {
    return this.#outputs.length > 0;
  }

  accept(record: BusRecord): void {
    this.#count += 1;
    if (record.value !== null) this.#say(`${this.#count}${Buffer.from(record.value)}`);
  }

  onSilence(silentMs: number): void {
    const said = this.#silence(silentMs);
    if (said !== null) this.#say(said);
  }

  takeChanges() {
    const outputs = this.#outputs;
    this.#outputs = [];
    return { puts: new Map([['count', Buffer.from(String(this.#count))]]), deletes: [], outputs };
  }

  #say(text: string): void {
    const place = { topic: 'out', partition: 0, key: null, headers: {}, timestampMs: null };
    this.#outputs.push({ ...place, value: Buffer.from(text) });
  }
}

const clock = createVirtualClock();
let started: Component[] = [];

async function createBus(): Promise<Bus> {
  const bus = createMemoryBus({ clock });
  await bus.ensureTopics(['in', 'out'].map((topic) => ({ topic, partitionCount: 1 })));
  return bus;
}

async function start(
  bus: Bus,
  store: StateStore,
  silence: (silentMs: number) => string | null = () => null,
  telemetry = createMemoryTelemetry(),
): Promise<Component> {
  const service = createStatefulService({
    name: 'counter',
    monitor: 'm',
    run: 'live',
    topics: ['in'],
    bus,
    store,
    clock,
    telemetry,
    prepare: async () => undefined,
    prepareBatch: async () => undefined,
    restore: (_assignment, entries) => new Counter(entries, silence),
    rebuild: async () => ({ processor: new Counter(new Map(), silence), start: 'earliest' }),
  });
  await service.start();
  started.push(service);
  await clock.advance(1);
  return service;
}

/** `null` is a record without anything to say. */
async function send(bus: Bus, ...texts: (string | null)[]): Promise<void> {
  const place = { topic: 'in', partition: 0, key: null, headers: {}, timestampMs: null };
  await bus.produce(
    texts.map((text) => ({ ...place, value: text === null ? null : Buffer.from(text) })),
  );
  await clock.advance(1);
}

async function said(bus: Bus): Promise<string[]> {
  const at = { topic: 'out', partition: 0 };
  const texts: string[] = [];
  for await (const { value } of bus.read(at, 0, (await bus.offsets(at)).next)) {
    texts.push(Buffer.from(value!).toString());
  }
  return texts;
}

async function stored(store: StateStore): Promise<{ count: string; outbox: number }> {
  const { entries } = await store.claim(SHARD);
  return {
    count: Buffer.from(entries.get('count') ?? []).toString(),
    outbox: [...entries.keys()].filter((key) => key !== 'count').length,
  };
}

/** The store, but for the first commits, which do what is given instead. */
function withFirstCommits(store: StateStore, ...instead: StateStore['commit'][]): StateStore {
  return {
    ...store,
    commit: (shard, commit) => (instead.shift() ?? store.commit)(shard, commit),
  };
}

function lost(code: 'dependency.store' | 'dependency.store-unknown'): CodedError {
  return new CodedError(code, 'the reply was lost');
}

afterEach(async () => {
  const stops = started.map((service) => service.stop(1_000));
  started = [];
  await clock.advance(60_000);
  await Promise.all(stops);
});

describe('a commit', () => {
  it('comes before its effects', async () => {
    const bus = await createBus();
    const store = createMemoryStateStore();
    let release: () => void = () => undefined;
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow: StateStore['commit'] = async (shard, commit) => {
      await released;
      return store.commit(shard, commit);
    };
    await start(bus, withFirstCommits(store, slow));
    await send(bus, 'a');
    expect(await said(bus)).toEqual([]);
    release();
    await clock.advance(1);
    expect(await said(bus)).toEqual(['1a']);
  });

  it('is made at once where something must leave, else after the flush interval', async () => {
    const bus = await createBus();
    const store = createMemoryStateStore();
    await start(bus, store);
    await send(bus, null, null);
    await clock.advance(FLUSH_INTERVAL_MS / 2);
    expect(await store.readPosition(SHARD)).toBeNull();
    await clock.advance(FLUSH_INTERVAL_MS);
    const first = await store.readPosition(SHARD);
    expect(first).not.toBeNull();
    await send(bus, 'a');
    expect(await store.readPosition(SHARD)).not.toBe(first);
    expect(await said(bus)).toEqual(['3a']);
  });

  it('is made after the greatest number of records, whatever the time', async () => {
    const bus = await createBus();
    const store = createMemoryStateStore();
    await start(bus, store);
    await send(bus, ...Array<null>(FLUSH_RECORDS_MAX - 1).fill(null));
    await clock.advance(10);
    expect(await store.readPosition(SHARD)).toBeNull();
    await send(bus, null);
    await clock.advance(10);
    expect(await store.readPosition(SHARD)).not.toBeNull();
    expect((await stored(store)).count).toBe(String(FLUSH_RECORDS_MAX));
  });

  it('is made on stop, and the next owner goes on from there', async () => {
    const bus = await createBus();
    const store = createMemoryStateStore();
    const first = await start(bus, store);
    await send(bus, null, null);
    const stopped = first.stop(1_000);
    await clock.advance(2_000);
    await stopped;
    expect(first.health().status).toBe('stopped');
    await send(bus, 'a');
    await start(bus, store);
    await clock.advance(1);
    expect(await said(bus)).toEqual(['3a']);
  });

  it('whose reply was lost is found made when it is made again', async () => {
    const bus = await createBus();
    const store = createMemoryStateStore();
    const service = await start(
      bus,
      withFirstCommits(store, async (shard, commit) => {
        await store.commit(shard, commit);
        throw lost('dependency.store');
      }),
    );
    await send(bus, 'a');
    await clock.advance(1_000);
    await send(bus, 'b');
    expect(service.health().status).toBe('ready');
    expect(await said(bus)).toEqual(['1a', '2b']);
    expect((await stored(store)).count).toBe('2');
  });

  it('of unknown outcome is settled by the position, made or not', async () => {
    for (const arrives of [true, false]) {
      const bus = await createBus();
      const store = createMemoryStateStore();
      let attempts = 0;
      const counting: StateStore = {
        ...store,
        commit: async (shard, commit) => {
          attempts += 1;
          if (attempts > 1) return store.commit(shard, commit);
          if (arrives) await store.commit(shard, commit);
          throw lost('dependency.store-unknown');
        },
      };
      await start(bus, counting);
      await send(bus, 'a');
      await clock.advance(200);
      expect(await said(bus)).toEqual(['1a']);
      expect(attempts).toBe(arrives ? 1 : 2);
      expect((await stored(store)).count).toBe('1');
    }
  });

  it('of a newer owner is not taken for its own', async () => {
    const bus = await createBus();
    const elsewhere = await createBus();
    const store = createMemoryStateStore();
    const neverArrives: StateStore['commit'] = async () => {
      await start(elsewhere, store);
      await send(elsewhere, 'a');
      throw lost('dependency.store-unknown');
    };
    // The other bus has the same record, so both owners commit the same offset for the first time.
    await start(bus, withFirstCommits(store, neverArrives));
    await send(bus, 'a');
    for (let i = 0; i < 10; i += 1) await clock.advance(100);
    expect(await said(elsewhere)).toEqual(['1a']);
    expect(await said(bus)).toEqual([]);
  });

  it('that finds a position nobody can explain ends the service', async () => {
    const bus = await createBus();
    const store = createMemoryStateStore();
    const service = await start(
      bus,
      withFirstCommits(store, async () => ({
        kind: 'position-mismatch',
        storedPosition: '99#7.9',
      })),
    );
    await send(bus, 'a');
    await expect(service.finished).rejects.toMatchObject({ code: 'state.corrupt' });
    expect(service.health()).toMatchObject({ status: 'failed' });
    expect(service.health().reason).toContain('99#7.9');
    expect(await said(bus)).toEqual([]);
  });
});

describe('a fenced owner', () => {
  it('says nothing and leaves the state alone', async () => {
    const bus = await createBus();
    const store = createMemoryStateStore();
    const service = await start(bus, store);
    await send(bus, 'a');
    await store.claim(SHARD);
    const position = await store.readPosition(SHARD);
    await send(bus, 'b', 'c');
    await clock.advance(FENCED_PATIENCE_MS - 1_000);
    expect(await said(bus)).toEqual(['1a']);
    expect(await store.readPosition(SHARD)).toBe(position);
    expect(service.health().status).toBe('ready');
  });

  it('that keeps its partition stops loudly', async () => {
    const bus = await createBus();
    const store = createMemoryStateStore();
    const service = await start(bus, store);
    await store.claim(SHARD);
    await send(bus, 'a');
    await clock.advance(FENCED_PATIENCE_MS + 1_000);
    expect(service.health()).toMatchObject({ status: 'failed' });
    expect(service.health().reason).toContain('in:0 is assigned here');
  });

  it('whose partition went to somebody else lives on', async () => {
    const bus = await createBus();
    const store = createMemoryStateStore();
    const service = await start(bus, store);
    await store.claim(SHARD);
    await send(bus, 'a');
    await rebalance(bus);
    await clock.advance(FENCED_PATIENCE_MS + 1_000);
    expect(service.health().status).toBe('ready');
    expect(await said(bus)).toEqual(['1a']);
  });
});

/** A member comes and goes: every tenure of the group ends and another begins. */
async function rebalance(bus: Bus): Promise<void> {
  const guest = await bus.subscribe({
    group: GROUP,
    topics: ['in'],
    onAssigned: async () => 'earliest',
    onRevoked: () => undefined,
  });
  await guest.close();
  await clock.advance(1);
}

describe('outputs', () => {
  it('that were not acknowledged are sent again by the next owner, and then forgotten', async () => {
    const bus = await createBus();
    const store = createMemoryStateStore();
    const subscriptions: Subscription[] = [];
    const deaf: Bus = {
      ...bus,
      produce: () => new Promise(() => undefined),
      subscribe: async (options) => {
        subscriptions.push(await bus.subscribe(options));
        return subscriptions[0]!;
      },
    };
    await start(deaf, store);
    await send(bus, 'a', 'b');
    expect(await said(bus)).toEqual([]);
    expect((await stored(store)).outbox).toBe(2);

    await subscriptions[0]!.close();
    await start(bus, store);
    await clock.advance(POLL_WAIT_MS);
    expect(await said(bus)).toEqual(['1a', '2b']);
    await send(bus, 'c');
    expect(await said(bus)).toEqual(['1a', '2b', '3c']);
    await clock.advance(3 * FLUSH_INTERVAL_MS);
    expect(await stored(store)).toEqual({ count: '3', outbox: 0 });
  });

  it('are left to the next owner where the tenure has ended, as the broker cannot be told', async () => {
    const bus = await createBus();
    const store = createMemoryStateStore();
    const evicted: Bus = {
      ...bus,
      subscribe: async (options) => {
        const subscription = await bus.subscribe(options);
        return { ...subscription, commit: async () => false };
      },
    };
    const first = await start(evicted, store);
    await send(bus, 'a');
    expect((await stored(store)).outbox).toBe(1);
    expect(await said(bus)).toEqual([]);
    await stopped(first);
    await start(bus, store);
    await clock.advance(POLL_WAIT_MS);
    expect(await said(bus)).toEqual(['1a']);
  });

  it('are not sent again once they were acknowledged', async () => {
    const bus = await createBus();
    const store = createMemoryStateStore();
    const first = await start(bus, store);
    await send(bus, 'a');
    await clock.advance(3 * FLUSH_INTERVAL_MS);
    void first.stop(1_000);
    await clock.advance(2_000);
    await start(bus, store);
    await clock.advance(FLUSH_INTERVAL_MS);
    expect(await said(bus)).toEqual(['1a']);
  });

  it('come from silence too', async () => {
    const bus = await createBus();
    const store = createMemoryStateStore();
    let silentOnce = false;
    await start(bus, store, (silentMs) => {
      if (silentMs < 5_000 || silentOnce) return null;
      silentOnce = true;
      return 'silent';
    });
    await send(bus, 'a');
    await clock.advance(4_000);
    expect(await said(bus)).toEqual(['1a']);
    await clock.advance(2_000);
    expect(await said(bus)).toEqual(['1a', 'silent']);
  });
});

describe('a claim', () => {
  it('answered after its tenure ended does not replace that of the next', async () => {
    const bus = await createBus();
    const store = createMemoryStateStore();
    let claims = 0;
    let answer: () => void = () => undefined;
    const slowOnce: StateStore = {
      ...store,
      claim: async (shard) => {
        claims += 1;
        const claim = await store.claim(shard);
        if (claims === 1) {
          await new Promise<void>((resolve) => {
            answer = resolve;
          });
        }
        return claim;
      },
    };
    await start(bus, slowOnce);
    await rebalance(bus);
    answer();
    await clock.advance(1);
    await send(bus, 'a');
    expect(await said(bus)).toEqual(['1a']);
  });

  it('is not tried again after its tenure ended, which would fence the next', async () => {
    const bus = await createBus();
    const store = createMemoryStateStore();
    let claims = 0;
    const failsOnce: StateStore = {
      ...store,
      claim: async (shard) => {
        claims += 1;
        if (claims === 1) throw lost('dependency.store');
        return store.claim(shard);
      },
    };
    const service = await start(bus, failsOnce);
    await rebalance(bus);
    const claimsOfTheNext = claims;
    await clock.advance(10_000);
    expect(claims).toBe(claimsOfTheNext);
    await send(bus, 'a');
    expect(await said(bus)).toEqual(['1a']);
    expect(service.health().status).toBe('ready');
  });

  it('that cannot be made for as long as one waits ends the service', async () => {
    const bus = await createBus();
    const store: StateStore = {
      ...createMemoryStateStore(),
      claim: async () => {
        throw lost('dependency.store');
      },
    };
    const service = await start(bus, store);
    await clock.advance(1_000);
    expect(service.health().status).toBe('degraded');
    expect(service.health().reason).toContain('claim state');
    await clock.advance(RETRY_PATIENCE_MS + 10_000);
    expect(service.health().status).toBe('failed');
    await expect(service.finished).rejects.toMatchObject({ code: 'dependency.store' });
  });
});

describe('state that the store has lost', () => {
  it('is rebuilt from the log by the owner that finds it gone, and said loudly', async () => {
    const bus = await createBus();
    const store = createMemoryStateStore();
    const { service, telemetry } = await startTold(bus, store);
    await send(bus, 'a', 'b');
    await store.forgetRun('live');
    await send(bus, 'c');
    await clock.advance(1_000);
    expect(service.health().status).toBe('ready');
    expect(await said(bus)).toEqual(['1a', '2b', '1a', '2b', '3c']);
    const errors = telemetry.logs.filter(({ level }) => level === 'error');
    expect(errors.map(({ message }) => message)).toEqual([
      'state lost, joining the group again',
      expect.stringContaining('rebuilding the state from the log'),
    ]);
  });

  it('is rebuilt by the next owner, where the broker knows of more than the store', async () => {
    const bus = await createBus();
    const store = createMemoryStateStore();
    const first = await start(bus, store);
    await send(bus, 'a', 'b');
    await stopped(first);
    await store.forgetRun('live');
    await start(bus, store);
    await send(bus, 'c');
    expect((await said(bus)).at(-1)).toBe('3c');
  });

  it('that came back older is not used, and nothing of it stays', async () => {
    const bus = await createBus();
    const store = createMemoryStateStore();
    await store.claim(SHARD);
    await store.commit(SHARD, {
      ...{ epoch: 1, expectedPosition: null, position: '1#1.1', deletes: [] },
      puts: new Map([
        ['count', Buffer.from('41')],
        ['of old', Buffer.from('x')],
      ]),
    });
    await commitToBroker(bus, 2);
    await start(bus, store);
    await send(bus, 'a', 'b');
    await clock.advance(FLUSH_INTERVAL_MS + 1_000);
    expect(await said(bus)).toEqual(['1a', '2b']);
    expect([...(await store.claim(SHARD)).entries.keys()]).toEqual(['count']);
  });

  it('is left to the next owner where the service is about to stop', async () => {
    const bus = await createBus();
    const store = createMemoryStateStore();
    const service = await start(bus, store);
    await send(bus, null);
    await store.forgetRun('live');
    await stopped(service);
    expect(service.health().status).toBe('stopped');
    expect(await store.readPosition(SHARD)).toBeNull();
  });
});

async function stopped(service: Component): Promise<void> {
  const stopping = service.stop(1_000);
  await clock.advance(1_000);
  await stopping;
}

async function startTold(bus: Bus, store: StateStore) {
  const telemetry = createMemoryTelemetry();
  return { service: await start(bus, store, () => null, telemetry), telemetry };
}

/** As an owner would that has sent what came of the records before this offset. */
async function commitToBroker(bus: Bus, offset: number): Promise<void> {
  const guest = await bus.subscribe({
    group: GROUP,
    topics: ['in'],
    onAssigned: async () => 'earliest',
    onRevoked: () => undefined,
  });
  await clock.advance(1);
  await guest.commit(guest.assignments()[0]!, offset);
  await guest.close();
}
