/**
 * Taking over a shard: its state is claimed, which fences every earlier holder, what the last owner
 * left unsent is sent, and reading goes on where the state says.
 *
 * The broker's offset is committed after the state, and once before the very first one. Where it is
 * ahead of the stored position the store was emptied, or is an older copy of itself; such state may
 * contradict what was sent since, so it is not used: the shard is rebuilt from the log, and its first
 * commit replaces what the store holds.
 */
import type { Assignment, Bus } from '../bus/bus.ts';
import type { Clock } from '../clock/clock.ts';
import type { ShardClaim, ShardId, StateStore } from '../store/state-store.ts';
import type { Logger } from '../telemetry/telemetry.ts';
import { splitOutbox } from './outbox.ts';
import { parsePosition } from './shard-position.ts';
import type { RebuiltShard, ShardProcessor, StateLoss } from './shard-processor.ts';

export interface ClaimOptions {
  readonly bus: Bus;
  readonly store: StateStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly group: string;
  restore(assignment: Assignment, entries: ReadonlyMap<string, Uint8Array>): ShardProcessor;
  rebuild(assignment: Assignment, loss: StateLoss): Promise<RebuiltShard>;
}

export interface Shard {
  readonly id: ShardId;
  readonly assignment: Assignment;
  readonly epoch: number;
  readonly processor: ShardProcessor;
  /** Nothing was ever committed of it, to the store or to the broker. */
  isNew: boolean;
  /** As stored; what the next commit expects. */
  position: string | null;
  nextOffset: number;
  commitNumber: number;
  /** Entries that the next commit deletes: outputs that were sent, and state that is not used. */
  obsoleteKeys: readonly string[];
  /** Accepted and not yet committed. */
  recordCount: number;
  /** Since when there is something to commit: records, or entries to delete; `null`: nothing. */
  dirtySinceMs: number | null;
  lastRecordAtMs: number;
}

/** With where reading starts. */
export interface ClaimedShard {
  readonly shard: Shard;
  readonly start: 'earliest' | { readonly offset: number };
}

export async function claimShard(
  options: ClaimOptions,
  id: ShardId,
  assignment: Assignment,
): Promise<ClaimedShard> {
  const { bus, store, group } = options;
  const processedThrough = await bus.committed(group, assignment);
  const claim = await store.claim(id);
  const { nextOffset } = parsePosition(claim.position);
  const isNew = claim.position === null && processedThrough === null;
  const isBehind = claim.position === null || (processedThrough ?? 0) > nextOffset;
  if (processedThrough !== null && isBehind) {
    return rebuildShard(options, { id, assignment, claim, processedThrough });
  }
  const { outbox, state } = splitOutbox(claim.entries);
  if (outbox.length > 0) await bus.produce(outbox.map((entry) => entry.record));
  const shard = createShard(options, { id, assignment, claim }, options.restore(assignment, state));
  shard.isNew = isNew;
  shard.obsoleteKeys = outbox.map((entry) => entry.key);
  shard.dirtySinceMs = outbox.length > 0 ? shard.lastRecordAtMs : null;
  return { shard, start: claim.position === null ? 'earliest' : { offset: nextOffset } };
}

interface Claimed {
  readonly id: ShardId;
  readonly assignment: Assignment;
  readonly claim: ShardClaim;
}

async function rebuildShard(
  options: ClaimOptions,
  claimed: Claimed & { readonly processedThrough: number },
): Promise<ClaimedShard> {
  const { assignment, claim, processedThrough } = claimed;
  const { processor, start } = await options.rebuild(assignment, { processedThrough });
  const { topic, partition } = assignment;
  options.logger.error(
    { topic, partition, storedPosition: claim.position, processedThrough, start },
    'the state store was emptied or has gone back in time: rebuilding the state from the log',
  );
  const shard = createShard(options, claimed, processor);
  shard.obsoleteKeys = [...claim.entries.keys()];
  shard.nextOffset = start === 'earliest' ? 0 : start.offset;
  // What the store holds is to be replaced even where nothing is left to read.
  shard.dirtySinceMs = shard.lastRecordAtMs;
  return { shard, start };
}

function createShard(
  { clock }: ClaimOptions,
  { id, assignment, claim }: Claimed,
  processor: ShardProcessor,
): Shard {
  const { nextOffset, commitNumber } = parsePosition(claim.position);
  return {
    id,
    assignment,
    epoch: claim.epoch,
    processor,
    isNew: false,
    position: claim.position,
    nextOffset,
    commitNumber,
    obsoleteKeys: [],
    recordCount: 0,
    dirtySinceMs: null,
    lastRecordAtMs: clock.monotonicMs(),
  };
}
