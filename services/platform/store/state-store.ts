/**
 * Port: fenced, atomic state of one shard (one input partition of one stateful service).
 *
 * Guarantees an adapter gives (held by test/contract/state-store.contract.ts):
 * - `claim` raises the epoch by one, so every earlier holder is fenced, and returns what is stored;
 * - `commit` applies puts, deletes and the new position all or not at all, and only if the stored
 *   epoch is the given one and the stored position is the expected one;
 * - a commit whose outcome the adapter does not know throws `dependency.store-unknown`: read the
 *   position and decide. Positions are therefore unique per commit.
 */

export interface ShardId {
  /** `live`, or the id of a replay run; every key carries it. */
  readonly run: string;
  readonly monitor: string;
  readonly service: string;
  readonly topic: string;
  readonly partition: number;
}

export interface ShardClaim {
  readonly epoch: number;
  /** Opaque to the store; `null` where nothing was ever committed. */
  readonly position: string | null;
  readonly entries: ReadonlyMap<string, Uint8Array>;
}

export interface StateCommit {
  readonly epoch: number;
  readonly expectedPosition: string | null;
  readonly position: string;
  readonly puts: ReadonlyMap<string, Uint8Array>;
  readonly deletes: readonly string[];
}

export type CommitOutcome =
  | { readonly kind: 'committed' }
  | { readonly kind: 'fenced'; readonly storedEpoch: number }
  | { readonly kind: 'position-mismatch'; readonly storedPosition: string | null };

export interface StateStore {
  claim(shard: ShardId): Promise<ShardClaim>;
  commit(shard: ShardId, commit: StateCommit): Promise<CommitOutcome>;
  readPosition(shard: ShardId): Promise<string | null>;
  /** Forgets every shard of one run; for replays that are done. */
  forgetRun(run: string): Promise<void>;
  /** Resolves when the store answers; rejects with `dependency.store`. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
