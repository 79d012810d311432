/**
 * A service with state: its position lives in the store beside its state, and both commit together.
 *
 * **Every input record changes the state exactly once, whatever is killed.** On assignment the shard
 * is claimed (which fences every earlier holder), unsent outputs are sent again, state is restored
 * and reading starts at the stored position. A commit that is refused means another owner took over:
 * the shard is dropped without a word to the bus. A commit whose outcome is unknown is settled by
 * reading the position back; positions are unique per commit.
 */
import { CodedError } from '../../core/errors.ts';
import {
  FLUSH_INTERVAL_MS,
  FLUSH_RECORDS_MAX,
  POLL_RECORDS_MAX,
  POLL_WAIT_MS,
} from '../../core/limits.ts';
import { withTraceparent } from '../../core/message/record.ts';
import type {
  Assignment,
  Bus,
  BusRecord,
  OutgoingRecord,
  RecordBatch,
  Subscription,
} from '../bus/bus.ts';
import type { Clock } from '../clock/clock.ts';
import type { ShardId, StateCommit, StateStore } from '../store/state-store.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { Component } from './component.ts';
import { createConsumingService, type TurnContext } from './consuming-service.ts';
import { encodeOutgoing, outboxKey, splitOutbox } from './outbox.ts';

export interface ShardChanges {
  readonly puts: ReadonlyMap<string, Uint8Array>;
  readonly deletes: readonly string[];
  readonly outputs: readonly OutgoingRecord[];
}

/** The state machine of one input partition; knows neither bus nor store. */
export interface ShardProcessor {
  accept(record: BusRecord): void;
  /** Something must leave: commit now rather than at the next interval. */
  readonly hasOutputs: boolean;
  /** Everything that changed since the last call; the caller commits it or abandons the shard. */
  takeChanges(): ShardChanges;
  /** Called when the partition has delivered nothing for `silentMs` (wall clock). */
  onSilence(silentMs: number): void;
}

export interface StatefulServiceOptions {
  readonly name: string;
  readonly monitor: string;
  readonly run: string;
  readonly topics: readonly string[];
  readonly bus: Bus;
  readonly store: StateStore;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
  prepare(): Promise<void>;
  /** What a batch needs from outside before `accept`, such as writer schemas. */
  prepareBatch(records: readonly BusRecord[], context: TurnContext): Promise<void>;
  restore(assignment: Assignment, entries: ReadonlyMap<string, Uint8Array>): ShardProcessor;
}

interface Shard {
  readonly id: ShardId;
  readonly assignment: Assignment;
  readonly epoch: number;
  readonly processor: ShardProcessor;
  position: string | null;
  nextOffset: number;
  commitNumber: number;
  /** Sent and acknowledged; forgotten by the next commit. */
  sentKeys: readonly string[];
  /** Accepted and not yet committed. */
  recordCount: number;
  /** Since when there is something to commit: records, or outputs to forget; `null`: nothing. */
  dirtySinceMs: number | null;
  lastRecordAtMs: number;
}

export function groupName(monitor: string, service: string, run: string): string {
  return `tidegauge.${monitor}.${run}.${service}`;
}

export function createStatefulService(options: StatefulServiceOptions): Component {
  const { name, bus, clock, telemetry } = options;
  const logger = telemetry.logger(name);
  const group = groupName(options.monitor, name, options.run);
  const shards = new Map<string, Shard>();

  return createConsumingService({
    name,
    clock,
    logger,
    prepare: options.prepare,
    subscribe: (context) =>
      bus.subscribe({
        group,
        topics: options.topics,
        onAssigned: async (assignment) => {
          const shard = await context.retry('claim state', () => claimShard(options, assignment));
          shards.set(shardKey(assignment), shard);
          const { epoch, position } = shard;
          logger.info({ ...assignment, epoch, position }, 'claimed');
          return position === null ? 'earliest' : { offset: shard.nextOffset };
        },
        onRevoked: (assignment) => {
          const held = heldBy(assignment);
          if (held !== null) forget(held);
        },
      }),
    turn: async (subscription, context) => {
      const batches = await subscription.poll({
        recordsMax: POLL_RECORDS_MAX,
        waitMs: POLL_WAIT_MS,
      });
      for (const batch of batches) {
        const shard = heldBy(batch.assignment);
        if (shard !== null) await processBatch(shard, batch, subscription, context);
      }
      for (const shard of [...shards.values()]) {
        const nowMs = clock.monotonicMs();
        shard.processor.onSilence(nowMs - shard.lastRecordAtMs);
        const waitedMs = shard.dirtySinceMs === null ? 0 : nowMs - shard.dirtySinceMs;
        if (shard.processor.hasOutputs || waitedMs >= FLUSH_INTERVAL_MS) {
          await flush(shard, subscription, context);
        }
      }
    },
    drain: async (subscription, context) => {
      for (const shard of [...shards.values()]) {
        // A first commit may leave outputs, which a second one forgets.
        while (shard.dirtySinceMs !== null && heldBy(shard.assignment) === shard) {
          await flush(shard, subscription, context);
        }
      }
    },
    dispose: async () => shards.clear(),
  });

  /** The shard of exactly this tenure; a later tenure of the same partition has a state of its own. */
  function heldBy(assignment: Assignment): Shard | null {
    const shard = shards.get(shardKey(assignment));
    return shard?.assignment.joinEpoch === assignment.joinEpoch ? shard : null;
  }

  function forget(shard: Shard): void {
    if (shards.get(shardKey(shard.assignment)) === shard) shards.delete(shardKey(shard.assignment));
  }

  async function processBatch(
    shard: Shard,
    batch: RecordBatch,
    subscription: Subscription,
    context: TurnContext,
  ): Promise<void> {
    const { topic } = batch.assignment;
    const recordCount = batch.records.length;
    const headers = batch.records.map((record) => record.headers);
    const span = telemetry.startProcessSpan({ service: name, topic, group, recordCount, headers });
    try {
      await options.prepareBatch(batch.records, context);
      const nowMs = clock.monotonicMs();
      shard.dirtySinceMs ??= nowMs;
      shard.lastRecordAtMs = nowMs;
      for (const record of batch.records) {
        shard.processor.accept(record);
        shard.nextOffset = record.offset + 1;
      }
      shard.recordCount += recordCount;
      if (shard.processor.hasOutputs || shard.recordCount >= FLUSH_RECORDS_MAX) {
        await span.run(() => flush(shard, subscription, context, span.traceparent));
      }
      span.end();
    } catch (error) {
      span.end(error as Error);
      throw error;
    }
  }

  /** State first, then effects, then the broker's own offset for the lag dashboards. */
  async function flush(
    shard: Shard,
    subscription: Subscription,
    context: TurnContext,
    traceparent: string | null = null,
  ): Promise<void> {
    const changes = shard.processor.takeChanges();
    const commitNumber = shard.commitNumber + 1;
    const outputs = changes.outputs.map((output) => withTraceparent(output, traceparent));
    const sentKeys = outputs.map((_, index) => outboxKey(commitNumber, index));
    const puts = new Map(changes.puts);
    for (const [index, output] of outputs.entries())
      puts.set(sentKeys[index]!, encodeOutgoing(output));
    const commit: StateCommit = {
      epoch: shard.epoch,
      expectedPosition: shard.position,
      position: encodePosition(shard.nextOffset, commitNumber),
      puts,
      deletes: [...changes.deletes, ...shard.sentKeys],
    };
    if (!(await commitSettled(shard, commit, context))) {
      forget(shard);
      return;
    }
    shard.position = commit.position;
    shard.commitNumber = commitNumber;
    shard.recordCount = 0;
    if (outputs.length > 0) await context.retry('send', () => bus.produce(outputs));
    shard.sentKeys = sentKeys;
    shard.dirtySinceMs = sentKeys.length > 0 ? clock.monotonicMs() : null;
    await context.retry('commit offset', () =>
      subscription.commit(shard.assignment, shard.nextOffset),
    );
  }

  /** True when the commit is in the store; false when the shard belongs to somebody else now. */
  async function commitSettled(
    shard: Shard,
    commit: StateCommit,
    context: TurnContext,
  ): Promise<boolean> {
    return context.retry('commit state', async () => {
      const outcome = await options.store.commit(shard.id, commit).catch(async (error: unknown) => {
        if (!(error instanceof CodedError) || error.code !== 'dependency.store-unknown')
          throw error;
        const position = await options.store.readPosition(shard.id);
        if (position === commit.position) return { kind: 'committed' } as const;
        throw error;
      });
      if (outcome.kind === 'committed') return true;
      if (outcome.kind === 'position-mismatch') {
        // An earlier attempt of this very commit may have arrived after its reply was given up on.
        if (outcome.storedPosition === commit.position) return true;
        throw new CodedError(
          'state.corrupt',
          `stored position of ${shard.id.topic}:${shard.id.partition} is ${outcome.storedPosition}, expected ${commit.expectedPosition}; the state was changed by something else`,
        );
      }
      logger.warn(
        { ...shard.assignment, epoch: shard.epoch, ...outcome },
        'fenced by a newer owner',
      );
      return false;
    });
  }

  async function claimShard(owner: StatefulServiceOptions, assignment: Assignment): Promise<Shard> {
    const { run, monitor } = owner;
    const { topic, partition } = assignment;
    const id: ShardId = { run, monitor, service: name, topic, partition };
    const claim = await owner.store.claim(id);
    const { outbox, state } = splitOutbox(claim.entries);
    if (outbox.length > 0) await bus.produce(outbox.map((entry) => entry.record));
    const nowMs = clock.monotonicMs();
    const { nextOffset, commitNumber } = parsePosition(claim.position);
    return {
      id,
      assignment,
      epoch: claim.epoch,
      processor: owner.restore(assignment, state),
      position: claim.position,
      nextOffset,
      commitNumber,
      sentKeys: outbox.map((entry) => entry.key),
      recordCount: 0,
      dirtySinceMs: outbox.length > 0 ? nowMs : null,
      lastRecordAtMs: nowMs,
    };
  }
}

function shardKey(assignment: Assignment): string {
  return `${assignment.topic}:${assignment.partition}`;
}

function encodePosition(nextOffset: number, commitNumber: number): string {
  return `${nextOffset}#${commitNumber}`;
}

function parsePosition(position: string | null): { nextOffset: number; commitNumber: number } {
  if (position === null) return { nextOffset: 0, commitNumber: 0 };
  const match = /^(\d+)#(\d+)$/.exec(position);
  if (match === null)
    throw new CodedError('state.corrupt', `stored position ${position} is not <offset>#<commit>`);
  return { nextOffset: Number(match[1]), commitNumber: Number(match[2]) };
}
