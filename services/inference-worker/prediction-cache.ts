/**
 * Remembers what a model said: a row that comes again is answered without the model, and one that
 * comes while its twin is on its way waits for that one's answer. No answer is ever another one than
 * the model's own: keys tell apart whatever a model could (prediction-cache-key.ts), only usable
 * answers are kept, and policies come after the cache.
 *
 * The cache steps aside by itself where it does not pay (prediction-cache-worth.ts). Entries are
 * shared by the versions of a model, so that a rollback finds what its version has said.
 */
import type { Cells } from './model-batch.ts';
import { PredictionEntries } from './prediction-cache-entries.ts';
import { createRowKey } from './prediction-cache-key.ts';
import { CacheWorth } from './prediction-cache-worth.ts';

/** A row on its way through the model, for itself and for the rows that wait for it. */
export interface Flight<W> {
  readonly key: string;
  readonly waiting: readonly W[];
}

export type Lookup<W> =
  /** The output columns, as the model gave them. */
  | { readonly kind: 'hit'; readonly outputs: readonly number[] }
  /** The row comes out of `settle` of the row it waits for. */
  | { readonly kind: 'joined' }
  /** The caller scores the row, and settles the flight whatever becomes of it. */
  | { readonly kind: 'missed'; readonly flight: Flight<W> }
  /** The caller scores the row; there is nothing to settle. */
  | { readonly kind: 'bypassed' };

export interface CacheCounts {
  readonly hits: number;
  readonly misses: number;
  readonly joins: number;
  readonly bypassed: number;
}

/** The cache as one model file uses it. Times are monotonic; `W` is whatever waits for an answer. */
export interface VersionCache<W> {
  lookup(cells: Cells, row: W, nowMs: number): Lookup<W>;
  /**
   * The rows that waited, in the order they came; they get the same answer. `null`: there is no usable
   * answer and nothing is kept. Then a failure of the row itself is theirs too, as their inputs are the
   * same, while one of the moment (a deadline, a full queue, a dead thread) is not.
   */
  settle(flight: Flight<W>, outputs: readonly number[] | null, nowMs: number): readonly W[];
  /** What a row took in the latest batch. */
  tellRowMs(rowMs: number): void;
  counts(): CacheCounts;
}

export interface PredictionCache<W> {
  /** Cells at `cellIndices` are the model's input, in its order. */
  of(model: {
    /** SHA-256 of the model file, hex. */
    readonly digest: string;
    readonly cellIndices: readonly number[];
    /** What the model is expected to take for a row. */
    readonly rowMs: number;
  }): VersionCache<W>;
  /** Entries held. */
  entryCount(): number;
  /** Entries that made room for others while their time was not over. */
  evictionCount(): number;
}

export interface PredictionCacheOptions {
  readonly entriesMax: number;
  /** 0: for ever. */
  readonly ttlMs: number;
  /** Numbers of one answer. */
  readonly outputCount: number;
  /** What lookups are timed with, and nothing else. */
  monotonicMs(): number;
}

/** One lookup in so many is timed; reading the clock twice costs about a tenth of a lookup. */
const TIMED_EVERY = 8;

const JOINED = { kind: 'joined' } as const;
const BYPASSED = { kind: 'bypassed' } as const;

class OpenFlight<W> implements Flight<W> {
  readonly key: string;
  readonly waiting: W[] = [];

  constructor(key: string) {
    this.key = key;
  }
}

export function createPredictionCache<W>(options: PredictionCacheOptions): PredictionCache<W> {
  const { entriesMax, ttlMs, outputCount, monotonicMs } = options;
  const entries = new PredictionEntries({ entriesMax, ttlMs, width: outputCount });
  const flights = new Map<string, OpenFlight<W>>();

  return {
    of({ digest, cellIndices, rowMs }) {
      const keyOf = createRowKey(digest, cellIndices);
      const worth = new CacheWorth(entriesMax, rowMs);
      let hits = 0;
      let misses = 0;
      let joins = 0;
      let bypassed = 0;
      let stores = 0;

      function find(cells: Cells, row: W, nowMs: number): Exclude<Lookup<W>, typeof BYPASSED> {
        const key = keyOf(cells);
        const outputs = entries.get(key, nowMs);
        if (outputs !== null) {
          hits += 1;
          return { kind: 'hit', outputs };
        }
        const known = flights.get(key);
        if (known !== undefined) {
          joins += 1;
          known.waiting.push(row);
          return JOINED;
        }
        misses += 1;
        const flight = new OpenFlight<W>(key);
        flights.set(key, flight);
        return { kind: 'missed', flight };
      }

      return {
        lookup(cells, row, nowMs) {
          if (!worth.looks()) {
            bypassed += 1;
            return BYPASSED;
          }
          const isTimed = (hits + misses + joins) % TIMED_EVERY === 0;
          const startedMs = isTimed ? monotonicMs() : 0;
          const found = find(cells, row, nowMs);
          if (isTimed) worth.tellLookupMs(monotonicMs() - startedMs);
          worth.looked(found.kind !== 'missed');
          return found;
        },

        settle(flight, outputs, nowMs) {
          // Settled before: those who waited have their answer.
          if (flights.get(flight.key) !== flight) return [];
          flights.delete(flight.key);
          if (outputs !== null) {
            const isTimed = stores % TIMED_EVERY === 0;
            stores += 1;
            const startedMs = isTimed ? monotonicMs() : 0;
            entries.set(flight.key, outputs, nowMs);
            if (isTimed) worth.tellStoreMs(monotonicMs() - startedMs);
          }
          return flight.waiting;
        },

        tellRowMs: (told) => worth.tellRowMs(told),
        counts: () => ({ hits, misses, joins, bypassed }),
      };
    },
    entryCount: () => entries.count,
    evictionCount: () => entries.evictions,
  };
}
