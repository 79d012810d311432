/**
 * The replay's shell: publishes the records of a source as the events of a run of its own, then ends
 * the run in every partition.
 *
 * **Every record of the source is published once, in order per partition; the end of the run is a
 * record too, so that what closes the last windows stands in the log.**
 */
import { endOfRunHeaders } from '../core/message/control.ts';
import type { OutgoingRecord } from '../core/message/record.ts';
import { LIVE_RUN, runTopics } from '../core/message/topics.ts';
import type { Component, Health } from '../platform/lifecycle/component.ts';
import type { ServicePorts, ServiceScope } from '../platform/lifecycle/service-scope.ts';
import { createReplayEvents } from './events.ts';

const NAME = 'replay';
const PRODUCE_RECORDS_MAX = 500;

/** One record on its way into the run; the topic is the run's. */
export type ReplayRecord = Omit<OutgoingRecord, 'topic' | 'partition'> & {
  readonly partition: number;
};

export interface ReplaySource {
  readonly partitionCount: number;
  /** Records per partition must come in their order. Ends early when `signal` aborts. */
  records(signal: AbortSignal): AsyncIterable<ReplayRecord>;
}

export interface ReplayOptions {
  readonly source: ReplaySource;
  /** Called after every acknowledged batch with the records published so far. */
  readonly onProgress: (published: number) => void;
}

export function createReplay(
  ports: ServicePorts,
  scope: ServiceScope,
  options: ReplayOptions,
): Component & { readonly published: number } {
  return new Replay(ports, scope, options);
}

class Replay implements Component {
  readonly name = NAME;
  readonly #ports: ServicePorts;
  readonly #options: ReplayOptions;
  readonly #abort = new AbortController();
  readonly #run: string;
  readonly #topic: string;
  #finished: Promise<void> = Promise.resolve();
  #health: Health = { status: 'starting', reason: 'not started' };
  published = 0;

  constructor(ports: ServicePorts, scope: ServiceScope, options: ReplayOptions) {
    if (scope.run === LIVE_RUN)
      throw new Error('a replay has a run of its own, never the live one');
    this.#ports = ports;
    this.#options = options;
    this.#run = scope.run;
    this.#topic = runTopics(scope.monitor, scope.run).events;
  }

  get finished(): Promise<void> {
    return this.#finished;
  }

  async start(): Promise<void> {
    this.#health = { status: 'ready', reason: '' };
    this.#finished = this.#publishAll();
    this.#finished.catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#finished.catch(() => undefined);
  }

  health(): Health {
    return this.#health;
  }

  async #publishAll(): Promise<void> {
    const events = createReplayEvents(this.#ports.telemetry);
    try {
      let batch: OutgoingRecord[] = [];
      const flush = async () => {
        await this.#ports.bus.produce(batch);
        this.published += batch.length;
        events.recordsPublished(batch.length);
        this.#options.onProgress(this.published);
        batch = [];
      };
      for await (const record of this.#options.source.records(this.#abort.signal)) {
        batch.push({ ...record, topic: this.#topic });
        if (batch.length >= PRODUCE_RECORDS_MAX) await flush();
      }
      if (batch.length > 0) await flush();
      if (!this.#abort.signal.aborted) await this.#ports.bus.produce(this.#endOfRun());
      this.#health = { status: 'stopped', reason: 'all records published' };
    } catch (error) {
      this.#health = { status: 'failed', reason: (error as Error).message };
      throw error;
    }
  }

  #endOfRun(): OutgoingRecord[] {
    return Array.from({ length: this.#options.source.partitionCount }, (_, partition) => ({
      topic: this.#topic,
      partition,
      key: null,
      value: null,
      headers: endOfRunHeaders(this.#run),
      timestampMs: null,
    }));
  }
}
