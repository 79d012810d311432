/**
 * One attempt at a commit, and what became of it.
 *
 * A reply that is lost leaves the outcome unknown; positions are unique per commit, so the stored one
 * tells. Where it does not, the attempt fails as transient and may be made again: should the lost one
 * arrive in between, the next attempt finds its own position and takes that for what it is.
 *
 * Epochs and commits only grow. A store that holds an older one than its owner has seen was emptied,
 * or went back to an earlier copy of itself.
 */
import { CodedError } from '../../core/errors.ts';
import type { CommitOutcome, ShardId, StateCommit, StateStore } from '../store/state-store.ts';
import { parsePosition } from './shard-position.ts';

export type SettledCommit =
  | { readonly kind: 'committed' }
  | { readonly kind: 'fenced'; readonly storedEpoch: number }
  | { readonly kind: 'lost'; readonly found: string };

/** Throws `state.corrupt` where somebody else changed the state without claiming it. */
export async function settleCommit(
  store: StateStore,
  shard: ShardId,
  commit: StateCommit,
): Promise<SettledCommit> {
  const outcome = await commitOrReadBack(store, shard, commit);
  if (outcome.kind === 'committed') return outcome;
  if (outcome.kind === 'fenced') {
    if (outcome.storedEpoch > commit.epoch) return outcome;
    return { kind: 'lost', found: `epoch ${outcome.storedEpoch}, expected ${commit.epoch}` };
  }
  const { storedPosition } = outcome;
  if (storedPosition === commit.position) return { kind: 'committed' };
  // What this epoch has committed, its owner knows: anything else of it is of an earlier life of the store.
  if (parsePosition(storedPosition).epoch <= commit.epoch) {
    return {
      kind: 'lost',
      found: `position ${storedPosition ?? 'none'}, expected ${commit.expectedPosition}`,
    };
  }
  throw new CodedError(
    'state.corrupt',
    `stored position of ${shard.topic}:${shard.partition} is ${storedPosition}, expected ${commit.expectedPosition}; the state was changed by something else`,
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
