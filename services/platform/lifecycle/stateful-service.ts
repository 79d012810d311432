/**
 * A service with state: its position lives in the store beside its state, and both commit together.
 *
 * **Every input record changes the state exactly once, whatever is killed.** On assignment the shard
 * is claimed (which fences every earlier holder), unsent outputs are sent again, state is restored
 * and reading starts at the stored position. A commit that is refused means another owner took over:
 * the shard is dropped without a word to the bus. A commit whose outcome is unknown is settled by
 * reading the position back; positions are unique per commit. State that the store has lost is rebuilt
 * from the log (claim-shard.ts). An owner that was fenced and keeps its partition stops loudly, so that
 * a restart claims it anew.
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
import { type ClaimedShard, claimShard, type Shard } from './claim-shard.ts';
import type { Component } from './component.ts';
import { createConsumingService, type TurnContext } from './consuming-service.ts';
import { createFencedShards } from './fenced-shards.ts';
import { encodeOutgoing, outboxKey } from './outbox.ts';
import { retryQuickly } from './retry.ts';
import { type SettledCommit, settleCommit } from './settle-commit.ts';
import { encodePosition } from './shard-position.ts';
import type { RebuiltShard, ShardProcessor, StateLoss } from './shard-processor.ts';

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
  const fenced = createFencedShards(clock);

  return createConsumingService({
    name,
    clock,
    logger,
    prepare: async () => {
      await retryQuickly(clock, () => options.store.ping());
      await options.prepare();
    },
    subscribe: (context) =>
      bus.subscribe({
        group,
        topics: options.topics,
        onAssigned: async (assignment) => {
          tenures.set(shardKey(assignment), assignment.joinEpoch);
          const claimed = await context.retry('claim state', () => claimInTenure(assignment));
          // The answer is of no use to a tenure that ended, and must not replace its successor's.
          if (claimed === null || !isTenure(assignment)) return 'earliest';
          const { shard, start } = claimed;
          shards.set(shardKey(assignment), shard);
          const { epoch, position } = shard;
          logger.info({ ...assignment, epoch, position }, 'claimed');
          return start;
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
      fenced.check(subscription);
      for (const shard of [...shards.values()]) {
        const nowMs = clock.monotonicMs();
        shard.processor.onSilence(nowMs - shard.lastRecordAtMs);
        const waitedMs = shard.dirtySinceMs === null ? 0 : nowMs - shard.dirtySinceMs;
        const isDue = shard.processor.hasOutputs || shard.unsent.length > 0;
        if (isDue || waitedMs >= FLUSH_INTERVAL_MS) {
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

  /** `null` where the tenure has ended: claiming then would fence its successor. */
  async function claimInTenure(assignment: Assignment): Promise<ClaimedShard | null> {
    if (!isTenure(assignment)) return null;
    return claimShard({ ...options, group, logger }, shardIdOf(assignment), assignment);
  }

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

  /**
   * Sends what follows from a commit, and before that tells the broker of the commit: should the store
   * forget it, that is a loss. False where the tenure has ended; the next owner sends it.
   */
  async function deliver(
    shard: Shard,
    outputs: readonly OutgoingRecord[],
    subscription: Subscription,
    context: TurnContext,
  ): Promise<boolean> {
    if (outputs.length === 0) return true;
    const { assignment, sentThrough, position } = shard;
    const isTold = await context.retry('commit offset', () =>
      subscription.commit(assignment, sentThrough, position ?? ''),
    );
    if (isTold) await context.retry('send', () => bus.produce(outputs));
    else forget(shard);
    return isTold;
  }

  /** State first, then effects, then the broker's own offset. */
  async function flush(
    shard: Shard,
    subscription: Subscription,
    context: TurnContext,
    traceparent: string | null = null,
  ): Promise<void> {
    if (!(await deliver(shard, shard.unsent, subscription, context))) return;
    shard.unsent = [];
    const changes = shard.processor.takeChanges();
    const commitNumber = shard.commitNumber + 1;
    const outputs = changes.outputs.map((output) => withTraceparent(output, traceparent));
    const sentKeys = outputs.map((_, index) => outboxKey(commitNumber, index));
    const puts = new Map(changes.puts);
    const obsoleteKeys = shard.obsoleteKeys.filter((key) => !puts.has(key));
    for (const [index, output] of outputs.entries())
      puts.set(sentKeys[index]!, encodeOutgoing(output));
    const commit: StateCommit = {
      epoch: shard.epoch,
      expectedPosition: shard.position,
      position: encodePosition({ ...shard, commitNumber }),
      puts,
      deletes: [...changes.deletes, ...obsoleteKeys],
    };
    const settled = await context.retry('commit state', () =>
      settleCommit(options.store, shard.id, commit),
    );
    if (settled.kind !== 'committed') return dispossess(shard, settled, subscription, context);
    shard.position = commit.position;
    shard.commitNumber = commitNumber;
    shard.recordCount = 0;
    if (!(await deliver(shard, outputs, subscription, context))) return;
    shard.sentThrough = shard.nextOffset;
    shard.obsoleteKeys = sentKeys;
    shard.dirtySinceMs = sentKeys.length > 0 ? clock.monotonicMs() : null;
    await context.retry('commit offset', () =>
      subscription.commit(shard.assignment, shard.nextOffset, commit.position),
    );
  }

  /** The state is somebody else's now, or nobody's. */
  function dispossess(
    shard: Shard,
    settled: Exclude<SettledCommit, { readonly kind: 'committed' }>,
    subscription: Subscription,
    { signal }: TurnContext,
  ): void {
    const { epoch, assignment } = shard;
    forget(shard);
    if (settled.kind === 'fenced') {
      logger.warn({ ...assignment, epoch, ...settled }, 'fenced by a newer owner');
      fenced.add(assignment);
      return;
    }
    // Whoever comes next finds out by itself; there is no time for it now.
    if (signal.aborted || !subscription.owns(assignment)) return;
    const { topic, partition } = assignment;
    throw new CodedError(
      'state.lost',
      `the state of ${topic}:${partition} is not what was committed: the store holds ${settled.found}`,
    );
  }

  function shardIdOf({ topic, partition }: Assignment): ShardId {
    const { run, monitor } = options;
    return { run, monitor, service: name, topic, partition };
  }
}

function shardKey(assignment: Assignment): string {
  return `${assignment.topic}:${assignment.partition}`;
}
