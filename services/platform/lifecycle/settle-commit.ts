/**
 * One attempt at a commit, and what became of it.
 *
 * A reply that is lost leaves the outcome unknown; positions are unique per commit, so the stored one
 * tells. Where it does not, the attempt fails as transient and may be made again: should the lost one
 * arrive in between, the next attempt finds its own position and takes that for what it is.
 */
import { CodedError } from '../../core/errors.ts';
import type { CommitOutcome, ShardId, StateCommit, StateStore } from '../store/state-store.ts';

export type SettledCommit = Exclude<CommitOutcome, { readonly kind: 'position-mismatch' }>;

/** Throws `state.corrupt` where somebody else changed the state without claiming it. */
export async function settleCommit(
  store: StateStore,
  shard: ShardId,
  commit: StateCommit,
): Promise<SettledCommit> {
  const outcome = await commitOrReadBack(store, shard, commit);
  if (outcome.kind !== 'position-mismatch') return outcome;
  if (outcome.storedPosition === commit.position) return { kind: 'committed' };
  throw new CodedError(
    'state.corrupt',
    `stored position of ${shard.topic}:${shard.partition} is ${outcome.storedPosition}, expected ${commit.expectedPosition}; the state was changed by something else`,
  );
}

async function commitOrReadBack(
  store: StateStore,
  shard: ShardId,
  commit: StateCommit,
): Promise<CommitOutcome> {
  try {
    return await store.commit(shard, commit);
  } catch (error) {
    const unknown = error instanceof CodedError && error.code === 'dependency.store-unknown';
    if (unknown && (await store.readPosition(shard)) === commit.position) {
      return { kind: 'committed' };
    }
    throw error;
  }
}
