/**
 * The polling half of a subscription, the same for every adapter: waits for an arrival through the
 * clock, shares a poll out over the partitions that have something, and says loudly and for ever
 * when the subscription has failed.
 */
import type { Clock } from '../clock/clock.ts';
import type { Assignment, BusRecord, PollOptions, RecordBatch } from './bus.ts';

/** One partition that may have records waiting. */
export interface PollSource {
  readonly assignment: Assignment;
  available(): number;
  /** Takes the next `count` records, at most `available()`. */
  take(count: number): readonly BusRecord[];
}

export interface Poller {
  poll(options: PollOptions): Promise<readonly RecordBatch[]>;
  /** Something may have arrived: a waiting poll looks again. */
  announce(): void;
  /** The first failure is kept: this poll and every later one rejects with it. */
  fail(error: unknown): void;
  /** A pending poll and every later one resolves with `[]`. */
  close(): void;
}

/** A stream of polls that never wait still lets the event loop turn this often. */
const BREATH_INTERVAL_MS = 5;

export function createPoller(clock: Clock, sources: () => readonly PollSource[]): Poller {
  let waiting: AbortController | null = null;
  let failure: { readonly error: unknown } | null = null;
  let closed = false;
  let polling = false;
  let rotation = 0;
  let breathedAtMs = clock.monotonicMs();

  function take(recordsMax: number): RecordBatch[] {
    const candidates = sources();
    const counts = shareOut(
      candidates.map((source) => source.available()),
      { total: recordsMax, first: rotation },
    );
    rotation += 1;
    const batches: RecordBatch[] = [];
    candidates.forEach((source, index) => {
      const count = counts[index]!;
      if (count > 0) batches.push({ assignment: source.assignment, records: source.take(count) });
    });
    return batches;
  }

  async function wait(durationMs: number): Promise<void> {
    waiting = new AbortController();
    await clock.sleep(durationMs, waiting.signal);
    waiting = null;
  }

  async function pollOnce({ recordsMax, waitMs }: PollOptions): Promise<readonly RecordBatch[]> {
    const startMs = clock.monotonicMs();
    if (startMs - breathedAtMs >= BREATH_INTERVAL_MS) {
      await clock.sleep(0);
      breathedAtMs = clock.monotonicMs();
    }
    for (;;) {
      if (closed) return [];
      if (failure !== null) throw failure.error;
      const batches = take(recordsMax);
      const leftMs = startMs + waitMs - clock.monotonicMs();
      if (batches.length > 0 || leftMs <= 0) return batches;
      await wait(leftMs);
      breathedAtMs = clock.monotonicMs();
    }
  }

  return {
    async poll(options) {
      if (polling) throw new Error('a subscription takes one poll at a time');
      polling = true;
      try {
        return await pollOnce(options);
      } finally {
        polling = false;
      }
    },
    announce: () => waiting?.abort(),
    fail(error) {
      failure ??= { error };
      waiting?.abort();
    },
    close() {
      closed = true;
      waiting?.abort();
    },
  };
}

/**
 * Max-min fair: nobody gets less than another who gets more than one above it, unless it has no
 * more to give. `first` says who is served first when there is not enough for everybody.
 */
export function shareOut(
  available: readonly number[],
  { total, first }: { readonly total: number; readonly first: number },
): number[] {
  const counts = available.map(() => 0);
  let left = total;
  let hungry = available
    .map((_, index) => (index + first) % available.length)
    .filter((index) => available[index]! > 0);
  while (left > 0 && hungry.length > 0) {
    const share = Math.max(1, Math.floor(left / hungry.length));
    for (const index of hungry) {
      const count = Math.min(share, left, available[index]! - counts[index]!);
      counts[index]! += count;
      left -= count;
    }
    hungry = hungry.filter((index) => counts[index]! < available[index]!);
  }
  return counts;
}
