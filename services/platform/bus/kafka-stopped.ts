/**
 * A consumer that was stopped asks for nothing more.
 *
 * kafkajs 2.2.4 starts its fetchers anew where the brokers it reads from have changed, also when the
 * consumer was stopped in the meantime. Nobody stops these: each asks its runner, which answers at once
 * with nothing, again and again, without a turn of the event loop in between, so that the whole process
 * stands still for ever. So a runner that is asked after its end stops whoever asks.
 */
import { createRequire } from 'node:module';

interface RunnerPrototype {
  readonly running: boolean;
  readonly fetchManager: { stop(): Promise<void> };
  fetch(nodeId: number): Promise<unknown>;
}

let taught = false;

/** Once per process, before the first consumer. */
export function teachKafkajsToStop(): void {
  if (taught) return;
  taught = true;
  const require = createRequire(import.meta.url);
  const { prototype } = require('kafkajs/src/consumer/runner') as { prototype: RunnerPrototype };
  const fetchOf = prototype.fetch;
  prototype.fetch = function (nodeId) {
    // Not awaited: it waits for the very fetcher that asks.
    if (!this.running) void this.fetchManager.stop();
    return fetchOf.call(this, nodeId);
  };
}
