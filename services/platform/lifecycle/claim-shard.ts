/**
 * Taking over a shard: its state is claimed, which fences every earlier holder, and reading goes on
 * where the state says.
 *
 * The broker is told of a commit before anything that follows from it is sent, in a note beside the
 * group's offset. Where the note is ahead of the stored position the store was emptied, or is an older
 * copy of itself; such state may contradict what was sent since, so it is not used: the shard is rebuilt
 * from the log, and its first commit replaces what the store holds.
 */
import type { Assignment, Bus, CommittedOffset, OutgoingRecord } from '../bus/bus.ts';
import type { Clock } from '../clock/clock.ts';
import type { ShardClaim, ShardId, StateStore } from '../store/state-store.ts';
import type { Logger } from '../telemetry/telemetry.ts';
import { splitOutbox } from './outbox.ts';
import { isPosition, parsePosition } from './shard-position.ts';
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
  /** As stored; what the next commit expects. */
  position: string | null;
  nextOffset: number;
  /** What came of the records before it was sent. */
  sentThrough: number;
  commitNumber: number;
  /** Left by the last owner; to be sent before anything else. */
  unsent: readonly OutgoingRecord[];
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
  const told = await bus.committed(group, assignment);
  const claim = await store.claim(id);
  if (told !== null && isBehind(claim.position, told)) {
    return rebuildShard(options, { id, assignment, claim, told });
  }
  const { outbox, state } = splitOutbox(claim.entries);
  const shard = createShard(options, { id, assignment, claim }, options.restore(assignment, state));
  shard.unsent = outbox.map((entry) => entry.record);
  shard.obsoleteKeys = outbox.map((entry) => entry.key);
  shard.dirtySinceMs = outbox.length > 0 ? shard.lastRecordAtMs : null;
  return { shard, start: claim.position === null ? 'earliest' : { offset: shard.nextOffset } };
}

function isBehind(stored: string | null, told: CommittedOffset): boolean {
  if (stored === null) return true;
  const { nextOffset, commitNumber } = parsePosition(stored);
  return told.offset > nextOffset || commitNumberOf(told) > commitNumber;
}

/** 0 where the offset was committed by somebody else, a tool for instance. */
function commitNumberOf({ note }: CommittedOffset): number {
  return isPosition(note) ? parsePosition(note).commitNumber : 0;
}

interface Claimed {
  readonly id: ShardId;
  readonly assignment: Assignment;
  readonly claim: ShardClaim;
}

async function rebuildShard(
  options: ClaimOptions,
  claimed: Claimed & { readonly told: CommittedOffset },
): Promise<ClaimedShard> {
  const { assignment, claim, told } = claimed;
  const processedThrough = told.offset;
  const { processor, start } = await options.rebuild(assignment, { processedThrough });
  const { topic, partition } = assignment;
  options.logger.error(
    { topic, partition, storedPosition: claim.position, processedThrough, start },
    'the state store was emptied or has gone back in time: rebuilding the state from the log',
  );
  const shard = createShard(options, claimed, processor);
  shard.obsoleteKeys = [...claim.entries.keys()];
  shard.nextOffset = start === 'earliest' ? 0 : start.offset;
  shard.sentThrough = shard.nextOffset;
  // Commits are counted on, so that no older copy that may yet come back passes for a newer one.
  shard.commitNumber = Math.max(shard.commitNumber, commitNumberOf(told));
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
    position: claim.position,
    nextOffset,
    sentThrough: nextOffset,
    commitNumber,
    unsent: [],
    obsoleteKeys: [],
    recordCount: 0,
    dirtySinceMs: null,
    lastRecordAtMs: clock.monotonicMs(),
  };
}
