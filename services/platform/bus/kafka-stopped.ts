/**
 * A consumer that was stopped asks for nothing more.
 *
 * kafkajs 2.2.4 starts its fetchers anew where the brokers it reads from have changed, also when the
 * consumer was stopped in the meantime. Nobody stops these: each asks its runner, which answers at once
 * with nothing, again and again, without a turn of the event loop in between, so that the whole process
 * stands still for ever. So a runner that is asked after its end stops whoever asks.
 */
import { mendKafkajs } from './kafka-internals.ts';

interface RunnerPrototype {
  readonly running: boolean;
  readonly fetchManager: { stop(): Promise<void> };
  fetch(nodeId: number): Promise<unknown>;
}

export function teachKafkajsToStop(): void {
  mendKafkajs('consumer/runner', stopFetchers);
}

function stopFetchers(prototype: RunnerPrototype): void {
  const fetchOf = prototype.fetch;
  prototype.fetch = function (nodeId) {
    // Not awaited: it waits for the very fetcher that asks.
    if (!this.running) void this.fetchManager.stop();
    return fetchOf.call(this, nodeId);
  };
}
