/**
 * The replay's shell: publishes the records of a source as the events of a run of its own, then ends
 * the run in every partition.
 *
 * **Every record of the source counts once in the run, in order per partition, however often the
 * replay is killed and started again; the end of the run is a record too, so that what closes the
 * last windows stands in the log.**
 *
 * Each record carries its place in the source as `tg-origin`. Where an earlier attempt stopped is read
 * from the last record of the run's event topic; what is published again because an outcome was
 * unknown is dropped behind it like any repeat.
 */
import { endOfRunHeaders } from '../core/message/control.ts';
import type { OutgoingRecord } from '../core/message/record.ts';
import { replayedHeaders } from '../core/message/replayed-record.ts';
import { LIVE_RUN, runTopics } from '../core/message/topics.ts';
import type { Component, Health } from '../platform/lifecycle/component.ts';
import { retryTransient } from '../platform/lifecycle/retry.ts';
import type { ServicePorts, ServiceScope } from '../platform/lifecycle/service-scope.ts';
import { createReplayEvents } from './events.ts';
import { createPacer, type Pace } from './pace.ts';
import { type PublishedPartition, readPublished } from './published.ts';
import type { ReplaySource } from './source.ts';

export type { ReplayRecord, ReplaySource } from './source.ts';

const NAME = 'replay';
const PRODUCE_RECORDS_MAX = 500;
/** Records of a paced replay that fall due within this time go out together. */
const PACE_STEP_MS = 20;

export interface ReplayOptions {
  readonly source: ReplaySource;
  readonly pace: Pace;
  /** Called after every acknowledged batch with the places of the source that lie behind. */
  readonly onProgress: (done: number) => void;
}

export function createReplay(
  ports: ServicePorts,
  scope: ServiceScope,
  options: ReplayOptions,
): Component {
  return new Replay(ports, scope, options);
}

class Replay implements Component {
  readonly name = NAME;
  readonly #ports: ServicePorts;
  readonly #options: ReplayOptions;
  readonly #abort = new AbortController();
  readonly #run: string;
  readonly #topic: string;
  readonly #events: ReturnType<typeof createReplayEvents>;
  #finished: Promise<void> = Promise.resolve();
  #health: Health = { status: 'starting', reason: 'not started' };
  /** Next place of each partition of the source. */
  #next: number[] = [];
  #batch: OutgoingRecord[] = [];

  constructor(ports: ServicePorts, scope: ServiceScope, options: ReplayOptions) {
    if (scope.run === LIVE_RUN)
      throw new Error('a replay has a run of its own, never the live one');
    this.#ports = ports;
    this.#options = options;
    this.#run = scope.run;
    this.#topic = runTopics(scope.monitor, scope.run).events;
    this.#events = createReplayEvents(ports.telemetry);
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
    const { spans } = this.#options.source;
    try {
      const published = await this.#retry('read what is published', () =>
        readPublished(this.#ports.bus, { topic: this.#topic, run: this.#run, count: spans.length }),
      );
      this.#next = spans.map(({ from }, partition) =>
        Math.max(from, published[partition]!.nextOffset),
      );
      if (published.some(({ ended }) => !ended)) await this.#publishRest(published);
      this.#health = { status: 'stopped', reason: 'all records published' };
    } catch (error) {
      this.#health = { status: 'failed', reason: (error as Error).message };
      throw error;
    }
  }

  async #publishRest(published: readonly PublishedPartition[]): Promise<void> {
    const { source, pace } = this.#options;
    const { clock } = this.#ports;
    const { signal } = this.#abort;
    const pacer = createPacer(pace, clock);
    for await (const record of source.records(this.#next, signal)) {
      const { offset, timeMs, ...rest } = record;
      const delayMs = pacer.delayMs(timeMs);
      if (delayMs > 0) {
        await this.#flush();
        await clock.sleep(Math.max(delayMs, PACE_STEP_MS), signal);
        if (signal.aborted) return;
      }
      const origin = this.#originAt(record.partition, offset);
      const headers = replayedHeaders(record.headers, origin, record.timestampMs);
      // The run's topics are kept for days: by its own timestamp an old record would be gone at once.
      this.#batch.push({ ...rest, headers, topic: this.#topic, timestampMs: null });
      this.#next[record.partition] = offset + 1;
      if (this.#batch.length >= PRODUCE_RECORDS_MAX) await this.#flush();
    }
    await this.#flush();
    if (!signal.aborted) await this.#end(published);
  }

  async #flush(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    if (batch.length === 0) return;
    await this.#retry('send', () => this.#ports.bus.produce(batch));
    this.#events.recordsPublished(batch.length);
    const { spans } = this.#options.source;
    const done = spans.reduce((sum, { from }, partition) => sum + this.#next[partition]! - from, 0);
    this.#options.onProgress(done);
  }

  async #end(published: readonly PublishedPartition[]): Promise<void> {
    const { spans } = this.#options.source;
    const ends = spans.flatMap(({ to }, partition): OutgoingRecord[] => {
      if (published[partition]!.ended) return [];
      const origin = this.#originAt(partition, to ?? this.#next[partition]!);
      const headers = replayedHeaders(endOfRunHeaders(this.#run), origin, null);
      const record = { topic: this.#topic, partition, key: null, value: null };
      return [{ ...record, headers, timestampMs: null }];
    });
    await this.#retry('send', () => this.#ports.bus.produce(ends));
  }

  #originAt(partition: number, offset: number) {
    return { topic: this.#options.source.topic ?? this.#topic, partition, offset };
  }

  #retry<T>(what: string, attemptOnce: () => Promise<T>): Promise<T> {
    const onRetry = (error: Error, attempt: number) => {
      this.#health = { status: 'degraded', reason: `${what}: ${error.message}` };
      this.#events.retried(what, error, attempt);
    };
    const { clock } = this.#ports;
    return retryTransient({ clock, signal: this.#abort.signal, onRetry }, attemptOnce).then(
      (result) => {
        this.#health = { status: 'ready', reason: '' };
        return result;
      },
    );
  }
}
