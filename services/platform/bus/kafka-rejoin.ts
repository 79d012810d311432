/**
 * How a member of a group joins it again, above all when the coordinator has died.
 *
 * kafkajs 2.2.4 goes on sending heartbeats to it until it has crashed, and joins as a new member,
 * which has to wait until the session of the old one is over. And where it joins by itself and the
 * new coordinator is still reading the group, it gives up the join but not the consumer, which then
 * belongs to a generation that nobody told us about. And of a join that stale metadata asks for it
 * says nothing before another member may have got our partitions. So two methods are replaced: a
 * heartbeat that finds no coordinator says what kafkajs understands as "join again", which keeps the
 * member's name; and a join is announced, then tried until the coordinator answers, or ends in a
 * crash and a fresh start.
 *
 * kafkajs also times heartbeats by the wall clock: once it is set back there are none until it has
 * caught up, while commits keep the member in the group, which waits for it in vain at every join. So
 * they are timed by a clock that nobody sets.
 */
import { hasGone } from './kafka-gone.ts';
import { kafkajsModule, mendKafkajs } from './kafka-internals.ts';

interface ConsumerGroupPrototype {
  readonly groupId: string;
  readonly memberId: string | null;
  /** Wall-clock time of the last heartbeat. */
  lastRequest: number;
  readonly cluster: { isConnected(): boolean };
  readonly instrumentationEmitter: { emit(event: string, payload: unknown): void };
  heartbeat(options: { readonly interval: number }): Promise<void>;
  joinAndSync(): Promise<void>;
}

const JOIN_ATTEMPTS_MAX = 20;
const JOIN_INTERVAL_MS = 500;

export function teachKafkajsToRejoin(): void {
  mendKafkajs('consumer/consumerGroup', rejoin);
}

function rejoin(prototype: ConsumerGroupPrototype): void {
  const { events } = kafkajsModule<{ readonly events: { readonly REBALANCING: string } }>(
    'consumer/instrumentationEvents',
  );
  const { heartbeat, joinAndSync } = prototype;

  const beatAtMs = new WeakMap<ConsumerGroupPrototype, number>();

  prototype.heartbeat = async function (options) {
    const nowMs = performance.now();
    if (nowMs < (beatAtMs.get(this) ?? 0) + options.interval) return;
    beatAtMs.set(this, nowMs);
    this.lastRequest = 0;
    try {
      await heartbeat.call(this, options);
    } catch (error) {
      if (!this.cluster.isConnected() || !hasGone(error)) throw error;
      throw Object.assign(new Error(String(error)), { type: 'NOT_COORDINATOR_FOR_GROUP' });
    }
  };

  prototype.joinAndSync = async function () {
    const { groupId, memberId } = this;
    this.instrumentationEmitter.emit(events.REBALANCING, { groupId, memberId });
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await joinAndSync.call(this);
      } catch (error) {
        if (!hasGone(error)) throw error;
        // Without a connection it may have been closed, and must not come back by itself.
        if (attempt === JOIN_ATTEMPTS_MAX || !this.cluster.isConnected()) throw crash(error);
        await new Promise((resolve) => setTimeout(resolve, JOIN_INTERVAL_MS));
        if (!this.cluster.isConnected()) throw crash(error);
      }
    }
  };
}

/** By this name kafkajs ends a consumer at once, and starts it again as it is worth a retry. */
function crash(error: unknown): Error {
  const name = 'KafkaJSNoBrokerAvailableError';
  return Object.assign(new Error(String(error)), { name, retriable: true });
}
