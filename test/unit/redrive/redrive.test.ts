/** A redrive over the memory adapters: what is sent back, what is not, and what is left for the next. */
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../services/core/errors.ts';
import {
  EVENT_BYTES_MAX,
  REDRIVE_LEASE_MS,
  REDRIVE_SETTLE_MS,
} from '../../../services/core/limits.ts';
import { HEADER, headerBytes, headerText } from '../../../services/core/message/header.ts';
import { type RedrivePorts, redrive } from '../../../services/redrive/redrive.ts';
import {
  createWorld,
  inVirtualTime,
  isRedriven,
  redrivenIds,
  redriveOptions,
  refuse,
  refuseAgain,
  SCOPE,
  TOPICS,
  type World,
} from '../../support/quarantined.ts';
import { readAll } from '../../support/read-all.ts';

function run(
  world: World,
  changes: Parameters<typeof redriveOptions>[0] = {},
  ports: Partial<RedrivePorts> = {},
) {
  const all = { ...world, sender: world.bus, ...ports };
  return inVirtualTime(world.clock, redrive(all, SCOPE, redriveOptions(changes)));
}

const ids = (count: number) => Array.from({ length: count }, (_, index) => ({ id: `e${index}` }));
const LOST_REPLY = new CodedError('dependency.bus', 'the reply was lost');

describe('a redrive', () => {
  it('sends events back as they came, in their partitions, and says where from', async () => {
    const world = await createWorld(2);
    const headers = { traceparent: headerBytes('00-x'), own: [headerBytes('a'), headerBytes('b')] };
    await refuse(world, [
      { id: 'e0', headers: { ...headers, [HEADER.control]: headerBytes('end-of-run x') } },
      { id: 'e1', partition: 1, stage: 'inference-worker', rule: 'inference.run' },
    ]);
    await world.clock.advance(5_000);
    const result = await run(world);
    expect(result).toMatchObject({ end: 'done', selected: 2, redriven: 2, recovered: 0 });

    const [original, sent] = await readAll(world.bus, TOPICS.events, 0);
    expect(sent).toMatchObject({
      key: original!.key,
      value: original!.value,
      timestampMs: 1_005_000,
    });
    expect(textsOf(sent!.headers)).toEqual({
      traceparent: ['00-x'],
      own: ['a', 'b'],
      'tg-error-origin': ['stations.events:0:0'],
      'tg-error-attempt': ['1'],
      'tg-redrive': ['stations.quarantine:0:0'],
      'tg-redrive-stage': ['validator'],
    });
    const [, other] = await readAll(world.bus, TOPICS.events, 1);
    expect(headerText(other!.headers, HEADER.redriveStage)).toBe('inference-worker');
  });

  it('sends nothing a second time, nor what a crash had refused twice', async () => {
    const world = await createWorld();
    await refuse(world, ids(5));
    for (const record of (await readAll(world.bus, TOPICS.events)).slice(2, 4)) {
      await refuseAgain(world, record);
    }
    const first = await run(world);
    expect(first).toMatchObject({ selected: 7, redriven: 5, skipped: { repeated: 2 } });
    const second = await run(world);
    expect(second).toMatchObject({ selected: 7, redriven: 0, skipped: { redriven: 7 } });
    expect(await redrivenIds(world.bus)).toEqual(['e0', 'e1', 'e2', 'e3', 'e4']);
  });

  it('counts on the attempts of what is refused again, and stops at the limit', async () => {
    const world = await createWorld();
    await refuse(world, [{ id: 'e0' }]);
    for (const attempt of [1, 2]) {
      expect(await run(world)).toMatchObject({ redriven: 1 });
      const sent = (await readAll(world.bus, TOPICS.events)).at(-1)!;
      expect(headerText(sent.headers, HEADER.errorAttempt)).toBe(String(attempt));
      await refuseAgain(world, sent);
    }
    const last = await run(world);
    expect(last).toMatchObject({ redriven: 0, skipped: { redriven: 2, attempts: 1 } });
    expect(
      await run(world, { criteria: { ...redriveOptions().criteria, attemptsMax: 4 } }),
    ).toMatchObject({ redriven: 1 });
  });

  it('keeps in mind that an event was measured, whoever refuses it later', async () => {
    const world = await createWorld();
    await refuse(world, [{ id: 'e0', stage: 'inference-worker', rule: 'inference.output' }]);
    await run(world);
    await refuseAgain(world, (await readAll(world.bus, TOPICS.events)).at(-1)!);
    await run(world);
    const stages = (await readAll(world.bus, TOPICS.events))
      .filter(isRedriven)
      .map(({ headers }) => headerText(headers, HEADER.redriveStage));
    expect(stages).toEqual(['inference-worker', 'inference-worker']);
  });

  it('chooses by class, rule, stage and time', async () => {
    const world = await createWorld();
    await refuse(world, [{ id: 'range' }, { id: 'schema', rule: 'schema.type' }]);
    await world.clock.advance(10_000);
    await refuse(world, [
      { id: 'late' },
      { id: 'model', rule: 'inference.input', stage: 'inference-worker' },
    ]);
    const criteria = redriveOptions().criteria;
    const chosen = async (changes: Parameters<typeof redriveOptions>[0]) => {
      const before = (await redrivenIds(world.bus)).length;
      await run(world, changes);
      return (await redrivenIds(world.bus)).slice(before);
    };
    const since = { timestampMs: world.clock.nowMs() };
    expect(await chosen({ since, criteria: { ...criteria, rules: ['invariant.range'] } })).toEqual([
      'late',
    ]);
    expect(await chosen({ criteria: { ...criteria, stage: 'inference-worker' } })).toEqual([
      'model',
    ]);
    expect(await chosen({ until: { offset: 1 } })).toEqual(['range']);
    expect(await chosen({ criteria: { ...criteria, classes: ['time'] } })).toEqual([]);
    expect(await chosen({ criteria: { ...criteria, classes: ['time', 'schema'] } })).toEqual([
      'schema',
    ]);
  });

  it('leaves alone what it did not refuse and what could never be valid', async () => {
    const world = await createWorld();
    await refuse(world, [
      { id: 'big', value: new Uint8Array(EVENT_BYTES_MAX + 1) },
      { id: 'empty', value: null },
    ]);
    const foreign = { topic: TOPICS.quarantine, partition: 0, key: null, value: null };
    const [record] = await readAll(world.bus, TOPICS.quarantine);
    const elsewhere = { ...record!.headers, [HEADER.errorOrigin]: headerBytes('other.events:0:1') };
    await world.bus.produce([
      { ...foreign, headers: {}, timestampMs: null },
      { ...foreign, headers: elsewhere, timestampMs: null },
    ]);
    const result = await run(world);
    expect(result).toMatchObject({
      selected: 2,
      redriven: 1,
      foreign: 2,
      skipped: { tooLarge: 1 },
    });
    expect(await redrivenIds(world.bus)).toEqual(['empty']);
  });

  it('sends at the rate it was given', async () => {
    const world = await createWorld();
    await refuse(world, ids(100));
    const startedMs = world.clock.nowMs();
    await run(world, { ratePerSecond: 20 });
    const sent = (await readAll(world.bus, TOPICS.events)).filter(isRedriven);
    const inFirst = (ms: number) => sent.filter((r) => r.timestampMs < startedMs + ms).length;
    expect(inFirst(1_000)).toBeLessThanOrEqual(25);
    expect(inFirst(2_000)).toBeGreaterThanOrEqual(35);
    expect(sent.at(-1)!.timestampMs - startedMs).toBeGreaterThan(4_500);
    expect(sent).toHaveLength(100);
  });

  it('does nothing on an empty quarantine and names a topic that is not there', async () => {
    const world = await createWorld();
    expect(await run(world)).toMatchObject({ end: 'done', selected: 0, redriven: 0, byRule: [] });
    const topics = { ...TOPICS, quarantine: 'nowhere' };
    const scope = { ...SCOPE, monitor: { ...SCOPE.monitor, topics } };
    const absent = redrive({ ...world, sender: world.bus }, scope, redriveOptions());
    await expect(absent).rejects.toThrow('topic nowhere does not exist');
  });

  it('forgets offsets that neither topic holds any more', async () => {
    const world = await createWorld();
    await refuse(world, ids(2));
    const bus = {
      ...world.bus,
      offsets: async (at: { topic: string; partition: number }) => {
        const { earliest, next } = await world.bus.offsets(at);
        return { earliest: at.topic === TOPICS.events ? 100_000 : earliest, next: next + 100_000 };
      },
    };
    await run(world);
    expect(await keysOf(world)).toEqual(['redriven:0']);
    const gone = { ...bus, offsets: async () => ({ earliest: 100_000, next: 100_000 }) };
    await run(world, {}, { bus: gone });
    expect(await keysOf(world)).toEqual([]);
  });
});

describe('a redrive that did not end', () => {
  /** Sends `count` of the batch that contains `id`, then fails as told. */
  const failing = (world: World, id: string, count: number, error: () => unknown) => {
    let isDone = false;
    return {
      produce: async (records: Parameters<RedrivePorts['sender']['produce']>[0]) => {
        const isHit = records.some(({ key }) => String(Buffer.from(key!)) === id);
        if (isDone || !isHit) return world.bus.produce(records);
        isDone = true;
        await world.bus.produce(records.slice(0, count));
        throw error();
      },
    };
  };
  const eachOnce = async (world: World, count: number) => {
    expect((await redrivenIds(world.bus)).toSorted()).toEqual(
      ids(count)
        .map(({ id }) => id)
        .toSorted(),
    );
  };

  it.each([0, 3, 10])('is finished by the next: %s of ten had arrived', async (arrived) => {
    const world = await createWorld();
    await refuse(world, ids(30));
    const options = { ratePerSecond: 40 };
    const died = new Error('killed');
    const killed = run(world, options, { sender: failing(world, 'e12', arrived, () => died) });
    await expect(killed).rejects.toBe(died);
    expect(await keysOf(world)).toContain('out:000000000003:000000');

    const startedMs = world.clock.nowMs();
    const next = await run(world, options);
    expect(next).toMatchObject({ end: 'done', recovered: 10 - arrived, redriven: 10 });
    // Whatever the dead one had under way has arrived by then.
    expect(world.clock.nowMs() - startedMs).toBeGreaterThanOrEqual(REDRIVE_SETTLE_MS);
    await eachOnce(world, 30);
    expect(await keysOf(world)).toEqual(['redriven:0']);
  });

  it('finishes an announced event that the next one does not select', async () => {
    const world = await createWorld();
    await refuse(world, ids(3));
    const killed = run(world, {}, { sender: failing(world, 'e0', 1, () => new Error('killed')) });
    await expect(killed).rejects.toThrow('killed');
    const criteria = { ...redriveOptions().criteria, classes: ['time'] as const };
    expect(await run(world, { criteria })).toMatchObject({
      selected: 0,
      redriven: 0,
      recovered: 2,
    });
    await eachOnce(world, 3);
  });

  it.each([0, 4, 10])(
    'sends what is missing of a batch with no answer: %s arrived',
    async (arrived) => {
      const world = await createWorld();
      await refuse(world, ids(20));
      const sender = failing(world, 'e7', arrived, () => LOST_REPLY);
      expect(await run(world, { ratePerSecond: 40 }, { sender })).toMatchObject({ redriven: 20 });
      await eachOnce(world, 20);
    },
  );

  it('knows from the event topic what was sent where the store was emptied', async () => {
    const world = await createWorld();
    await refuse(world, ids(10));
    await run(world, { until: { offset: 6 } });
    await world.store.forgetRun(SCOPE.run);
    expect(await run(world)).toMatchObject({ redriven: 4, skipped: { redriven: 6 } });
    await eachOnce(world, 10);
  });

  it('stops before its next batch where the store is emptied, and the next one goes on', async () => {
    const world = await createWorld();
    await refuse(world, ids(20));
    const sender = {
      produce: async (records: Parameters<RedrivePorts['sender']['produce']>[0]) => {
        await world.bus.produce(records);
        await world.store.forgetRun(SCOPE.run);
      },
    };
    expect(await run(world, { ratePerSecond: 40 }, { sender })).toMatchObject({
      end: 'lost',
      redriven: 10,
    });
    expect(await run(world)).toMatchObject({ end: 'done', redriven: 10 });
    await eachOnce(world, 20);
  });

  it('waits where the store was emptied under another one, whose batch is still under way', async () => {
    const world = await createWorld();
    await refuse(world, ids(20));
    const sender = {
      produce: async (records: Parameters<RedrivePorts['sender']['produce']>[0]) => {
        const isSecond = (await redrivenIds(world.bus)).length > 0;
        if (isSecond) await world.clock.sleep(2_000);
        await world.bus.produce(records);
        if (isSecond) throw new Error('killed');
      },
    };
    const options = redriveOptions({ ratePerSecond: 40 });
    const killed = redrive({ ...world, sender }, SCOPE, options).catch(() => undefined);
    await world.clock.advance(300);
    expect(await redrivenIds(world.bus)).toHaveLength(10);
    await world.store.forgetRun(SCOPE.run);
    expect(await run(world)).toMatchObject({ redriven: 0, skipped: { redriven: 20 } });
    await killed;
    await eachOnce(world, 20);
  });

  it('is fenced by a second one, which finishes the rest', async () => {
    const world = await createWorld();
    await refuse(world, ids(40));
    const first = redrive(
      { ...world, sender: world.bus },
      SCOPE,
      redriveOptions({ ratePerSecond: 40 }),
    );
    await world.clock.advance(100);
    expect(await redrivenIds(world.bus)).toHaveLength(10);
    const second = run(world);
    expect(await second).toMatchObject({ end: 'done', redriven: 30 });
    expect(await inVirtualTime(world.clock, first)).toMatchObject({ end: 'fenced', redriven: 10 });
    await eachOnce(world, 40);
  });

  it('announces a batch anew that waited too long for its announcement', async () => {
    const world = await createWorld();
    await refuse(world, ids(3));
    let commits = 0;
    const store = {
      ...world.store,
      commit: async (...args: Parameters<World['store']['commit']>) => {
        const outcome = await world.store.commit(...args);
        commits += 1;
        if (commits === 2) await world.clock.sleep(REDRIVE_LEASE_MS);
        return outcome;
      },
    };
    const sentAfter: number[] = [];
    const sender = {
      produce: (records: Parameters<RedrivePorts['sender']['produce']>[0]) => {
        sentAfter.push(commits);
        return world.bus.produce(records);
      },
    };
    expect(await run(world, {}, { store, sender })).toMatchObject({ redriven: 3 });
    expect(sentAfter).toEqual([3]);
  });

  it('stops in order when interrupted, also while it waits', async () => {
    const world = await createWorld();
    await refuse(world, ids(20));
    const interrupt = new AbortController();
    const options = { ratePerSecond: 40, signal: interrupt.signal };
    const started = redrive({ ...world, sender: world.bus }, SCOPE, redriveOptions(options));
    await world.clock.advance(100);
    interrupt.abort();
    expect(await inVirtualTime(world.clock, started)).toMatchObject({
      end: 'interrupted',
      redriven: 10,
    });
    expect(await keysOf(world)).toEqual(['redriven:0']);

    const killed = run(world, {}, { sender: failing(world, 'e15', 0, () => new Error('killed')) });
    await expect(killed).rejects.toThrow('killed');
    const impatient = new AbortController();
    const waiting = redrive(
      { ...world, sender: world.bus },
      SCOPE,
      redriveOptions({ signal: impatient.signal }),
    );
    await world.clock.advance(1_000);
    impatient.abort();
    expect(await inVirtualTime(world.clock, waiting)).toMatchObject({
      end: 'interrupted',
      recovered: 0,
    });
    expect(await redrivenIds(world.bus)).toHaveLength(10);
    expect(await run(world)).toMatchObject({ end: 'done', recovered: 10 });
    await eachOnce(world, 20);
  });

  it('refuses an event topic that was made anew', async () => {
    const world = await createWorld();
    await refuse(world, ids(3));
    await run(world);
    const shorter = { ...world.bus, offsets: async () => ({ earliest: 0, next: 2 }) };
    await expect(run(world, {}, { bus: shorter })).rejects.toMatchObject({ code: 'bus.truncated' });
  });
});

describe('a dry run', () => {
  it('writes nothing, fences nobody, and says what would come of it', async () => {
    const world = await createWorld();
    await refuse(world, ids(6));
    await run(world, { until: { offset: 2 } });
    const untouchable = new Proxy({} as World['store'], {
      get: (_, name) => () => {
        throw new Error(`the store was asked to ${String(name)}`);
      },
    });
    const sender = {
      produce: () => Promise.reject(new Error('something was sent')),
    };
    const tryEvents: Parameters<typeof redriveOptions>[0] = {
      tryEvents: async (events) =>
        events.map((_, index) => (index === 1 ? 'invariant.allowed' : null)),
    };
    const bus = { ...world.bus, produce: sender.produce };
    const result = await run(world, tryEvents, { bus, sender, store: untouchable });
    expect(result).toMatchObject({
      end: 'done',
      selected: 6,
      redriven: 0,
      skipped: { redriven: 2 },
    });
    expect(result.wouldBeRefused).toEqual(new Map([['invariant.allowed', 1]]));
    expect(result.byRule).toEqual([
      {
        ...{
          class: 'invariant',
          rule: 'invariant.range',
          stage: 'validator',
          count: 6,
          skipped: 2,
        },
        ...{ oldestMs: 1_000_000, newestMs: 1_000_000, wouldBeValid: 3 },
        example: 'column level is 900, expected at most 500',
      },
    ]);
    expect(await redrivenIds(world.bus)).toEqual(['e0', 'e1']);
  });
});

function textsOf(headers: Readonly<Record<string, Uint8Array | readonly Uint8Array[]>>) {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      (value instanceof Uint8Array ? [value] : value).map((bytes) => String(Buffer.from(bytes))),
    ]),
  );
}

/** Reads the state by claiming it, as the next redrive would. */
async function keysOf({ store }: World): Promise<string[]> {
  const shard = { run: SCOPE.run, monitor: SCOPE.monitor.name, service: 'redrive' };
  const claim = await store.claim({ ...shard, topic: TOPICS.quarantine, partition: 0 });
  return [...claim.entries.keys()].sort();
}
