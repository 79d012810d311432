/**
 * The redrive's shell: reads a range of the quarantine topic, chooses, and sends the chosen events
 * back to the event topic at a limited rate; or, as a dry run, only says what it would do.
 *
 * **Each quarantined event is sent back at most once, whatever is killed; one that was announced is
 * sent by the next redrive.**
 */
import { REDRIVE_BATCH_BYTES_MAX, REDRIVE_BATCH_RECORDS_MAX } from '../core/limits.ts';
import type { BusRecord, OutgoingRecord } from '../core/message/record.ts';
import { runTopics } from '../core/message/topics.ts';
import type { Bus } from '../platform/bus/bus.ts';
import type { ServicePorts, ServiceScope } from '../platform/lifecycle/service-scope.ts';
import { createRedriveEvents, type RedriveEvents } from './events.ts';
import { OffsetSet } from './offset-set.ts';
import { createPace, type Pace } from './pace.ts';
import {
  fixQuarantineRange,
  type QuarantineEdge,
  type QuarantineSpan,
} from './quarantine-range.ts';
import type { RedrivenLog } from './redriven-log.ts';
import { eventFromRefused, parseRefusal, type Refusal } from './refusal.ts';
import { type Criteria, decide, isSelected } from './select.ts';
import { type RedriveEnd, RedriveShard, RedriveStopped } from './shard.ts';
import { Survey, type SurveyResult } from './survey.ts';
import { findRedriven, type Try } from './trial.ts';

const NAME = 'redrive';
/** Batches a second at a low rate, so that events flow instead of coming in gulps. */
const BATCHES_PER_SECOND = 4;

export interface RedrivePorts extends Pick<ServicePorts, 'bus' | 'store' | 'clock' | 'telemetry'> {
  /** Sends once and fails rather than try again by itself: what arrives twice is counted twice. */
  readonly sender: Pick<Bus, 'produce'>;
}

export interface RedriveOptions {
  readonly criteria: Criteria;
  /** Inclusive; when the event was refused, or an offset of the quarantine topic. */
  readonly since: QuarantineEdge;
  /** Exclusive. */
  readonly until: QuarantineEdge;
  readonly ratePerSecond: number;
  /** A dry run asks it of every chosen event; `null`: they are sent. */
  readonly tryEvents: Try | null;
  /** Stops after the batch that is under way. */
  readonly signal: AbortSignal;
  /** Quarantined records read, of how many. */
  readonly onProgress: (read: number, total: number) => void;
}

export interface RedriveResult extends SurveyResult {
  readonly end: RedriveEnd;
  /** Events sent by this redrive; what an earlier one had left is not among them. */
  readonly redriven: number;
  /** Announced by a redrive that was interrupted, and sent by this one. */
  readonly recovered: number;
}

/** Throws `configuration.invalid` where a topic does not exist. */
export async function redrive(
  ports: RedrivePorts,
  scope: ServiceScope,
  options: RedriveOptions,
): Promise<RedriveResult> {
  const passage = new Passage(ports, scope, options);
  try {
    await passage.run();
  } catch (error) {
    if (!(error instanceof RedriveStopped)) throw error;
    return passage.result(error.end);
  }
  return passage.result(options.signal.aborted ? 'interrupted' : 'done');
}

interface Chosen {
  readonly record: BusRecord;
  readonly refusal: Refusal;
  readonly event: OutgoingRecord;
}

/** Where the chosen events of one partition go. */
interface Outlet {
  readonly redriven: OffsetSet;
  take(batch: readonly Chosen[]): Promise<void>;
  /** `heldFrom`: the earliest origin in quarantine, 0 where it is not known. */
  finish(heldFrom: number): Promise<void>;
}

class Passage {
  readonly #ports: RedrivePorts;
  readonly #scope: ServiceScope;
  readonly #options: RedriveOptions;
  readonly #events: RedriveEvents;
  readonly #survey = new Survey();
  readonly #pace: Pace;
  readonly #batchRecordsMax: number;
  #read = 0;
  #redriven = 0;
  #recovered = 0;

  constructor(ports: RedrivePorts, scope: ServiceScope, options: RedriveOptions) {
    const { ratePerSecond } = options;
    const perBatch = Math.max(1, Math.floor(ratePerSecond / BATCHES_PER_SECOND));
    this.#ports = ports;
    this.#scope = scope;
    this.#options = options;
    this.#events = createRedriveEvents(ports.telemetry);
    this.#pace = createPace(ports.clock, ratePerSecond);
    this.#batchRecordsMax = Math.min(REDRIVE_BATCH_RECORDS_MAX, perBatch);
  }

  result(end: RedriveEnd): RedriveResult {
    const { selected, skipped, foreign, byRule, wouldBeRefused } = this.#survey.result();
    const counts = { redriven: this.#redriven, recovered: this.#recovered };
    return { end, selected, ...counts, skipped, foreign, byRule, wouldBeRefused };
  }

  async run(): Promise<void> {
    const { since, until, tryEvents, signal, onProgress } = this.#options;
    const topics = runTopics(this.#scope.monitor, this.#scope.run);
    const spans = await fixQuarantineRange(this.#ports.bus, topics, { since, until });
    const total = spans.reduce((sum, span) => sum + span.to - span.from, 0);
    onProgress(0, total);
    // All at once and first: a redrive that is still running must stop everywhere.
    const shards = tryEvents === null ? await this.#claimAll(spans) : null;
    for (const [index, span] of spans.entries()) {
      if (signal.aborted) return;
      const shard = shards?.[index];
      const outlet = shard === undefined ? await this.#trial(span) : await this.#sending(shard);
      await this.#passOn(span, outlet, (read) => onProgress(read, total));
    }
  }

  async #claimAll(spans: readonly QuarantineSpan[]): Promise<readonly RedriveShard[]> {
    const { store, clock, sender } = this.#ports;
    const { run, monitor } = this.#scope;
    const shards: RedriveShard[] = [];
    for (const span of spans) {
      const { topic, partition } = span;
      const shard = await RedriveShard.claim({
        id: { run, monitor: monitor.name, service: NAME, topic, partition },
        log: this.#logOf(span),
        ...{ sender, store, clock, events: this.#events, signal: this.#options.signal },
      });
      shards.push(shard);
    }
    return shards;
  }

  async #sending(shard: RedriveShard): Promise<Outlet> {
    this.#recovered += await shard.catchUp();
    return {
      redriven: shard.redriven,
      take: async (batch) => {
        await this.#pace(batch.length, this.#options.signal);
        if (this.#options.signal.aborted) return;
        await shard.send(batch.map(({ event }) => event));
        this.#redriven += batch.length;
      },
      finish: (heldFrom) => shard.finish(heldFrom),
    };
  }

  async #trial(span: QuarantineSpan): Promise<Outlet> {
    return {
      redriven: await findRedriven(this.#logOf(span), span),
      take: async (batch) => {
        const rules = await this.#options.tryEvents!(batch.map(({ event }) => event));
        for (const [index, { record, refusal }] of batch.entries()) {
          this.#survey.addTried(record, refusal, rules[index]!);
        }
      },
      finish: async () => undefined,
    };
  }

  #logOf({ topic, partition }: QuarantineSpan): RedrivenLog {
    const { events } = runTopics(this.#scope.monitor, this.#scope.run);
    const { bus } = this.#ports;
    return { bus, events: { topic: events, partition }, quarantine: { topic, partition } };
  }

  /** Reads one partition's range from end to end and hands over what is chosen, batch by batch. */
  async #passOn(
    span: QuarantineSpan,
    outlet: Outlet,
    onRead: (read: number) => void,
  ): Promise<void> {
    const { criteria, signal } = this.#options;
    const topics = runTopics(this.#scope.monitor, this.#scope.run);
    const known = { redriven: outlet.redriven, chosen: new OffsetSet() };
    let heldFrom = Number.POSITIVE_INFINITY;
    let batch: Chosen[] = [];
    let bytes = 0;
    const handOver = async () => {
      if (batch.length > 0) await outlet.take(batch);
      batch = [];
      bytes = 0;
    };

    for await (const record of this.#recordsOf(span)) {
      const refusal = parseRefusal(record, topics.events);
      if (refusal === null) this.#survey.addForeign();
      else heldFrom = Math.min(heldFrom, refusal.origin.offset);
      if (refusal !== null && isSelected(refusal, criteria)) {
        const skipped = decide(record, refusal, known, criteria);
        this.#survey.addSelected(record, refusal, skipped);
        if (skipped !== null) {
          this.#events.recordSkipped(skipped);
        } else {
          const size = record.value?.length ?? 0;
          if (bytes + size > REDRIVE_BATCH_BYTES_MAX) await handOver();
          batch.push({ record, refusal, event: eventFromRefused(record, refusal) });
          bytes += size;
        }
      }
      if (batch.length >= this.#batchRecordsMax) await handOver();
      this.#read += 1;
      onRead(this.#read);
      if (signal.aborted) break;
    }
    if (!signal.aborted) await handOver();
    await outlet.finish(span.isWhole && !signal.aborted ? heldFrom : 0);
  }

  async *#recordsOf({ topic, partition, from, to }: QuarantineSpan): AsyncIterable<BusRecord> {
    if (from < to) yield* this.#ports.bus.read({ topic, partition }, from, to);
  }
}
