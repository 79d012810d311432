/**
 * The contract of the StateStore port, run on every adapter.
 *
 * Each test works on a run of its own, so the suite may share one store with anything else.
 */
import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type {
  ShardId,
  StateCommit,
  StateStore,
} from '../../services/platform/store/state-store.ts';

function newShard(overrides: Partial<ShardId> = {}): ShardId {
  return {
    run: `run-${randomUUID()}`,
    monitor: 'credit-default',
    service: 'drift-aggregator',
    topic: 'credit.applications',
    partition: 0,
    ...overrides,
  };
}

function commitOf(epoch: number, from: string | null, to: string, rest: Partial<StateCommit> = {}) {
  const none: Pick<StateCommit, 'puts' | 'deletes'> = { puts: new Map(), deletes: [] };
  return { ...none, ...rest, epoch, expectedPosition: from, position: to };
}

function bytes(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values);
}

export function stateStoreContract(name: string, open: () => Promise<StateStore>): void {
  describe(`StateStore contract: ${name}`, () => {
    let store: StateStore;
    beforeAll(async () => {
      store = await open();
      await store.ping();
    });
    afterAll(() => store.close());

    test('a first claim finds nothing and each further one raises the epoch by one', async () => {
      const shard = newShard();
      const first = await store.claim(shard);
      expect(first).toEqual({ epoch: 1, position: null, entries: new Map() });
      expect((await store.claim(shard)).epoch).toBe(2);
      expect((await store.claim(shard)).epoch).toBe(3);
      expect((await store.claim({ ...shard, partition: 1 })).epoch).toBe(1);
    });

    test('a claim returns what the last commit left, and so does readPosition', async () => {
      const shard = newShard();
      const { epoch } = await store.claim(shard);
      expect(await store.readPosition(shard)).toBeNull();
      const first = commitOf(epoch, null, '10', {
        puts: new Map([
          ['a', bytes(1)],
          ['b', bytes(2)],
          ['c', bytes(3)],
        ]),
      });
      expect(await store.commit(shard, first)).toEqual({ kind: 'committed' });
      const second = commitOf(epoch, '10', '20', {
        puts: new Map([
          ['b', bytes(22)],
          ['d', bytes(4)],
        ]),
        deletes: ['a', 'never there'],
      });
      expect(await store.commit(shard, second)).toEqual({ kind: 'committed' });
      expect(await store.readPosition(shard)).toBe('20');
      const claim = await store.claim(shard);
      expect(claim.position).toBe('20');
      expect(new Map([...claim.entries].sort())).toEqual(
        new Map([
          ['b', bytes(22)],
          ['c', bytes(3)],
          ['d', bytes(4)],
        ]),
      );
    });

    test('a key both deleted and put is there afterwards', async () => {
      const shard = newShard();
      const { epoch } = await store.claim(shard);
      const commit = commitOf(epoch, null, '1', {
        puts: new Map([['a', bytes(1)]]),
        deletes: ['a'],
      });
      await store.commit(shard, commit);
      expect((await store.claim(shard)).entries).toEqual(new Map([['a', bytes(1)]]));
    });

    test('of two claimants only the newer commits, and the older changes nothing', async () => {
      const shard = newShard();
      const older = await store.claim(shard);
      const newer = await store.claim(shard);
      const puts = new Map([['who', bytes(1)]]);
      const refused = await store.commit(shard, commitOf(older.epoch, null, '5', { puts }));
      expect(refused).toEqual({ kind: 'fenced', storedEpoch: newer.epoch });
      expect(await store.readPosition(shard)).toBeNull();
      const taken = await store.commit(shard, commitOf(newer.epoch, null, '6'));
      expect(taken).toEqual({ kind: 'committed' });
      expect((await store.claim(shard)).entries.size).toBe(0);
    });

    test('an epoch nobody claimed is fenced, an unclaimed shard too', async () => {
      const shard = newShard();
      expect(await store.commit(shard, commitOf(1, null, '1'))).toEqual({
        kind: 'fenced',
        storedEpoch: 0,
      });
      await store.claim(shard);
      expect(await store.commit(shard, commitOf(2, null, '1'))).toEqual({
        kind: 'fenced',
        storedEpoch: 1,
      });
    });

    test('a commit on another position than the stored one changes nothing', async () => {
      const shard = newShard();
      const { epoch } = await store.claim(shard);
      const puts = new Map([['a', bytes(1)]]);
      for (const expected of ['', '0']) {
        const early = await store.commit(shard, commitOf(epoch, expected, '9', { puts }));
        expect(early).toEqual({ kind: 'position-mismatch', storedPosition: null });
      }
      await store.commit(shard, commitOf(epoch, null, '10'));
      for (const expected of [null, '9', '010', '10.0', '']) {
        const outcome = await store.commit(shard, commitOf(epoch, expected, '11', { puts }));
        expect(outcome).toEqual({ kind: 'position-mismatch', storedPosition: '10' });
      }
      expect(await store.claim(shard)).toEqual({ epoch: 2, position: '10', entries: new Map() });
    });

    test('positions beyond 2^53 that differ in the last digit are told apart', async () => {
      const shard = newShard();
      const { epoch } = await store.claim(shard);
      await store.commit(shard, commitOf(epoch, null, '9007199254740993'));
      expect(await store.commit(shard, commitOf(epoch, '9007199254740992', 'x'))).toEqual({
        kind: 'position-mismatch',
        storedPosition: '9007199254740993',
      });
      expect(await store.commit(shard, commitOf(epoch, '9007199254740993', 'y'))).toEqual({
        kind: 'committed',
      });
    });

    test('a stored position may be the empty string, which is not nothing', async () => {
      const shard = newShard();
      const { epoch } = await store.claim(shard);
      await store.commit(shard, commitOf(epoch, null, ''));
      expect(await store.readPosition(shard)).toBe('');
      expect(await store.commit(shard, commitOf(epoch, null, '1'))).toEqual({
        kind: 'position-mismatch',
        storedPosition: '',
      });
    });

    test('of many commits at once on one position exactly one is applied', async () => {
      const shard = newShard();
      const { epoch } = await store.claim(shard);
      const names = Array.from({ length: 10 }, (_, index) => `writer-${index}`);
      const outcomes = await Promise.all(
        names.map((name) =>
          store.commit(shard, commitOf(epoch, null, name, { puts: new Map([[name, bytes(1)]]) })),
        ),
      );
      const winners = names.filter((_, index) => outcomes[index]!.kind === 'committed');
      expect(winners).toHaveLength(1);
      const { position, entries } = await store.claim(shard);
      expect(position).toBe(winners[0]);
      expect([...entries.keys()]).toEqual(winners);
    });

    test('any bytes under any key come back as they were', async () => {
      const entry = fc.tuple(
        fc.oneof(
          fc.string({ unit: 'grapheme' }),
          fc.constantFrom('', '@epoch', '@position', '=', '{}'),
        ),
        fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.constant(bytes(13, 10, 0, 255, 36))),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(entry, { maxLength: 20 }), async (list) => {
          const shard = newShard();
          const puts = new Map(list);
          const { epoch } = await store.claim(shard);
          await store.commit(shard, commitOf(epoch, null, '1', { puts }));
          const { entries } = await store.claim(shard);
          expect(entries.size).toBe(puts.size);
          for (const [key, value] of puts) expect([...entries.get(key)!]).toEqual([...value]);
        }),
        { numRuns: 50 },
      );
    });

    test('the caller may reuse its buffers, views into larger ones included', async () => {
      const shard = newShard();
      const { epoch } = await store.claim(shard);
      const whole = bytes(0, 1, 2, 3, 4);
      await store.commit(
        shard,
        commitOf(epoch, null, '1', { puts: new Map([['part', whole.subarray(1, 3)]]) }),
      );
      whole.fill(99);
      const first = (await store.claim(shard)).entries.get('part')!;
      expect([...first]).toEqual([1, 2]);
      first.fill(77);
      expect([...(await store.claim(shard)).entries.get('part')!]).toEqual([1, 2]);
    });

    test('one commit takes 300 entries of 2 kB, another puts and another deletes 9 000', async () => {
      const shard = newShard();
      const { epoch } = await store.claim(shard);
      const large = new Map(
        Array.from({ length: 300 }, (_, index) => [
          `pane-${index}`,
          new Uint8Array(2_048).fill(index),
        ]),
      );
      await store.commit(shard, commitOf(epoch, null, '1', { puts: large }));
      const stored = (await store.claim(shard)).entries;
      expect(stored.size).toBe(300);
      for (const [key, value] of large) {
        expect(Buffer.compare(stored.get(key)!, value)).toBe(0);
      }
      const { epoch: next } = await store.claim(shard);
      const keys = Array.from({ length: 9_000 }, (_, index) => `small-${index}`);
      const small = new Map(keys.map((key) => [key, bytes(1)]));
      await store.commit(shard, commitOf(next, '1', '2', { puts: small }));
      expect((await store.claim(shard)).entries.size).toBe(9_300);
      const { epoch: last } = await store.claim(shard);
      await store.commit(shard, commitOf(last, '2', '3', { deletes: keys }));
      expect((await store.claim(shard)).entries.size).toBe(300);
    });

    test('shards whose names differ only in punctuation are different shards', async () => {
      const run = `run-${randomUUID()}`;
      const shards = [
        newShard({ run, monitor: 'a/b', service: 'c' }),
        newShard({ run, monitor: 'a', service: 'b/c' }),
        newShard({ run, monitor: 'a}', service: 'b' }),
        newShard({ run, monitor: 'a', service: '}b' }),
        newShard({ run, monitor: 'a{', service: '*' }),
        newShard({ run, monitor: 'a%2Fb', service: 'c' }),
      ];
      for (const shard of shards) {
        const claim = await store.claim(shard);
        expect(claim).toEqual({ epoch: 1, position: null, entries: new Map() });
        await store.commit(shard, commitOf(1, null, JSON.stringify(shard)));
      }
      for (const shard of shards) {
        expect(await store.readPosition(shard)).toBe(JSON.stringify(shard));
      }
    });

    test('forgetRun forgets every shard of one run and of no other', async () => {
      const run = `run-${randomUUID()}`;
      const forgotten = Array.from({ length: 30 }, (_, partition) => newShard({ run, partition }));
      const kept = [
        newShard({ run: `${run}-2` }),
        newShard({ run: `${run}*` }),
        newShard({ run: '*' + randomUUID() }),
        newShard({ run: `${run}/a` }),
      ];
      for (const shard of [...forgotten, ...kept]) {
        await store.claim(shard);
        await store.commit(shard, commitOf(1, null, '1', { puts: new Map([['a', bytes(1)]]) }));
      }
      await store.forgetRun(run);
      for (const shard of forgotten) expect(await store.readPosition(shard)).toBeNull();
      for (const shard of kept) expect(await store.readPosition(shard)).toBe('1');
      expect(await store.claim(forgotten[0]!)).toEqual({
        epoch: 1,
        position: null,
        entries: new Map(),
      });
      await store.forgetRun(`${run}*`);
      expect(await store.readPosition(kept[0]!)).toBe('1');
      await store.forgetRun(`never-${randomUUID()}`);
      for (const shard of kept) await store.forgetRun(shard.run);
    });

    test('a closed store refuses, and closing again does nothing', async () => {
      const other = await open();
      await other.ping();
      await other.close();
      await other.close();
      await expect(other.ping()).rejects.toMatchObject({ code: 'dependency.store' });
      await expect(other.claim(newShard())).rejects.toMatchObject({ code: 'dependency.store' });
      await store.ping();
    });
  });
}
