/**
 * One partition of a redrive: what was sent back of it, and the way to send more.
 *
 * **An event is sent back at most once, ever, and never forgotten half-way.** A batch is announced by
 * a fenced commit, which marks its events and keeps their bytes, and only then sent, within
 * `REDRIVE_LEASE_MS`. Where its outcome is not known (a lost answer, a death), `REDRIVE_SETTLE_MS`
 * pass, the event topic is read for its `tg-redrive` headers, and what is missing is announced and
 * sent. A claim fences every earlier redrive: its next commit fails, before it sends.
 *
 * It cannot be rigorous where the bus is not: a process that is frozen between its look at the clock
 * and its request, for longer than another one waits, sends a batch a second time.
 */
import { CodedError, isTransient } from '../core/errors.ts';
import { REDRIVE_LEASE_MS, REDRIVE_SETTLE_MS, RETRY_PATIENCE_MS } from '../core/limits.ts';
import type { Bus, OutgoingRecord } from '../platform/bus/bus.ts';
import type { Clock } from '../platform/clock/clock.ts';
import { encodeOutgoing, outboxKey, splitOutbox } from '../platform/lifecycle/outbox.ts';
import { retryTransient } from '../platform/lifecycle/retry.ts';
import { settleCommit } from '../platform/lifecycle/settle-commit.ts';
import { encodePosition, parsePosition } from '../platform/lifecycle/shard-position.ts';
import type { ShardClaim, ShardId, StateStore } from '../platform/store/state-store.ts';
import type { RedriveEvents } from './events.ts';
import type { OffsetSet } from './offset-set.ts';
import { firstRedrivable, type RedrivenLog, readRedriven } from './redriven-log.ts';
import { redrivenOrigin } from './refusal.ts';
import { encodeBlock, redrivenKey, restoreRedriven } from './state.ts';

/** Why a redrive ended: `fenced` by another one, `lost`: the store was emptied or went back in time. */
export type RedriveEnd = 'done' | 'interrupted' | 'fenced' | 'lost';

/** Thrown through a redrive that must not go on; what was announced is left to the next one. */
export class RedriveStopped extends Error {
  readonly end: Exclude<RedriveEnd, 'done'>;

  constructor(end: Exclude<RedriveEnd, 'done'>) {
    super(`the redrive was stopped: ${end}`);
    this.name = 'RedriveStopped';
    this.end = end;
  }
}

export interface RedriveShardOptions {
  readonly id: ShardId;
  readonly log: RedrivenLog;
  /** Must send once and fail rather than try again by itself. */
  readonly sender: Pick<Bus, 'produce'>;
  readonly store: StateStore;
  readonly clock: Clock;
  readonly events: RedriveEvents;
  readonly signal: AbortSignal;
}

interface Found {
  /** Those asked for that the event topic does not hold. */
  readonly missing: readonly OutgoingRecord[];
  /** Redriven events of which the state did not know. */
  readonly unknownCount: number;
  /** The end of what was read, exclusive. */
  readonly through: number;
}

export class RedriveShard {
  readonly redriven: OffsetSet;
  readonly #options: RedriveShardOptions;
  readonly #epoch: number;
  #position: string | null;
  #commitNumber: number;
  /** Announced by the claimed state; empty once it is known to have arrived. */
  readonly #unfinished: readonly OutgoingRecord[];
  /** Of the announced batch; the next commit deletes them. */
  #outboxKeys: readonly string[];

  static async claim(options: RedriveShardOptions): Promise<RedriveShard> {
    const claim = await retry(options, 'claim state', () => options.store.claim(options.id));
    return new RedriveShard(options, claim);
  }

  private constructor(options: RedriveShardOptions, claim: ShardClaim) {
    const { outbox, state } = splitOutbox(claim.entries);
    this.#options = options;
    this.#epoch = claim.epoch;
    this.#position = claim.position;
    this.#commitNumber = parsePosition(claim.position).commitNumber;
    this.#unfinished = outbox.map(({ record }) => record);
    this.#outboxKeys = outbox.map(({ key }) => key);
    this.redriven = restoreRedriven(state);
  }

  /**
   * Reads on in the event topic and finishes what an interrupted redrive had announced; gives the
   * number of events it had not sent.
   */
  async catchUp(): Promise<number> {
    const from = await this.#startOfLog();
    if (this.#unfinished.length > 0) await this.#settle(this.#unfinished.length);
    let found = await this.#lookFor(this.#unfinished, from);
    // Sent and not in the state: the store was emptied or went back, perhaps under a redrive at work.
    if (found.unknownCount > 0) {
      await this.#settle(found.unknownCount);
      found = await this.#lookFor(this.#unfinished, from);
    }
    const { missing, through } = found;
    if (missing.length > 0) await this.#deliver(missing, from);
    else await this.#commit([], through);
    return missing.length;
  }

  /** Resolves when every record is on the event topic. */
  async send(batch: readonly OutgoingRecord[]): Promise<void> {
    for (const record of batch) this.redriven.add(this.#originOffset(record)!);
    await this.#deliver(batch, await this.#endOfLog());
  }

  /** `heldFrom`: nothing with an earlier origin stands in quarantine any more. */
  async finish(heldFrom: number): Promise<void> {
    const { bus, events } = this.#options.log;
    const { earliest, next } = await retry(this.#options, 'read offsets', () =>
      bus.offsets(events),
    );
    const forgotten = this.redriven.forgetBefore(Math.min(heldFrom, earliest));
    await this.#commit([], next, forgotten.map(redrivenKey));
  }

  async #startOfLog(): Promise<number> {
    const { log, id } = this.#options;
    if (this.#position === null) {
      const held = await log.bus.offsets(id);
      const first = await firstRedrivable(log, held.earliest, held.next);
      return first ?? (await this.#endOfLog());
    }
    const { nextOffset } = parsePosition(this.#position);
    const next = await this.#endOfLog();
    if (nextOffset > next) {
      throw new CodedError(
        'bus.truncated',
        `${log.events.topic}:${log.events.partition} ends at ${next}, expected at least ${nextOffset}, to where it was read for what had been redriven; was the topic made anew?`,
      );
    }
    return nextOffset;
  }

  /** `from`: where in the event topic the records lie if any of them has arrived. */
  async #deliver(records: readonly OutgoingRecord[], from: number): Promise<void> {
    const { clock, sender, events } = this.#options;
    const startedMs = clock.monotonicMs();
    let missing = records;
    while (missing.length > 0) {
      await this.#announce(missing, from);
      try {
        await sender.produce(missing);
        break;
      } catch (error) {
        const spent = clock.monotonicMs() - startedMs >= RETRY_PATIENCE_MS;
        if (!isTransient(error) || spent) throw error;
        await this.#settle(missing.length);
        ({ missing } = await this.#lookFor(missing, from));
      }
    }
    events.batchSent(records.length);
  }

  /** Returns while the announcement is fresh: nobody can have claimed the shard and looked already. */
  async #announce(records: readonly OutgoingRecord[], from: number): Promise<void> {
    const { clock, signal } = this.#options;
    for (;;) {
      const startedMs = clock.monotonicMs();
      await this.#commit(records, from);
      if (clock.monotonicMs() - startedMs < REDRIVE_LEASE_MS) return;
      if (signal.aborted) throw new RedriveStopped('interrupted');
    }
  }

  /** Waits until nothing that was sent can still be under way. */
  async #settle(count: number): Promise<void> {
    const { clock, signal, events, id } = this.#options;
    events.outcomeUnknown(id.partition, count, REDRIVE_SETTLE_MS);
    await clock.sleep(REDRIVE_SETTLE_MS, signal);
    if (signal.aborted) throw new RedriveStopped('interrupted');
  }

  /** Reads on in the event topic from `from`; marks everything redriven that it finds. */
  async #lookFor(records: readonly OutgoingRecord[], from: number): Promise<Found> {
    const through = await this.#endOfLog();
    const found = new Set<number>();
    let unknownCount = 0;
    for await (const offset of readRedriven(this.#options.log, from, through)) {
      if (this.redriven.add(offset)) unknownCount += 1;
      found.add(offset);
    }
    const missing = records.filter((record) => !found.has(this.#originOffset(record)!));
    return { missing, unknownCount, through };
  }

  #originOffset({ headers }: OutgoingRecord): number | null {
    return redrivenOrigin(headers, this.#options.id)?.offset ?? null;
  }

  async #endOfLog(): Promise<number> {
    const { bus, events } = this.#options.log;
    const { next } = await retry(this.#options, 'read offsets', () => bus.offsets(events));
    return next;
  }

  /** What is marked, what is announced, and how far the event topic is known, all or nothing. */
  async #commit(
    announced: readonly OutgoingRecord[],
    nextOffset: number,
    deletes: readonly string[] = [],
  ): Promise<void> {
    const { store, id } = this.#options;
    const commitNumber = this.#commitNumber + 1;
    const outbox = announced.map(
      (record, index) => [outboxKey(commitNumber, index), encodeOutgoing(record)] as const,
    );
    const position = encodePosition({ nextOffset, epoch: this.#epoch, commitNumber });
    const commit = {
      epoch: this.#epoch,
      expectedPosition: this.#position,
      position,
      puts: new Map([...[...this.redriven.takeChanged()].map(encodeBlock), ...outbox]),
      deletes: [...deletes, ...this.#outboxKeys],
    };
    const settled = await retry(this.#options, 'commit state', () =>
      settleCommit(store, id, commit),
    );
    if (settled.kind !== 'committed') throw new RedriveStopped(settled.kind);
    this.#position = position;
    this.#commitNumber = commitNumber;
    this.#outboxKeys = outbox.map(([key]) => key);
  }
}

function retry<T>(
  { clock, signal, events }: RedriveShardOptions,
  what: string,
  attemptOnce: () => Promise<T>,
): Promise<T> {
  const onRetry = (error: Error) => events.callRetried(what, error);
  return retryTransient({ clock, signal, onRetry }, attemptOnce);
}
