/**
 * A service with state: its position lives in the store beside its state, and both commit together.
 *
 * **Every input record changes the state exactly once, whatever is killed.** On assignment the shard
 * is claimed (which fences every earlier holder), unsent outputs are sent again, state is restored
 * and reading starts at the stored position. A commit that is refused means another owner took over:
 * the shard is dropped without a word to the bus. A commit whose outcome is unknown is settled by
 * reading the position back; positions are unique per commit. An owner that was fenced and keeps its
 * partition stops loudly, so that a restart claims it anew.
 */
import { CodedError } from '../../core/errors.ts';
import {
  FLUSH_INTERVAL_MS,
  FLUSH_RECORDS_MAX,
  POLL_RECORDS_MAX,
  POLL_WAIT_MS,
  SESSION_TIMEOUT_MS,
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
import { settleCommit } from './settle-commit.ts';
import { encodePosition, parsePosition } from './shard-position.ts';

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

/** The store has lost a shard's state, or holds an older one than what was done. */
export interface StateLoss {
  /** By the broker's offset: records before it were processed, and what came of them was sent. */
  readonly processedThrough: number;
}

export interface RebuiltShard {
  readonly processor: ShardProcessor;
  /** Where reading goes on. */
  readonly start: 'earliest' | { readonly offset: number };
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
  /**
   * Makes the shard anew from the log, so that what it writes from here on continues what it wrote
   * before, sequences included. Its first commit replaces whatever the store holds.
   */
  rebuild(assignment: Assignment, loss: StateLoss): Promise<RebuiltShard>;
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
  /** Join epoch per partition, from its assignment to its revocation. */
  const tenures = new Map<string, number>();
  /** Fenced, and when: each must soon turn out to be somebody else's. */
  const fenced = new Map<Assignment, number>();

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
          tenures.set(shardKey(assignment), assignment.joinEpoch);
          const shard = await context.retry('claim state', () => claimShard(options, assignment));
          // The answer is of no use to a tenure that ended, and must not replace its successor's.
          if (shard === null || !isTenure(assignment)) return 'earliest';
          shards.set(shardKey(assignment), shard);
          const { epoch, position } = shard;
          logger.info({ ...assignment, epoch, position }, 'claimed');
          return position === null ? 'earliest' : { offset: shard.nextOffset };
        },
        onRevoked: (assignment) => {
          if (isTenure(assignment)) tenures.delete(shardKey(assignment));
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
      checkFenced(subscription);
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

  function isTenure(assignment: Assignment): boolean {
    return tenures.get(shardKey(assignment)) === assignment.joinEpoch;
  }

  /** The shard of exactly this tenure; a later tenure of the same partition has a state of its own. */
  function heldBy(assignment: Assignment): Shard | null {
    const shard = shards.get(shardKey(assignment));
    return shard?.assignment.joinEpoch === assignment.joinEpoch ? shard : null;
  }

  function forget(shard: Shard): void {
    if (shards.get(shardKey(shard.assignment)) === shard) shards.delete(shardKey(shard.assignment));
  }

  /**
   * A claim may reach the store after its sender lost the partition, and then fences the rightful
   * owner with nobody in its place. A partition that nobody works on must be heard of.
   */
  function checkFenced(subscription: Subscription): void {
    for (const [assignment, sinceMs] of fenced) {
      const { topic, partition } = assignment;
      if (!subscription.owns(assignment)) fenced.delete(assignment);
      else if (clock.monotonicMs() - sinceMs >= SESSION_TIMEOUT_MS) {
        throw new CodedError(
          'state.corrupt',
          `${topic}:${partition} is assigned here and its state was claimed elsewhere; expected one of them to change within ${SESSION_TIMEOUT_MS} ms; does another deployment use this store?`,
        );
      }
    }
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
      position: encodePosition({ ...shard, commitNumber }),
      puts,
      deletes: [...changes.deletes, ...shard.sentKeys],
    };
    const settled = await context.retry('commit state', () =>
      settleCommit(options.store, shard.id, commit),
    );
    if (settled.kind === 'fenced') {
      const { epoch, assignment } = shard;
      logger.warn({ ...assignment, epoch, ...settled }, 'fenced by a newer owner');
      forget(shard);
      fenced.set(shard.assignment, clock.monotonicMs());
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

  /** `null` where the tenure has ended: claiming then would fence its successor. */
  async function claimShard(
    owner: StatefulServiceOptions,
    assignment: Assignment,
  ): Promise<Shard | null> {
    if (!isTenure(assignment)) return null;
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
