/** A run with a name: begun once, gone on with, taken over, forgotten. */
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../services/core/errors.ts';
import { createVirtualClock } from '../../../services/platform/clock/virtual-clock.ts';
import { createMemoryStateStore } from '../../../services/platform/store/memory-state-store.ts';
import type { StateStore } from '../../../services/platform/store/state-store.ts';
import {
  NamedRun,
  type RunPlan,
  readNamedRun,
  requireSameParts,
  untilRunOver,
  untilTakenOver,
} from '../../../services/replay/named-run.ts';

const NAME = { monitor: 'stations', name: 'last-week' };

function planOf(id: string): () => Promise<RunPlan> {
  return async () => ({
    id,
    parts: { monitor: 'm1', topic: 't' },
    spans: [{ from: 3, to: 9 }],
    writerSchema: null,
  });
}

describe('a run with a name', () => {
  it('keeps the plan it was begun with', async () => {
    const store = createMemoryStateStore();
    expect(await readNamedRun(store, NAME)).toBeNull();
    const begun = await NamedRun.open(store, NAME, planOf('id-1'));
    expect(begun.record).toMatchObject({ id: 'id-1', phase: 'preparing', epoch: 1 });
    expect(await begun.advance('open')).toBe(true);
    const again = await NamedRun.open(store, NAME, planOf('id-2'));
    expect(again.record).toEqual({ ...begun.record, epoch: 2 });
    expect(await readNamedRun(store, NAME)).toEqual(again.record);
  });

  it('is of one monitor', async () => {
    const store = createMemoryStateStore();
    await NamedRun.open(store, NAME, planOf('id-1'));
    expect(await readNamedRun(store, { ...NAME, monitor: 'other' })).toBeNull();
  });

  it('is in the hands of who opened it last', async () => {
    const store = createMemoryStateStore();
    const first = await NamedRun.open(store, NAME, planOf('id-1'));
    const second = await NamedRun.open(store, NAME, planOf('id-1'));
    expect(await first.advance('finished')).toBe(false);
    expect(await second.advance('finished')).toBe(true);
  });

  it('is begun by one of two that begin it at once', async () => {
    const store = createMemoryStateStore();
    let second: Promise<NamedRun> | null = null;
    const first = NamedRun.open(store, NAME, async () => {
      second = NamedRun.open(store, NAME, planOf('id-2'));
      await second;
      return planOf('id-1')();
    });
    await expect(first).rejects.toThrow(/opened by another process/);
    expect((await readNamedRun(store, NAME))?.id).toBe('id-2');
  });

  it('takes a commit for what it was, where the answer was lost', async () => {
    const inner = createMemoryStateStore();
    const store: StateStore = {
      ...inner,
      async commit(shard, commit) {
        await inner.commit(shard, commit);
        throw new CodedError('dependency.store-unknown', 'no answer');
      },
    };
    const run = await NamedRun.open(store, NAME, planOf('id-1'));
    expect(await run.advance('open')).toBe(true);
    expect((await readNamedRun(inner, NAME))?.phase).toBe('open');
  });

  it('is forgotten with its state, and begun anew under another id', async () => {
    const store = createMemoryStateStore();
    const run = await NamedRun.open(store, NAME, planOf('id-1'));
    const shard = { run: 'id-1', monitor: 'stations', service: 's', topic: 't', partition: 0 };
    const { epoch } = await store.claim(shard);
    const commit = { epoch, expectedPosition: null, position: 'p', puts: new Map(), deletes: [] };
    await store.commit(shard, commit);
    await run.forget();
    expect(await store.readPosition(shard)).toBeNull();
    expect((await NamedRun.open(store, NAME, planOf('id-2'))).record.id).toBe('id-2');
  });

  it('names every part in which it differs', () => {
    const begun = { monitor: 'm1', topic: 't', from: 'earliest' };
    expect(() => requireSameParts('r', begun, { monitor: 'm1', topic: 't' })).not.toThrow();
    expect(() => requireSameParts('r', begun, { monitor: 'm2', topic: 't', from: 'next' })).toThrow(
      /monitor was m1, is m2; from was earliest, is next/,
    );
  });
});

describe('who takes part in a run', () => {
  it('hears of its end, whoever brings it about', async () => {
    const clock = createVirtualClock();
    const inner = createMemoryStateStore();
    const first = await NamedRun.open(inner, NAME, planOf('id-1'));
    let away = false;
    const store: StateStore = {
      ...inner,
      readPosition: (shard) =>
        away
          ? Promise.reject(new CodedError('dependency.store', 'away'))
          : inner.readPosition(shard),
    };
    let isOver = false;
    const { signal } = new AbortController();
    void untilRunOver({ store, clock }, NAME, first.record, signal).then(() => {
      isOver = true;
    });
    const second = await NamedRun.open(inner, NAME, planOf('id-1'));
    away = true;
    await clock.advance(5_000);
    away = false;
    await clock.advance(5_000);
    expect(isOver).toBe(false);
    await second.advance('finished');
    await clock.advance(1_000);
    expect(isOver).toBe(true);
  });

  it('and holds it hears that another has taken it over, and nothing when asked no more', async () => {
    const clock = createVirtualClock();
    const store = createMemoryStateStore();
    const run = await NamedRun.open(store, NAME, planOf('id-1'));
    const ended: string[] = [];
    const abort = new AbortController();
    const { signal } = new AbortController();
    void untilTakenOver({ store, clock }, NAME, run.record, signal).then(() => ended.push('taken'));
    void untilTakenOver({ store, clock }, NAME, run.record, abort.signal).then(() =>
      ended.push('asked no more'),
    );
    await clock.advance(3_000);
    expect(ended).toEqual([]);
    abort.abort();
    await clock.advance(1);
    expect(ended).toEqual(['asked no more']);
    await NamedRun.open(store, NAME, planOf('id-1'));
    await clock.advance(1_000);
    expect(ended).toEqual(['asked no more', 'taken']);
  });
});
