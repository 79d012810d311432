/**
 * The memory store of one run, with what can happen to a real one: it is emptied, it falls back to
 * what a lagging replica held, it is away for a while.
 *
 * A fall-back takes every shard to a state it really had, each shard to one of its own, as the nodes
 * of a cluster lag each for itself. It is done through the port alone, in one go: nobody sees half of
 * it.
 */
import { CodedError } from '../../services/core/errors.ts';
import { createMemoryStateStore } from '../../services/platform/store/memory-state-store.ts';
import type {
  ShardId,
  StateCommit,
  StateStore,
} from '../../services/platform/store/state-store.ts';
import type { Draw } from '../support/draw.ts';

/** What a shard held after one claim or commit. */
interface Version {
  readonly epoch: number;
  readonly position: string | null;
  readonly entries: ReadonlyMap<string, Uint8Array>;
}

interface History {
  readonly shard: ShardId;
  /** Newest last. */
  versions: readonly Version[];
}

const NOTHING: Version = { epoch: 0, position: null, entries: new Map() };
/** Claims and commits that a replica lags behind at most. */
const VERSIONS_MAX = 12;

export interface LosableStore extends StateStore {
  /** While above 0 every call is refused, as by a server that is down. */
  away: number;
  empty(): void;
  rollBack(draw: Draw): void;
}

export function createLosableStore(run: string): LosableStore {
  const store = createMemoryStateStore();
  const histories = new Map<string, History>();
  let away = 0;

  function refuseWhenAway(): void {
    if (away > 0) throw new CodedError('dependency.store', 'injected: the store is away');
  }

  function historyOf(shard: ShardId): History {
    const name = JSON.stringify(shard);
    const history = histories.get(name) ?? { shard, versions: [NOTHING] };
    histories.set(name, history);
    return history;
  }

  function remember(history: History, version: Version): void {
    history.versions = [...history.versions, version].slice(-VERSIONS_MAX);
  }

  /** The memory store does its work before it first waits, so nobody sees half of this. */
  function restore(shard: ShardId, version: Version): void {
    for (let epoch = 1; epoch <= version.epoch; epoch += 1) void store.claim(shard);
    if (version.position === null) return;
    const { epoch, position, entries } = version;
    void store.commit(shard, {
      epoch,
      expectedPosition: null,
      position,
      puts: entries,
      deletes: [],
    });
  }

  return {
    get away() {
      return away;
    },
    set away(value) {
      away = value;
    },
    empty() {
      void store.forgetRun(run);
      for (const history of histories.values()) remember(history, NOTHING);
    },
    rollBack(draw) {
      void store.forgetRun(run);
      for (const history of histories.values()) {
        const version = history.versions[draw(0, history.versions.length - 1)]!;
        restore(history.shard, version);
        remember(history, version);
      }
    },
    async claim(shard) {
      refuseWhenAway();
      const history = historyOf(shard);
      const now = newest(history);
      remember(history, { ...now, epoch: now.epoch + 1 });
      return store.claim(shard);
    },
    async commit(shard, commit) {
      refuseWhenAway();
      const history = historyOf(shard);
      const now = newest(history);
      const holds = now.epoch === commit.epoch && now.position === commit.expectedPosition;
      if (holds && now.epoch > 0) remember(history, committed(now, commit));
      return store.commit(shard, commit);
    },
    async readPosition(shard) {
      refuseWhenAway();
      return store.readPosition(shard);
    },
    forgetRun: (id) => store.forgetRun(id),
    async ping() {
      refuseWhenAway();
    },
    close: () => store.close(),
  };
}

function newest({ versions }: History): Version {
  return versions[versions.length - 1]!;
}

function committed(now: Version, { position, puts, deletes }: StateCommit): Version {
  const entries = new Map(now.entries);
  for (const key of deletes) entries.delete(key);
  for (const [key, value] of puts) entries.set(key, new Uint8Array(value));
  return { ...now, position, entries };
}
