/**
 * A member of a consumer group over kafkajs.
 *
 * kafkajs's handler only moves records into a queue per partition and returns, so heartbeats go on
 * however slow the service is; a partition whose queue is full is paused. Every join of the group
 * ends all tenures and starts new ones, kept partitions included: a kept partition would need its
 * queue and its position carried over a generation during which commits are refused, and services
 * reload their position anyway. A partition stays paused until `onAssigned` has answered and the
 * seek is placed.
 *
 * Nothing leaves the handler or a listener as an exception: kafkajs dies of some and loops for ever
 * on the others. A failure of ours ends the subscription through `poll`.
 */
import type { EachBatchPayload } from 'kafkajs';
import { isTransient } from '../../core/errors.ts';
import type {
  Assignment,
  StartPosition,
  SubscribeOptions,
  Subscription,
  TopicPartition,
} from './bus.ts';
import { rangeAssigner } from './kafka-assigner.ts';
import type { KafkaContext } from './kafka-client.ts';
import { createKafkaCommitter } from './kafka-committer.ts';
import { resolveStart, type StartRequest } from './kafka-start.ts';
import { acceptBatch, createTenure, passOver, type Tenure } from './kafka-tenure.ts';
import type { KafkaTopics } from './kafka-topics.ts';
import { createOutcome } from './outcome.ts';
import { createPoller } from './poller.ts';

export interface KafkaSubscription extends Subscription {
  /** Offset of the next record a poll will give, or a later one if it does not exist; `null`: not known yet. */
  position(at: TopicPartition): number | null;
}

export async function subscribeKafka(
  context: KafkaContext,
  topics: KafkaTopics,
  options: SubscribeOptions,
): Promise<KafkaSubscription> {
  const { limits, logger } = context;
  const what = `consuming ${options.topics.join(', ')} as group ${options.group}`;
  const tenures = new Map<string, Tenure>();
  /** Where each partition was to be read on when it was read last, over all tenures. */
  const reached = new Map<string, number>();
  const poller = createPoller(context.clock, () => [...tenures.values()]);
  const joined = createOutcome();
  let joinEpoch = 0;
  /** Since when the consumer has crashed without joining the group again. */
  let crashedAtMs: number | null = null;
  let closing: Promise<void> | null = null;

  await topics.waitFor(options.topics);
  const client = await context.createClient();
  const consumer = client.consumer({
    groupId: options.group,
    partitionAssigners: [rangeAssigner],
    sessionTimeout: limits.sessionTimeoutMs,
    // A member that does not join with the others is not waited for any longer than one that is gone.
    rebalanceTimeout: limits.sessionTimeoutMs,
    heartbeatInterval: limits.heartbeatIntervalMs,
    maxWaitTimeInMs: limits.fetchWaitMsMax,
    maxBytes: limits.fetchBytesMax,
    metadataMaxAge: limits.metadataAgeMsMax,
    allowAutoTopicCreation: false,
    retry: { ...context.retry, restartOnFailure: async () => mayRestart() },
  });
  const committer = createKafkaCommitter(consumer);

  /** A consumer closed while it joins crashes; left alone, kafkajs would start it again for ever. */
  function mayRestart(): boolean {
    crashedAtMs ??= context.clock.monotonicMs();
    const crashedForMs = context.clock.monotonicMs() - crashedAtMs;
    return closing === null && crashedForMs < limits.restartPatienceMs;
  }

  function fail(cause: unknown, positions = ''): void {
    failWith(context.busError(positions === '' ? what : `${what}, at ${positions},`, cause));
  }

  const owns = (assignment: Assignment): boolean =>
    tenures.get(keyOf(assignment))?.assignment.joinEpoch === assignment.joinEpoch;

  function endTenures(): void {
    const ended = [...tenures.values()];
    tenures.clear();
    for (const { assignment } of ended) attempt(() => options.onRevoked(assignment));
  }

  function startTenures(assigned: Readonly<Record<string, readonly number[]>>): void {
    endTenures();
    joinEpoch += 1;
    for (const [topic, partitions] of Object.entries(assigned)) {
      for (const partition of partitions) {
        const tenure = createTenure(
          { topic, partition, joinEpoch },
          { prefetchBytesMax: limits.prefetchBytesMax, onDrained: resume },
        );
        tenures.set(keyOf(tenure.assignment), tenure);
        pause(tenure);
      }
    }
    for (const tenure of tenures.values()) {
      void place(tenure, () => options.onAssigned(tenure.assignment));
    }
  }

  /** Works out where a tenure reads on, seeks there and lets the records come. */
  async function place(tenure: Tenure, startOf: () => Promise<StartPosition>): Promise<void> {
    tenure.seeking = true;
    pause(tenure);
    try {
      const { assignment } = tenure;
      const next = await resolvePatiently({
        group: options.group,
        assignment,
        start: await startOf(),
        reached: reached.get(keyOf(assignment)) ?? 0,
        onTruncated: options.onTruncated ?? 'earliest',
      });
      if (!owns(tenure.assignment)) return;
      tenure.next = next;
      tenure.seeking = false;
      const { topic, partition } = tenure.assignment;
      whileRunning(() => consumer.seek({ topic, partition, offset: String(next) }));
      resume(tenure);
      poller.announce();
    } catch (error) {
      if (owns(tenure.assignment)) failWith(error);
    }
  }

  /** A broker that is away while a partition is taken over must not end the subscription. */
  async function resolvePatiently(request: StartRequest): Promise<number> {
    const startedMs = context.clock.monotonicMs();
    for (;;) {
      try {
        return await resolveStart(context, topics, request);
      } catch (error) {
        const waitedMs = context.clock.monotonicMs() - startedMs;
        const over = waitedMs >= limits.restartPatienceMs || !owns(request.assignment);
        if (over || !isTransient(error)) throw error;
        logger.warn({ ...request.assignment, error: String(error) }, 'no start position yet');
        await context.clock.sleep(limits.retryBackoffMsMax);
      }
    }
  }

  /** What the caller's own code throws reaches it unchanged. */
  function failWith(error: unknown): void {
    poller.fail(error);
    joined.reject(error);
  }

  function attempt(act: () => void): void {
    try {
      act();
    } catch (error) {
      failWith(error);
    }
  }

  function pause(tenure: Tenure): void {
    const { topic, partition } = tenure.assignment;
    tenure.paused = true;
    whileRunning(() => consumer.pause([{ topic, partitions: [partition] }]));
  }

  function resume(tenure: Tenure): void {
    if (tenure.seeking || !owns(tenure.assignment)) return;
    const { topic, partition } = tenure.assignment;
    tenure.paused = false;
    whileRunning(() => consumer.resume([{ topic, partitions: [partition] }]));
  }

  async function handle(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    const tenure = tenures.get(keyOf(batch));
    if (tenure === undefined || payload.isStale()) return;
    committer.use(payload, joinEpoch);
    const acceptance = acceptBatch(tenure, batch);
    if (acceptance === 'misplaced') {
      const start = { offset: tenure.next ?? 0 };
      void place(tenure, async () => start);
    }
    if (acceptance !== 'accepted') return;
    reached.set(keyOf(batch), tenure.next ?? 0);
    payload.resolveOffset(batch.messages.at(-1)?.offset ?? batch.lastOffset());
    if (tenure.queue.isFull()) pause(tenure);
    poller.announce();
  }

  function guarded<T>(listener: (argument: T) => void): (argument: T) => void {
    return (argument) => attempt(() => listener(argument));
  }

  const { GROUP_JOIN, REBALANCING, CRASH, START_BATCH_PROCESS } = consumer.events;
  consumer.on(
    GROUP_JOIN,
    guarded(({ payload }) => {
      if (closing !== null) return;
      crashedAtMs = null;
      startTenures(payload.memberAssignment);
      joined.resolve();
    }),
  );
  consumer.on(REBALANCING, guarded(endTenures));
  consumer.on(
    START_BATCH_PROCESS,
    guarded(({ payload }) => {
      const tenure = tenures.get(keyOf(payload));
      if (tenure === undefined || payload.batchSize > 0) return;
      passOver(tenure, Number(payload.lastOffset));
      poller.announce();
    }),
  );
  consumer.on(
    CRASH,
    guarded(({ payload }) => {
      const positions = [...tenures.values()].map(describePosition).join(', ');
      endTenures();
      if (closing !== null) return;
      if (!payload.restart) return fail(payload.error, positions);
      logger.warn({ group: options.group, error: payload.error.message }, 'consumer restarts');
    }),
  );

  function close(): Promise<void> {
    closing ??= disconnect();
    return closing;
  }

  async function disconnect(): Promise<void> {
    endTenures();
    poller.close();
    await consumer.disconnect().catch((error: unknown) => {
      logger.warn(
        { group: options.group, error: String(error) },
        'consumer did not disconnect cleanly',
      );
    });
  }

  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [...options.topics], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async (payload) => handle(payload).catch(fail),
    });
    await joined.reached;
  } catch (error) {
    await close();
    throw context.busError(what, error);
  }

  return {
    poll: (pollOptions) => poller.poll(pollOptions),
    owns,
    async commit(assignment, offset, note = '') {
      if (!owns(assignment)) return false;
      return committer.commit(assignment, offset, note).catch((error: unknown) => {
        throw context.busError(`committing ${assignment.topic} as group ${options.group}`, error);
      });
    },
    assignments: () => [...tenures.values()].map((tenure) => tenure.assignment),
    position(at) {
      const tenure = tenures.get(keyOf(at));
      return tenure?.queue.firstOffset() ?? tenure?.next ?? null;
    },
    close,
  };
}

/** Where a batch that cannot be read is to be looked for. */
function describePosition({ assignment, next }: Tenure): string {
  return `${assignment.topic}/${assignment.partition} offset ${next ?? 'unknown'}`;
}

/** While a crashed consumer restarts it has no group; the next join pauses and seeks anew. */
function whileRunning(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof Error && error.name === 'KafkaJSNonRetriableError')) throw error;
  }
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}:${partition}`;
}
