/**
 * StateStore in this process: for the embedded mode, replays of files and tests.
 *
 * Same answers as Redis, checked by the same contract suite. State lives as long as the store object
 * and never expires; bytes are copied on the way in and on the way out, so a caller may reuse its
 * buffers.
 */
import { CodedError } from '../../core/errors.ts';
import type { CommitOutcome, ShardClaim, ShardId, StateCommit, StateStore } from './state-store.ts';

interface Shard {
  epoch: number;
  position: string | null;
  readonly entries: Map<string, Uint8Array>;
}

export function createMemoryStateStore(): StateStore {
  const runs = new Map<string, Map<string, Shard>>();
  let closed = false;

  function find(id: ShardId): Shard | undefined {
    return runs.get(id.run)?.get(shardName(id));
  }

  function findOrCreate(id: ShardId): Shard {
    let shards = runs.get(id.run);
    if (shards === undefined) {
      shards = new Map();
      runs.set(id.run, shards);
    }
    let shard = shards.get(shardName(id));
    if (shard === undefined) {
      shard = { epoch: 0, position: null, entries: new Map() };
      shards.set(shardName(id), shard);
    }
    return shard;
  }

  function refuseWhenClosed(): void {
    if (closed) throw new CodedError('dependency.store', 'the state store is closed');
  }

  return {
    async claim(id): Promise<ShardClaim> {
      refuseWhenClosed();
      const shard = findOrCreate(id);
      shard.epoch += 1;
      const entries = new Map<string, Uint8Array>();
      for (const [key, value] of shard.entries) entries.set(key, new Uint8Array(value));
      return { epoch: shard.epoch, position: shard.position, entries };
    },

    async commit(id, commit: StateCommit): Promise<CommitOutcome> {
      refuseWhenClosed();
      const shard = find(id);
      if (shard === undefined || shard.epoch !== commit.epoch) {
        return { kind: 'fenced', storedEpoch: shard?.epoch ?? 0 };
      }
      if (shard.position !== commit.expectedPosition) {
        return { kind: 'position-mismatch', storedPosition: shard.position };
      }
      for (const key of commit.deletes) shard.entries.delete(key);
      for (const [key, value] of commit.puts) shard.entries.set(key, new Uint8Array(value));
      shard.position = commit.position;
      return { kind: 'committed' };
    },

    async readPosition(id) {
      refuseWhenClosed();
      return find(id)?.position ?? null;
    },

    async forgetRun(run) {
      refuseWhenClosed();
      runs.delete(run);
    },

    async ping() {
      refuseWhenClosed();
    },

    async close() {
      closed = true;
      runs.clear();
    },
  };
}

function shardName(id: ShardId): string {
  return JSON.stringify([id.monitor, id.service, id.topic, id.partition]);
}
